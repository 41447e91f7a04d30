import { createHmac, timingSafeEqual } from 'node:crypto';
import type { SealedValue } from '../../db/held-execution.ts';
import type { Caller } from '../../policy/caller.ts';
import type { OnDisconnect } from '../../policy/verdict.ts';
import type { SessionFacts } from '../../recording/event.ts';
import { type KeyRing, newDataKey } from '../../recording/key-ring.ts';
import { seal, unseal } from '../../recording/seal.ts';
import type { Bound, DecidingTerms } from '../../workflows/contract.ts';
import { commitToArgs, digestOf } from './canonical.ts';
import { at, JsonTextError, members, splice } from './json-text.ts';

/**
 * Everything that running a held call goes by. It is sealed together with the request: the columns of the row are
 * for people to look at, and changing them changes nothing that runs.
 */
export interface HeldFacts {
  readonly bound: Bound;
  readonly caller: Caller;
  readonly session: SessionFacts;
  readonly correlationId: string;
  readonly protocolVersion: string;
  readonly rule: string;
  /** Missing in calls that were held before it was kept. */
  readonly risk?: string;
  readonly maskProfile: string;
  readonly approverGroups: readonly string[];
  readonly approvalsNeeded: number;
  /** Absent in calls of 0.1.0. */
  readonly terms?: DecidingTerms;
  /** As far as extensions may go; absent in calls of 0.1.0, which have none. */
  readonly latestExpiresAtMs?: number;
  readonly requesterKeys: readonly string[];
  readonly onDisconnect: OnDisconnect;
  readonly headers: Readonly<Record<string, string>>;
  /** The condition that must hold right before it is sent, as policy wrote it; null when there is none. */
  readonly precondition: string | null;
  /** What stands in the request in place of tokens, and its detector; it is hidden wherever the call is shown. */
  readonly restored?: readonly (readonly [value: string, detector: string])[];
}

/** A held call as it is to run: its facts, and the JSON-RPC request exactly as it was read. */
export interface HeldCall {
  readonly facts: HeldFacts;
  readonly json: string;
}

/** The stored call is not what was held. Its message says in what it differs, never what it says. */
export class TamperedCallError extends Error {
  readonly code = 'tampered_call';
}

/**
 * Seals a call under a fresh key of its own and computes the digest that its approval is bound to.
 * @param facts all of them but the commitment to the arguments, which needs the key
 */
export async function sealCall(
  keyRing: KeyRing,
  facts: Omit<HeldFacts, 'bound'> & { bound: Omit<Bound, 'argsSha256'> },
  json: string,
): Promise<{ request: SealedValue; digest: string }> {
  const { callId, method } = facts.bound;
  const dataKey = newDataKey();
  const bound: Bound = { ...facts.bound, argsSha256: commitment(dataKey, method, json) };
  const plaintext = Buffer.from(JSON.stringify({ facts: { ...facts, bound }, json }));
  const { kekId, wrapped } = await keyRing.wrap(dataKey, requestContext(callId));
  const sealed = seal(dataKey, plaintext, requestContext(callId));
  plaintext.fill(0);
  dataKey.fill(0);
  return { request: { kekId, wrapped, sealed }, digest: digestOf(bound) };
}

/**
 * Opens a sealed call and proves that it is the one that `digest` names: every bound fact, and the arguments as
 * they stand in the bytes that will be sent.
 * @throws TamperedCallError when the sealed value, the digest or the bytes do not belong together
 */
export async function unsealCall(
  keyRing: KeyRing,
  callId: string,
  value: SealedValue,
  digest: string,
): Promise<HeldCall> {
  const { call, key } = await open(keyRing, callId, value);
  const { bound } = call.facts;
  const recomputed: Bound = { ...bound, callId, argsSha256: commitment(key, bound.method, call.json) };
  if (!sameText(digestOf(recomputed), digest))
    throw new TamperedCallError('the stored call does not have the digest that was approved');
  if (nameOf(bound.method, call.json) !== bound.tool)
    throw new TamperedCallError('the stored call names another tool than the one that was approved');
  return call;
}

async function open(
  keyRing: KeyRing,
  callId: string,
  { kekId, wrapped, sealed }: SealedValue,
): Promise<{ call: HeldCall; key: Uint8Array }> {
  try {
    const key = await keyRing.unwrap({ kekId, wrapped }, requestContext(callId));
    const call = JSON.parse(unseal(key, sealed, requestContext(callId)).toString()) as HeldCall;
    return { call, key };
  } catch (error) {
    throw new TamperedCallError(
      'the stored call cannot be unsealed: it was changed, moved, or its key is gone',
      {
        cause: error,
      },
    );
  }
}

/** Seals what a client that comes back is given. */
export async function sealResult(keyRing: KeyRing, callId: string, json: string): Promise<SealedValue> {
  return sealNamed(keyRing, resultContext(callId), json);
}

/** @throws Error when the sealed result was changed, or its key is gone */
export async function unsealResult(keyRing: KeyRing, callId: string, value: SealedValue): Promise<string> {
  return unsealNamed(keyRing, resultContext(callId), value);
}

/** Seals the arguments that a grant's predicates compare with. */
export async function sealGrantArgs(keyRing: KeyRing, grantId: string, json: string): Promise<SealedValue> {
  return sealNamed(keyRing, grantContext(grantId), json);
}

/** @throws Error when they were changed, or their key is gone */
export async function unsealGrantArgs(
  keyRing: KeyRing,
  grantId: string,
  value: SealedValue,
): Promise<string> {
  return unsealNamed(keyRing, grantContext(grantId), value);
}

/** Seals what a precondition's call answered when a call was held. */
export async function sealBefore(keyRing: KeyRing, callId: string, json: string): Promise<SealedValue> {
  return sealNamed(keyRing, beforeContext(callId), json);
}

/** @throws Error when it was changed, or its key is gone */
export async function unsealBefore(keyRing: KeyRing, callId: string, value: SealedValue): Promise<string> {
  return unsealNamed(keyRing, beforeContext(callId), value);
}

/** Seals a call that is to find out what became of a held one. */
export async function sealReadBack(keyRing: KeyRing, callId: string, json: string): Promise<SealedValue> {
  return sealNamed(keyRing, readBackContext(callId), json);
}

/** @throws Error when it was changed, or its key is gone */
export async function unsealReadBack(keyRing: KeyRing, callId: string, value: SealedValue): Promise<string> {
  return unsealNamed(keyRing, readBackContext(callId), value);
}

async function unsealNamed(keyRing: KeyRing, context: string, value: SealedValue): Promise<string> {
  return unseal(await keyRing.unwrap(value, context), value.sealed, context).toString();
}

async function sealNamed(keyRing: KeyRing, context: string, text: string): Promise<SealedValue> {
  const dataKey = newDataKey();
  const { kekId, wrapped } = await keyRing.wrap(dataKey, context);
  return { kekId, wrapped, sealed: seal(dataKey, Buffer.from(text), context) };
}

/** Members of `params` that are about transport, or are shown and bound under their own names. */
const notArguments = new Set(['_meta', 'name', 'task']);

/**
 * What counts as the arguments of a request, and so is shown, bound and run: for `tools/call`, `params.arguments` as
 * it stands. For any other method, and for a tool call with further members (such as `inputResponses`), all of
 * `params` but its name and `_meta`: nothing that has an effect may go upstream without an approver having seen it.
 * @returns JSON text, or null when there are none
 */
export function argsOf(method: string, json: string): string | null {
  const params = at(json, ['params']);
  if (!params) return null;
  if (json[params.start] !== '{') return json.slice(params.start, params.end);
  const rest = members(json, params.start).filter((member) => !notArguments.has(member.key));
  if (method === 'tools/call' && rest.every((member) => member.key === 'arguments'))
    return rest[0] ? json.slice(rest[0].start, rest[0].end) : null;
  return `{${rest.map(({ key, start, end }) => `${JSON.stringify(key)}:${json.slice(start, end)}`).join(',')}}`;
}

/** The name that a request calls by: `params.name`, or `params.uri` for resources; empty when it has neither. */
export function nameOf(method: string, json: string): string {
  const key = method.startsWith('resources/') ? 'uri' : 'name';
  const span = at(json, ['params', key]);
  const value: unknown = span ? JSON.parse(json.slice(span.start, span.end)) : '';
  return typeof value === 'string' ? value : '';
}

/**
 * The request as it goes upstream: the stored text, with the id and the progress token of the request that waits
 * for it now. Nothing else is touched, down to white space.
 */
export function asSent(json: string, idJson: string, progressToken: string | null): string {
  const id = at(json, ['id']);
  if (!id) throw new JsonTextError('the stored request has no id');
  const changes = [{ ...id, with: idJson }];
  const token = at(json, ['params', '_meta', 'progressToken']);
  if (token && progressToken !== null) changes.push({ ...token, with: progressToken });
  return splice(json, changes);
}

function commitment(dataKey: Uint8Array, method: string, json: string): string {
  const key = createHmac('sha256', dataKey).update('holdpoint commitment to arguments').digest();
  return commitToArgs(key, argsOf(method, json));
}

function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function requestContext(callId: string): string {
  return `held request ${callId}`;
}

function beforeContext(callId: string): string {
  return `answer before held call ${callId}`;
}

function readBackContext(callId: string): string {
  return `read-back of held call ${callId}`;
}

function grantContext(grantId: string): string {
  return `approved arguments of grant ${grantId}`;
}

function resultContext(callId: string): string {
  return `held result ${callId}`;
}
