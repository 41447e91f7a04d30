import type { SessionFacts } from '../../recording/event.ts';
import { jwsHash } from '../../recording/jws-hash.ts';
import type { Claimed, RunDeps } from './run-call.ts';

/**
 * Records the votes by which a claimed call runs, as far as nobody has yet, in the session that asked for it.
 * @returns how many votes are recorded now, and when the last was cast; null where that is left to the worker: under
 * a grant, and when it failed
 */
export async function recordVotes(
  deps: RunDeps,
  { call, votes }: Claimed,
): Promise<{ recorded: number; atMs: number } | null> {
  const last = votes?.all.at(-1);
  if (!votes || !last) return null;
  const { callId } = call.facts.bound;
  try {
    await Promise.all(
      votes.all.slice(votes.recorded).map(async (vote) => {
        const { jws, ...said } = vote;
        // As the worker records it: the signed vote is in the row, its hash in the log.
        await recordVote(deps, call.facts, { callId, ...said, jwsHash: jwsHash(jws) });
        const { decision, via } = vote;
        const { correlationId } = call.facts;
        deps.log.info({ callId, correlationId, decision, via }, 'a decision counted');
      }),
    );
    return { recorded: votes.all.length, atMs: last.atMs };
  } catch (error) {
    deps.log.warn({ callId, err: error }, 'the decisions on a running call are left to the worker to record');
    return null;
  }
}

async function recordVote(
  { recorder, maskers }: RunDeps,
  { bound, rule, risk, session }: Claimed['call']['facts'],
  vote: object,
): Promise<void> {
  const { callId, method, tool, policyVersion } = bound;
  // People's words are masked by the default profile, whatever the rule's.
  const masker = maskers().masker('default');
  const event = {
    kind: 'decision',
    direction: 'none',
    callId,
    method,
    tool: masker.text(tool).text,
    verdict: 'hold',
    rule,
    policyVersion,
    ...(risk !== undefined && { risk }),
    bytes: masker.json(JSON.stringify(vote)).text,
  } as const;
  const inSession = async (facts: SessionFacts): Promise<unknown> => recorder.append(facts, event);
  try {
    await inSession(session);
  } catch (error) {
    // The session that asked may be sealed by now: what is decided later is kept in one of the call's own.
    if ((error as { code?: unknown }).code !== 'session_ended') throw error;
    await inSession({ ...session, sessionId: `run-${callId}` });
  }
}
