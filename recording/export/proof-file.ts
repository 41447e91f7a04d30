import { decodeHeader, leafHash } from '../header.ts';
import type { KeyRing } from '../key-ring.ts';
import { openCheckpoint, type Checkpoint } from '../log/checkpoint.ts';
import type { LogView } from '../log/log-view.ts';
import { inclusionProof, rootFromInclusion } from '../log/merkle.ts';
import type { NoteVerifier } from '../log/note.ts';
import type { Problem } from '../log/problem.ts';
import { nodesIn } from '../log/tiles.ts';
import type { RecordReader } from '../reader.ts';
import { openPayload, type Payload } from '../strand.ts';
import { walkSession } from '../walk.ts';
import { readLine, recordLine } from './line.ts';

export const proofFormat = 'holdpoint-proof/1';

/** Everything recorded of one call, with the proof that it is in the log: one file, checked without anything else. */
export interface ProofFile {
  readonly format: typeof proofFormat;
  readonly callId: string;
  /** Ids under which the call's records stand: the approval's, and that of the message that asked. */
  readonly callIds: readonly string[];
  readonly vkey: string;
  /** The note of the checkpoint that every inclusion proof leads to. */
  readonly checkpoint: string;
  /** Lines as in a package's `.jsonl`, each with its session and inclusion proof (base64 hashes). */
  readonly records: readonly {
    readonly sessionId: string;
    readonly line: string;
    readonly proof: readonly string[];
  }[];
  /** For a call that was held: the signed votes that counted, and the public keys they are checked with. */
  readonly approval: {
    readonly votes: readonly { readonly jws: string }[];
    readonly voteKeys: Readonly<Record<string, string>>;
  } | null;
  /** For a call that ran under a grant: the proof of the call that was approved with it. */
  readonly grant?: ProofFile | null;
}

/** What was recorded is not in the log, or not as a whole: a worker takes it in about every second. */
export class NotInLogYet extends Error {}

/**
 * Collects a call's records.
 * @throws NotInLogYet when the log has no checkpoint, or some of the records are not in the log yet
 */
export async function writeProofFile(
  deps: {
    readonly reader: RecordReader;
    readonly keyRing: KeyRing;
    readonly log: LogView;
    readonly vkey: string;
  },
  call: Pick<ProofFile, 'callId' | 'callIds' | 'approval' | 'grant'> & {
    readonly sessionIds: readonly string[];
  },
): Promise<ProofFile> {
  const checkpoint = await deps.log.checkpoint();
  if (!checkpoint)
    throw new NotInLogYet('the log has no checkpoint yet: start a worker, and try again a second later');
  const nodes = nodesIn(deps.log.tiles, checkpoint.size);
  const records: ProofFile['records'][number][] = [];
  for (const sessionId of call.sessionIds) {
    const here: ProofFile['records'][number][] = [];
    let isOfCall = false;
    for await (const { header, sealed, key, strand, seq } of recordsOf(deps, sessionId, call.callIds)) {
      const index = (await deps.log.indexes(strand, seq, 1)).get(seq);
      if (index === undefined || index >= checkpoint.size)
        throw new NotInLogYet('the call is not in the log as a whole yet: try again a second later');
      const proof = await inclusionProof(nodes, index, checkpoint.size);
      const line = recordLine(header, sealed, key, index).trimEnd();
      here.push({ sessionId, line, proof: proof.map((hash) => Buffer.from(hash).toString('base64')) });
      isOfCall ||= seq !== 0;
    }
    // Of a session that has nothing of the call, not even its beginning is told.
    if (isOfCall) records.push(...here);
  }
  const { callId, callIds, approval, grant = null } = call;
  return {
    format: proofFormat,
    callId,
    callIds,
    vkey: deps.vkey,
    checkpoint: checkpoint.note,
    records,
    approval,
    grant,
  };
}

async function* recordsOf(
  deps: { readonly reader: RecordReader; readonly keyRing: KeyRing },
  sessionId: string,
  callIds: readonly string[],
): AsyncGenerator<{ header: Buffer; sealed: Buffer; key: Buffer; strand: string; seq: number }> {
  for await (const { record, opener } of walkSession(deps, sessionId)) {
    const { header, sealed, strand, seq } = record;
    const { facts } = opener.open(header, sealed);
    // The strand's first record says whose session it is.
    if (seq === 0 || (facts.callId !== undefined && callIds.includes(facts.callId)))
      yield { header, sealed, key: opener.recordKey(header), strand, seq };
  }
}

/** One record of a checked proof. */
export interface ProvenRecord extends Payload {
  readonly header: ReturnType<typeof decodeHeader>;
  readonly index: number;
}

/**
 * Checks the recorded part of a proof file: signature, inclusion, seals, and that what can be read is what was
 * recorded. Votes are the caller's to check.
 * @throws CheckpointError when the checkpoint is not the log's
 */
export function checkProofFile(
  file: ProofFile,
  verifier: NoteVerifier,
): { checkpoint: Checkpoint; records: readonly ProvenRecord[]; problems: readonly Problem[] } {
  const checkpoint = openCheckpoint(file.checkpoint, verifier);
  const problems: Problem[] = [];
  const records: ProvenRecord[] = [];
  for (const [number, { sessionId, line, proof }] of file.records.entries())
    try {
      const { header, sealed, index, recordKey } = readLine(line, sessionId);
      if (index === null) throw new Error('it is not in the log');
      const hashes = proof.map((hash) => Buffer.from(hash, 'base64'));
      const root = rootFromInclusion(leafHash(header), index, checkpoint.size, hashes);
      if (!root || !checkpoint.root.equals(root))
        throw new Error('its inclusion proof does not lead to the signed root');
      const payload = openPayload(recordKey, header, sealed);
      const { callId } = payload.facts;
      if (callId === undefined ? decodeHeader(header).seq !== 0 : !file.callIds.includes(callId))
        throw new Error('it is of another call');
      records.push({ ...payload, header: decodeHeader(header), index });
    } catch (error) {
      problems.push({
        code: 'record_altered',
        message: `record ${number + 1} of the proof: ${(error as Error).message}`,
      });
    }
  return { checkpoint, records: records.toSorted((a, b) => a.index - b.index), problems };
}
