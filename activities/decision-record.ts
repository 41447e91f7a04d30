import { type DecidedCall, decidedCall, storeVotes } from '../db/held-deciding.ts';
import type { Pool } from '../db/pool.ts';
import type { Masked } from '../masking/masked.ts';
import type { EventKind, Recorder } from '../recording/event.ts';
import { jwsHash } from '../recording/jws-hash.ts';
import type { CountedVote } from '../workflows/contract.ts';

/** Where decisions and outcomes are recorded, and how their words are masked. */
export interface DecisionRecording {
  readonly recorder: Recorder;
  /** Masks JSON text before it is recorded. */
  readonly maskJson: (json: string) => Masked<string>;
  /** Masks the words that agents and approvers are given. */
  readonly maskText: (text: string) => Masked<string>;
}

/** What recording decisions works with. */
export interface RecordingDeps {
  readonly pool: Pool;
  /** Null only where nothing is recorded at all. */
  readonly recording: DecisionRecording | null;
  readonly log: {
    info(facts: object, message: string): void;
    warn(facts: object, message: string): void;
  };
}

/** Records the votes that have not been recorded yet, then stores them. A repeat may record one twice, never none. */
export async function keepVotes(
  deps: RecordingDeps,
  callId: string,
  votes: readonly CountedVote[],
): Promise<DecidedCall | null> {
  const call = await decidedCall(deps.pool, callId);
  if (!call || call.votesRecorded >= votes.length) return call;
  for (const vote of votes.slice(call.votesRecorded)) {
    const { jws, ...said } = vote;
    // The signed vote itself is in the row. Its hash stands in the log, so that no vote can be made up afterwards.
    await recordFact(deps, callId, call, 'decision', { ...said, jwsHash: jwsHash(jws) });
    const { decision, via } = vote;
    deps.log.info({ callId, correlationId: call.correlationId, decision, via }, 'a decision counted');
  }
  await storeVotes(deps.pool, callId, votes);
  return call;
}

/** Records one fact about a held call in the session that asked for it. */
export async function recordFact(
  { recording }: Pick<RecordingDeps, 'recording'>,
  callId: string,
  call: DecidedCall,
  kind: EventKind,
  facts: object,
): Promise<void> {
  if (!recording) return;
  const { recorder, maskJson } = recording;
  const event = {
    kind,
    direction: 'none',
    callId,
    method: call.method,
    tool: call.tool,
    verdict: 'hold',
    rule: call.rule,
    policyVersion: call.policyVersion,
    risk: call.risk,
    bytes: maskJson(JSON.stringify({ callId, ...facts })),
  } as const;
  try {
    await recorder.append(call.session, event);
  } catch (error) {
    // The session that asked may be sealed by now: what is decided later is kept in one of the call's own.
    if ((error as { code?: unknown }).code !== 'session_ended') throw error;
    await recorder.append({ ...call.session, sessionId: `run-${callId}` }, event);
  }
}
