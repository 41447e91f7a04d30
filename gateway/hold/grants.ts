import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { insertGrant, type OpenGrant, openGrants, takeUse } from '../../db/grants.ts';
import { type ClaimAsk, claimIn } from '../../db/held-execution.ts';
import { inTransaction, type Pool } from '../../db/pool.ts';
import type { Policy } from '../../policy/policy.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import type { Bound, CountedVote } from '../../workflows/contract.ts';
import { claimHandles } from '../containment/handles.ts';
import { grantOf } from './grant-terms.ts';
import { argumentsOf, covers, offersOf } from './offers.ts';
import { argsOf, type HeldCall, sealGrantArgs, unsealGrantArgs } from './sealed-call.ts';

/** What giving and using grants needs. */
export interface GrantDeps {
  readonly pool: Pool;
  readonly keyRing: KeyRing;
  readonly policy: () => Policy;
  readonly votePublicKeys: Readonly<Record<string, string>>;
  readonly log: Logger;
}

/** A call that was claimed under a grant. */
export interface Granted {
  readonly grantId: string;
  /** Which of the grant's uses it is, from 1. */
  readonly use: number;
  readonly execToken: string;
}

/** The id of the grant that is given together with a call. */
export function grantIdOf(callId: string): string {
  return callId.replace(/^hp_/, 'gr_');
}

/**
 * Gives the grant that an approved call's votes offer, once the call itself is claimed. Whatever goes wrong here, the
 * call runs as it was approved; there is only no grant then.
 */
export async function giveGrant(
  deps: GrantDeps,
  call: HeldCall,
  votes: readonly CountedVote[],
): Promise<void> {
  if (!votes.some((vote) => vote.grant)) return;
  const { facts, json } = call;
  const { bound, rule } = facts;
  const { callId, definitionHash } = bound;
  try {
    const policy = deps.policy();
    const offer = policy.version === bound.policyVersion ? offersOf(policy, rule).grants : null;
    const given = offer && grantOf(votes, bound, { facts, offer, publicKeys: deps.votePublicKeys });
    if (!given?.given || definitionHash === null || !offer) {
      const because = given?.given === false ? given.because : 'policy does not offer one any more';
      deps.log.warn({ callId, because }, 'an approval offered a grant that cannot be given');
      return;
    }
    // Predicates compare further calls with this one: it must satisfy them itself.
    const args = argumentsOf(json);
    if (!covers(offer, facts, json, args)) {
      deps.log.warn({ callId }, 'an approval offered a grant whose predicates its own call does not meet');
      return;
    }
    await insertGrant(deps.pool, {
      grantId: grantIdOf(callId),
      callId,
      callerKey: bound.callerKey,
      connection: bound.connection,
      tool: bound.tool,
      rule,
      policyVersion: bound.policyVersion,
      definitionHash,
      bound,
      votes: given.votes,
      terms: given.terms,
      args: await sealGrantArgs(deps.keyRing, grantIdOf(callId), args ?? 'null'),
    });
    deps.log.info({ callId, grantId: grantIdOf(callId) }, 'a grant is given');
  } catch (error) {
    deps.log.error({ callId, err: error }, 'a grant could not be given; its call runs all the same');
  }
}

/**
 * Claims a new call under an open grant that covers it, use and call in one transaction.
 * @param call the call as it was sealed: policy has just held it, so no deny rule matches
 * @returns null when no grant covers it: people are to be asked
 */
export async function claimUnderGrant(
  deps: GrantDeps,
  call: HeldCall,
  digest: string,
): Promise<Granted | null> {
  const { bound, rule, session } = call.facts;
  const policy = deps.policy();
  const offer = policy.version === bound.policyVersion ? offersOf(policy, rule).grants : null;
  if (!offer || bound.method !== 'tools/call' || argsOf(bound.method, call.json) !== argumentsOf(call.json))
    return null;
  const { callerKey, connection, tool, policyVersion } = bound;
  const { sessionId } = session;
  const open = await openGrants(deps.pool, { callerKey, connection, tool, policyVersion, sessionId });
  for (const grant of open) {
    const calls = await coveredCalls(deps, call, grant);
    if (calls === null) continue;
    const execToken = randomUUID();
    const handles = claimHandles(call.facts, grant.votes as readonly CountedVote[]);
    const use = await take(deps.pool, {
      handles,
      grantId: grant.grantId,
      callId: bound.callId,
      digest,
      execToken,
      calls,
    });
    if (use !== null) return { grantId: grant.grantId, use, execToken };
  }
  return null;
}

/** How many calls the grant's votes allow, when they cover this call; else null. */
async function coveredCalls(deps: GrantDeps, call: HeldCall, grant: OpenGrant): Promise<number | null> {
  const { facts, json } = call;
  const offer = offersOf(deps.policy(), facts.rule).grants;
  const bound = grant.bound as Bound;
  const sameThing = (
    ['callerKey', 'connection', 'method', 'tool', 'policyVersion', 'definitionHash'] as const
  ).every((key) => bound[key] === facts.bound[key]);
  if (!offer || !sameThing || bound.callId !== grant.callId) return null;
  const votes = grant.votes as readonly CountedVote[];
  const session = { ...facts.session };
  const given = grantOf(votes, bound, {
    facts: { ...facts, session },
    offer,
    publicKeys: deps.votePublicKeys,
  });
  if (!given.given) {
    deps.log.error(
      { grantId: grant.grantId, because: given.because },
      'a stored grant is not what was given',
    );
    return null;
  }
  if (given.terms.untilMs <= Date.now()) return null;
  const approvedJson = await unsealGrantArgs(deps.keyRing, grant.grantId, grant.args);
  return covers(offer, facts, json, approvedJson) ? given.terms.calls : null;
}

class NotTaken extends Error {}

async function take(
  pool: Pool,
  use: Omit<ClaimAsk, 'votes'> & { readonly grantId: string; readonly calls: number },
): Promise<number | null> {
  try {
    return await inTransaction(pool, async (client) => {
      const number = await takeUse(client, use.grantId, use.callId);
      const { callId, digest, execToken, handles } = use;
      // The votes are for another call: this one's row names the grant instead.
      if (
        number === null ||
        number > use.calls ||
        !(await claimIn(client, { callId, digest, execToken, handles, votes: [] }))
      )
        throw new NotTaken();
      return number;
    });
  } catch (error) {
    if (error instanceof NotTaken) return null;
    throw error;
  }
}
