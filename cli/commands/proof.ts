import { parseArgs } from 'node:util';
import type { Pool } from '../../db/pool.ts';
import { heldCallTrace } from '../../db/records-call.ts';
import { createLogView } from '../../db/records-log.ts';
import { createRecordReader } from '../../db/records-read.ts';
import { writeProofFile } from '../../recording/export/proof-file.ts';
import type { KeyRing } from '../../recording/key-ring.ts';

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
  const sessionIds = [session ?? held?.sessionId ?? '', `run-${callId}`];
  const file = await writeProofFile(
    {
      reader: createRecordReader(deps.pool),
      keyRing: deps.keyRing,
      log: createLogView(deps.pool),
      vkey: deps.logKey,
    },
    {
      callId,
      callIds: held ? [callId, held.correlationId] : [callId],
      sessionIds,
      approval: held && { votes: held.votes, voteKeys: deps.votePublicKeys },
    },
  );
  if (file.records.length === 0) {
    deps.err('nothing of this call is recorded in that session, or it was purged\n');
    return 1;
  }
  deps.out(`${JSON.stringify(file, null, 1)}\n`);
  return 0;
}
