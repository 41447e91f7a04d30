import { randomBytes } from 'node:crypto';
import type { NewHeldCall } from '../../db/held-opening.ts';
import type { Masker } from '../../masking/engine.ts';
import type { Caller } from '../../policy/caller.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import type { HoldVerdict } from '../../policy/verdict.ts';
import {
  type ApprovalInput,
  type Bound,
  type DecidingTerms,
  replicaQueue,
  workflowIdOf,
} from '../../workflows/contract.ts';
import type { HeldRequest } from '../hold-port.ts';
import { attachKey } from './canonical.ts';
import { meetsOwn } from './offers.ts';
import { argsOf, sealCall } from './sealed-call.ts';

/** A held call before anybody knows of it: its row, and what its workflow is started with. */
export interface Draft {
  readonly row: NewHeldCall;
  readonly approval: ApprovalInput;
}

/** What drafting needs. */
export interface DraftDeps {
  readonly keyRing: KeyRing;
  readonly replica: string;
  readonly attachSecret: Uint8Array;
  readonly votePublicKeys: Readonly<Record<string, string>>;
  readonly settings: { readonly graceMs: number };
}

/**
 * Seals a request and computes everything that its approval is bound to. What people, the row and Temporal get of
 * it is masked; the true values are sealed.
 * @throws JsonTextError when its arguments cannot be put into canonical form
 */
export async function draftCall(
  deps: DraftDeps,
  request: HeldRequest,
  masker: Masker,
  nowMs: number,
): Promise<Draft> {
  const { caller, connection, method, tool, verdict } = partsOf(request);
  const callId = newCallId();
  const expiresAtMs = nowMs + verdict.timeoutMs;
  const argsJson = argsOf(method, request.json);
  const { policyVersion } = verdict;
  const requesterKeys = keysOfRequester(caller);
  const approverGroups = verdict.approvers.map((group) => group.name);
  const terms = termsOf(verdict);
  const { extension } = verdict;
  const latestExpiresAtMs = expiresAtMs + (extension ? extension.byMs * extension.times : 0);
  const bound = {
    callId,
    callerKey: caller.key,
    connection,
    method,
    tool,
    definitionHash: request.definitionHash,
    policyVersion,
    expiresAtMs,
  };
  const { request: sealed, digest } = await sealCall(
    deps.keyRing,
    {
      bound,
      caller,
      session: request.session,
      correlationId: request.correlationId,
      protocolVersion: request.protocolVersion,
      rule: verdict.rule,
      risk: verdict.risk,
      maskProfile: verdict.maskProfile,
      approverGroups,
      approvalsNeeded: verdict.approvalsNeeded,
      terms,
      latestExpiresAtMs,
      requesterKeys,
      onDisconnect: verdict.onDisconnect,
      headers: request.headers,
      precondition: verdict.offers.precondition?.holds.text ?? null,
      ...(request.restored && {
        restored: request.restored.map(({ value, type }) => [value, type] as const),
      }),
    },
    request.json,
  );
  // An agent may call a tool by any name; one that looks like a secret is not shown either.
  const shownTool = masker.text(tool).text;
  const workflowId = workflowIdOf({ connection, tool: shownTool, callId });
  const shared = { callId, digest, connection, tool: shownTool, policyVersion, ...becauseOf(verdict) };
  return {
    row: {
      ...shared,
      attachKey: attachKey(deps.attachSecret, {
        callerKey: caller.key,
        connection,
        method,
        tool,
        argsJson,
        policyVersion,
      }),
      workflowId,
      method,
      sessionId: request.session.sessionId,
      caller: shownCaller(caller),
      definitionHash: request.definitionHash,
      approvers: verdict.approvers,
      approvalsNeeded: verdict.approvalsNeeded,
      quorum: verdict.quorum,
      escalation: verdict.escalation,
      extension,
      onSlackOutage: verdict.onSlackOutage,
      stepUp: verdict.stepUp ?? null,
      latestExpiresAt: new Date(latestExpiresAtMs),
      onDisconnect: verdict.onDisconnect,
      grantOffer: shownOffer(request, bound),
      shownArgs: (await masker.later.json(argsJson ?? 'null')).text,
      intent: request.intent,
      expiresAt: new Date(expiresAtMs),
      correlationId: request.correlationId,
      request: sealed,
    },
    approval: {
      ...shared,
      subject: caller.subject,
      client: caller.client,
      approverGroups,
      approvalsNeeded: verdict.approvalsNeeded,
      terms,
      requesterKeys,
      createdAtMs: nowMs,
      expiresAtMs,
      onDisconnect: verdict.onDisconnect,
      graceMs: deps.settings.graceMs,
      holderQueue: replicaQueue(deps.replica),
      votePublicKeys: deps.votePublicKeys,
      correlationId: request.correlationId,
    },
  };
}

/** Policy's terms with groups by name only: what the workflow and the executing gateway go by. */
function termsOf(verdict: HoldVerdict): DecidingTerms {
  const { quorum, remindersMs, escalation, extension, onSlackOutage, stepUp = null } = verdict;
  const stages = escalation.map(({ afterMs, to }) => ({ afterMs, groups: to.map(({ name }) => name) }));
  return { quorum, remindersMs, escalation: stages, extension, onSlackOutage, stepUp };
}

function partsOf({ caller, session, method, tool, verdict }: HeldRequest) {
  return { caller, connection: session.connection, method, tool, verdict };
}

function becauseOf({ rule, reason, risk }: HeldRequest['verdict']) {
  return { rule, reason, risk };
}

/**
 * What policy lets approvers release beside the call. Nothing where it could not be given: the definition of the tool
 * is not known, or the call itself does not meet the predicates.
 */
function shownOffer(
  { verdict, caller, json }: HeldRequest,
  bound: Omit<Bound, 'argsSha256'>,
): NewHeldCall['grantOffer'] {
  const offer = verdict.offers.grants;
  if (!offer || bound.method !== 'tools/call' || bound.definitionHash === null) return null;
  const { calls, forMs, scope, where } = offer;
  if (!meetsOwn(offer, { bound, caller }, json)) return null;
  return { calls, forMs, scope, where: where.map(({ text }) => text) };
}

/** Every stable key of the requester and of whoever acts for them; none of these people may decide. */
function keysOfRequester({ key, issuer, email, actors }: Caller): string[] {
  const keys = new Set([key]);
  for (const actor of actors) {
    keys.add(actor);
    if (issuer !== null) keys.add(`oidc:${issuer}#${actor}`);
  }
  if (email !== null) keys.add(`email:${email.toLowerCase()}`);
  return [...keys];
}

/** A caller without the verified claims, which may hold anything. */
function shownCaller(caller: Caller): Omit<Caller, 'claims'> {
  const { key, subject, issuer, email, name, groups, actors, client, credentialId } = caller;
  return { key, subject, issuer, email, name, groups, actors, client, credentialId };
}

/** An id that cannot be guessed and is easy to read out: `hp_` and 26 letters and digits (128 bits, base 32). */
function newCallId(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz023456789';
  let bits = BigInt(`0x${randomBytes(16).toString('hex')}`);
  let id = '';
  for (let index = 0; index < 26; index++) {
    id += alphabet[Number(bits & 31n)];
    bits >>= 5n;
  }
  return `hp_${id}`;
}
