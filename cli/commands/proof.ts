import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Pool } from '../../db/pool.ts';
import { grantOfCall } from '../../db/grants.ts';
import { type HeldCallTrace, heldCallTrace } from '../../db/records-call.ts';
import { createLogView } from '../../db/records-log.ts';
import { createRecordReader } from '../../db/records-read.ts';
import { NotInLogYet, type ProofFile, writeProofFile } from '../../recording/export/proof-file.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import type { RecordReader } from '../../recording/reader.ts';
import { sessionsOf } from '../../recording/search.ts';

/** What `holdpoint proof` needs. */
export interface ProofDeps {
  readonly pool: Pool;
  readonly keyRing: KeyRing;
  /** The log's public key. */
  readonly logKey: string;
  /** Ed25519 public keys (raw, base64url) of those who may sign votes, by key id. */
  readonly votePublicKeys: Readonly<Record<string, string>>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly recordAct: (
    act: string,
    details: Readonly<Record<string, string | number | null>>,
  ) => Promise<void>;
}

/** An outcome may be handed to its client for as long after it has ended. */
const handOverMs = 86_400_000;

/** Whoever asks right after a call waits for the log, which takes in what was recorded about every second. */
const logWithinMs = 10_000;
const lookAgainMs = 100;

const usage = `usage: holdpoint proof CALL [--session SESSION] > FILE

Prints everything recorded of one call, with the votes on it and the proof that it is in the log, as one file for
\`holdpoint verify FILE\`. --session names the session of a call that was not held.
`;

/** Runs `holdpoint proof`. @returns 0 done, 1 failed, 2 usage */
export async function run(argv: string[], deps: ProofDeps): Promise<number> {
  let session: string | undefined;
  let callId: string | undefined;
  try {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: { session: { type: 'string' } },
    });
    session = values.session;
    callId = positionals.length === 1 ? positionals[0] : undefined;
  } catch (error) {
    deps.err(`${(error as Error).message}\n`);
  }
  if (!callId) {
    deps.err(usage);
    return 2;
  }
  const held = await heldCallTrace(deps.pool, callId);
  if (!held && session === undefined) {
    deps.err('no call of this id was held; for one that passed, name its session with --session\n');
    return 1;
  }
  await deps.recordAct('proof', { call: callId });
  const file = await onceInLog(() => fileOf(deps, callId, held, session));
  if (file.records.length === 0) {
    deps.err('nothing of this call is recorded in that session, or it was purged\n');
    return 1;
  }
  deps.out(`${JSON.stringify(file, null, 1)}\n`);
  return 0;
}

async function onceInLog<T>(file: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + logWithinMs;
  for (;;) {
    try {
      return await file();
    } catch (error) {
      if (!(error instanceof NotInLogYet) || Date.now() >= deadline) throw error;
    }
    await sleep(lookAgainMs);
  }
}

/** The file of one call, with that of the call whose approval it ran under, where it did. */
async function fileOf(
  deps: ProofDeps,
  callId: string,
  held: HeldCallTrace | null,
  session?: string,
): Promise<ProofFile> {
  const reader = createRecordReader(deps.pool);
  const grant = held && (await grantOfCall(deps.pool, callId));
  const granted = grant && (await heldCallTrace(deps.pool, grant.callId));
  const sessionIds = held ? await sessionsOfCall(reader, callId, held) : [];
  return writeProofFile(
    { reader, keyRing: deps.keyRing, log: createLogView(deps.pool), vkey: deps.logKey },
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
