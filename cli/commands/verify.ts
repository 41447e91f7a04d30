import { readFile, stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Pool } from '../../db/pool.ts';
import { withVerifySource } from '../../db/records-verify.ts';
import { packageSource } from '../../recording/export/source.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import { openCheckpoint } from '../../recording/log/checkpoint.ts';
import { noteVerifier, type NoteVerifier } from '../../recording/log/note.ts';
import { verifyLog, type VerifyOptions, type VerifyReport } from '../../recording/log/verify.ts';
import { visible } from '../../recording/transcript.ts';
import { type ProofReport, proofText, verifyProof } from './verify-proof.ts';

/** What `holdpoint verify` needs. Offline verification uses neither pool nor keys. */
export interface VerifyDeps {
  /** Opens the database; called only when it is verified itself. */
  readonly pool: () => Promise<Pool>;
  readonly keyRing: () => Promise<KeyRing>;
  /** The log's public key (`name+hash+key`) as configured; null when only `--key` can tell. */
  readonly logKey: string | null;
  /** Files in which published checkpoints are kept, as configured. */
  readonly checkpointFiles: readonly string[];
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const usage = `usage: holdpoint verify [PACKAGE | PROOF] [--deep] [--full] [--key VKEY] [--checkpoint FILE]... [--json]

Verifies the recording in the database: every record, every chain, the log and its checkpoints. Or, without database,
keys and network, a package that \`holdpoint sessions export\` or a file that \`holdpoint proof\` has written.
  --deep             opens every payload, not only the first of each strand
  --full             prints every message of a proof whole, however long it is
  --key VKEY         the log's public key, where the configuration is not to be trusted
  --checkpoint FILE  a checkpoint that was kept elsewhere: the log must go on from it (repeatable)
`;

/** Runs `holdpoint verify`. @returns 0 everything is as it was recorded, 1 it is not, 2 usage */
export async function run(argv: string[], deps: VerifyDeps): Promise<number> {
  let options: ReturnType<typeof parse>;
  let verifier: NoteVerifier;
  try {
    options = parse(argv);
    if (options.positionals.length > 1) throw new Error('verify takes at most one package');
    const key = options.values.key ?? deps.logKey;
    if (key === null) throw new Error('the key of the log is not configured: give it with --key');
    verifier = noteVerifier(key);
  } catch (error) {
    deps.err(`${(error as Error).message}\n${usage}`);
    return 2;
  }
  const { values } = options;
  const kept = await readCheckpoints(values.checkpoint ?? [], deps.checkpointFiles, deps.err);
  if (!kept) return 1;
  const wanted = { verifier, deep: values.deep ?? false };
  const [path] = options.positionals;
  if (path !== undefined) {
    const found = await stat(path).catch(() => null);
    if (!found) {
      deps.err(`there is neither a package nor a proof at ${path}\n`);
      return 2;
    }
    if (found.isFile())
      return printProof(verifyProof(await readFile(path, 'utf8'), verifier), values, deps.out);
  }
  const report =
    path === undefined
      ? await verifyDatabase({ ...wanted, keptCheckpoints: [...kept.asked, ...kept.configured] }, deps)
      : await verifyPackage(path, { ...wanted, keptCheckpoints: kept.asked }, kept.configured);
  print(report, values.json ?? false, deps.out);
  return report.problems.length === 0 ? 0 : 1;
}

type Wanted = Omit<VerifyOptions, 'keyRing'>;

async function verifyDatabase(wanted: Wanted, deps: VerifyDeps): Promise<VerifyReport> {
  const keyRing = await deps.keyRing();
  return withVerifySource(await deps.pool(), (source) => verifyLog(source, { ...wanted, keyRing }));
}

/**
 * @param configured checkpoints that are kept where the log goes on: those that are newer than the package say nothing
 * about it, while one that was asked for by name is one that it must go on from
 */
async function verifyPackage(
  path: string,
  wanted: Wanted,
  configured: readonly string[],
): Promise<VerifyReport> {
  const source = await packageSource(path);
  const sizeOf = (note: string): number | null => {
    try {
      return openCheckpoint(note, wanted.verifier).size;
    } catch {
      // What is wrong with it is found when it is held against the log.
      return null;
    }
  };
  const size = sizeOf((await source.checkpoint()) ?? '') ?? Infinity;
  const older = configured.filter((note) => (sizeOf(note) ?? 0) <= size);
  const keptCheckpoints = [...wanted.keptCheckpoints, ...older];
  // The keys are in the package: opening everything costs little and proves the readable part of each line.
  const report = await verifyLog(source, { ...wanted, keptCheckpoints, keyRing: null, deep: true });
  return { ...report, problems: [...report.problems, ...source.problems] };
}

function parse(argv: string[]) {
  return parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      deep: { type: 'boolean' },
      full: { type: 'boolean' },
      key: { type: 'string' },
      checkpoint: { type: 'string', multiple: true },
      json: { type: 'boolean' },
    },
  });
}

/** A configured file need not be there yet; one that was asked for must. */
async function readCheckpoints(
  wanted: readonly string[],
  configured: readonly string[],
  err: (text: string) => void,
): Promise<{ readonly asked: readonly string[]; readonly configured: readonly string[] } | null> {
  const notes = { asked: [] as string[], configured: [] as string[] };
  for (const path of new Set([...wanted, ...configured]))
    try {
      // What was copied out of a message has lost its last line end.
      notes[wanted.includes(path) ? 'asked' : 'configured'].push(
        `${(await readFile(path, 'utf8')).trim()}\n`,
      );
    } catch (error) {
      const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (absent && !wanted.includes(path)) continue;
      err(`the checkpoint ${path} cannot be read: ${(error as Error).message}\n`);
      return null;
    }
  return notes;
}

function printProof(
  report: ProofReport,
  { json = false, full = false }: { json?: boolean | undefined; full?: boolean | undefined },
  out: (text: string) => void,
): number {
  const ok = report.problems.length === 0;
  const { callId, votes, problems } = report;
  const grant = report.grant && { ...report.grant, approved: report.grant.approved.callId };
  if (json)
    out(
      `${JSON.stringify({ ok, callId, records: report.records.length, votes, grant, problems }, null, 2)}\n`,
    );
  else out(`${proofText(report, full ? Infinity : 2000)}${ok ? 'everything is as it was recorded\n' : ''}`);
  return ok ? 0 : 1;
}

/** The report, for people or programs: the first thing that is wrong first. */
export function print(report: VerifyReport, json: boolean, out: (text: string) => void): void {
  const { problems, checkpoint, ...counts } = report;
  if (json) {
    const head = checkpoint && { ...checkpoint, root: checkpoint.root.toString('base64') };
    out(`${JSON.stringify({ ok: problems.length === 0, checkpoint: head, ...counts, problems }, null, 2)}\n`);
    return;
  }
  const megabytes = (counts.bytes / 1e6).toFixed(1);
  const [first, ...others] = problems;
  if (first) {
    out(`WRONG (${first.code}): ${visible(first.message)}\n`);
    for (const { code, message } of others.slice(0, 20)) out(`  also (${code}): ${visible(message)}\n`);
    if (others.length > 20) out(`  and ${others.length - 20} more\n`);
  }
  if (checkpoint)
    out(`log ${checkpoint.origin}, ${checkpoint.size} entries, root ${checkpoint.root.toString('base64')}\n`);
  out(
    `${counts.records} records (${megabytes} MB) held against the log; ${counts.pending} newer than its last checkpoint; ${counts.purged} sessions purged\n`,
  );
  if (!first) out('everything is as it was recorded\n');
}
