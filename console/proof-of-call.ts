import { setTimeout as sleep } from 'node:timers/promises';
import { grantOfCall } from '../db/grants.ts';
import type { Pool } from '../db/pool.ts';
import { type HeldCallTrace, heldCallTrace } from '../db/records-call.ts';
import { NotInLogYet, type ProofFile, writeProofFile } from '../recording/export/proof-file.ts';
import type { KeyRing } from '../recording/key-ring.ts';
import type { RecordReader } from '../recording/reader.ts';
import { sessionsOf } from '../recording/search.ts';
import { ApiProblem } from './api/endpoint.ts';
import type { SignedLog } from './inclusion.ts';

/** What proving a call needs. */
export interface ProofDeps {
  readonly pool: Pool;
  readonly reader: RecordReader;
  readonly keyRing: KeyRing;
  readonly log: SignedLog;
  /** Ed25519 public keys (raw, base64url) of those who may sign votes, by key id. */
  readonly votePublicKeys: Readonly<Record<string, string>>;
}

/** An outcome may be handed to its client for as long after it has ended. */
const handOverMs = 86_400_000;
const inLogWithinMs = 5_000;
const askEveryMs = 200;

/**
 * Everything recorded of one call, with the votes on it and the proof that it is in the log.
 * @param session of a call that was not held
 * @param begin records that somebody asks, before anything is read
 * @throws ApiProblem `not_found`, or `unavailable` while the log has not taken in all of it
 */
export async function proofOfCall(
  deps: ProofDeps,
  callId: string,
  session: string | undefined,
  begin: () => Promise<void>,
): Promise<ProofFile> {
  const held = await heldCallTrace(deps.pool, callId);
  if (!held && session === undefined)
    throw new ApiProblem(
      'not_found',
      'no call of this id was held; for one that passed, name its session with --session',
    );
  if (!held && session !== undefined && !(await deps.reader.session(session)))
    throw new ApiProblem('not_found', 'no session of this id is recorded');
  await begin();
  const file = await onceInLog(() => fileOf(deps, callId, held, session));
  if (file.records.length > 0) return file;
  throw new ApiProblem('not_found', 'nothing of this call is recorded in that session, or it was purged');
}

/** A worker takes records into the log within a second or so: that is waited for. @throws ApiProblem `unavailable` */
async function onceInLog(prove: () => Promise<ProofFile>): Promise<ProofFile> {
  for (const untilMs = Date.now() + inLogWithinMs; ; ) {
    try {
      return await prove();
    } catch (error) {
      if (!(error instanceof NotInLogYet)) throw error;
      if (Date.now() >= untilMs) throw new ApiProblem('unavailable', error.message, { cause: error });
      await sleep(askEveryMs);
    }
  }
}

/** The file of one call, with that of the call whose approval it ran under, where it did. */
async function fileOf(
  deps: ProofDeps,
  callId: string,
  held: HeldCallTrace | null,
  session?: string,
): Promise<ProofFile> {
  const { reader, keyRing, log } = deps;
  const grant = held && (await grantOfCall(deps.pool, callId));
  const granted = grant && (await heldCallTrace(deps.pool, grant.callId));
  const sessionIds = held ? await sessionsOfCall(reader, callId, held) : [];
  return writeProofFile(
    { reader, keyRing, log: log.view, vkey: log.vkey },
    {
      callId,
      callIds: held ? [callId, held.correlationId] : [callId],
      sessionIds: session === undefined ? sessionIds : [...new Set([session, ...sessionIds])],
      approval: held && { votes: held.votes, voteKeys: deps.votePublicKeys },
      grant: granted && (await fileOf(deps, grant.callId, granted)),
    },
  );
}

/** A client that was cut off comes back in another session, and what happens from then on is recorded there. */
async function sessionsOfCall(reader: RecordReader, callId: string, held: HeldCallTrace): Promise<string[]> {
  const { sessionId, callerKey: person, connection, createdAt: from } = held;
  const to = new Date((held.endedAt?.getTime() ?? Date.now()) + handOverMs);
  const found = [sessionId];
  for await (const { facts } of sessionsOf({ reader }, { person, connection, from, to }))
    found.push(facts.sessionId);
  return [...new Set([...found, `run-${callId}`])];
}
