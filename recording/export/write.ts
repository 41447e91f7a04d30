import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { sessionRef } from '../header.ts';
import type { KeyRing } from '../key-ring.ts';
import type { LogView } from '../log/log-view.ts';
import { writeProof } from '../log/proof.ts';
import { tilePath, tilesOf } from '../log/tiles.ts';
import type { RecordReader, SessionSummary } from '../reader.ts';
import { payloadOpener } from '../strand.ts';
import { recordLine } from './line.ts';
import { auditorReadme } from './readme.ts';

export interface ExportDeps {
  readonly reader: RecordReader;
  readonly keyRing: KeyRing;
  readonly log: LogView;
  /** The log's public key, for the auditor to compare with one received by another way. */
  readonly vkey: string;
  /** Told after each session. */
  readonly onProgress: (done: { sessionId: string; records: number; skipped: boolean }) => void;
}

export const packageFormat = 'holdpoint-recording-export/1';
const pageRecords = 500;

/**
 * Writes sessions and the whole log into a directory that can be verified without us, our database or our keys. May
 * be interrupted anywhere: run again, it goes on with the sessions that are missing.
 * @returns the number of records
 * @throws Error when the log has no checkpoint yet, or a record cannot be opened
 */
export async function exportPackage(
  deps: ExportDeps,
  directory: string,
  sessions: readonly SessionSummary[],
): Promise<number> {
  const checkpoint = await deps.log.checkpoint();
  if (!checkpoint)
    throw new Error('the log has no checkpoint yet: start a worker, and try again a second later');
  await mkdir(directory, { recursive: true });
  let records = 0;
  for (const session of sessions) {
    const path = join(
      directory,
      'sessions',
      sessionRef(session.facts.sessionId).toString('hex').slice(0, 32),
    );
    const skipped = session.endedAt !== null && (await isComplete(path));
    const count = skipped ? 0 : await writeSession(deps, path, session, checkpoint);
    records += count;
    deps.onProgress({ sessionId: session.facts.sessionId, records: count, skipped });
  }
  for (const name of tilesOf(checkpoint.size)) {
    const { level, index, width } = name;
    const bytes = await (level === 'entries'
      ? deps.log.tiles.bundle(index, width)
      : deps.log.tiles.tile(level, index, width));
    await writeWhole(join(directory, tilePath(name)), bytes);
  }
  await writeWhole(join(directory, 'checkpoint'), checkpoint.note);
  await writeWhole(join(directory, 'vkey'), `${deps.vkey}\n`);
  await writeWhole(join(directory, 'README.md'), auditorReadme(deps.vkey, checkpoint));
  await writeManifest(directory, checkpoint.size);
  return records;
}

async function writeSession(
  deps: ExportDeps,
  path: string,
  session: SessionSummary,
  checkpoint: { size: number; note: string },
): Promise<number> {
  const found = await deps.reader.session(session.facts.sessionId);
  const key = found?.key;
  const partial = `${path}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  const opener = key ? payloadOpener(await deps.keyRing.unwrap(key, session.facts.sessionId)) : null;
  const strands = opener ? await deps.reader.strands(session.facts.sessionId) : [];
  let records = 0;
  let complete = session.endedAt !== null;
  for (const strand of strands) {
    const file = await open(join(partial, `${strand}.jsonl`), 'w');
    let lastIndex: number | null = null;
    try {
      for (let next = 0; ; ) {
        const page = await deps.reader.records(strand, next, pageRecords);
        const indexes = await deps.log.indexes(strand, next, pageRecords);
        let lines = '';
        for (const { header, sealed, seq } of page) {
          const index = indexes.get(seq) ?? Infinity;
          if (index < checkpoint.size) lastIndex = index;
          else complete = false;
          const key = opener?.recordKey(header);
          if (key) lines += recordLine(header, sealed, key, index < checkpoint.size ? index : null);
        }
        await file.write(lines);
        records += page.length;
        if (page.length < pageRecords) break;
        next = (page.at(-1)?.seq ?? next) + 1;
      }
    } finally {
      await file.close();
    }
    if (lastIndex !== null)
      await writeFile(
        join(partial, `${strand}.tlog-proof`),
        await writeProof(deps.log.tiles, checkpoint, lastIndex),
      );
  }
  await writeFile(
    join(partial, 'session.json'),
    `${JSON.stringify({ ...session, strands, complete }, null, 2)}\n`,
  );
  await rm(path, { recursive: true, force: true });
  await rename(partial, path);
  return records;
}

async function writeManifest(directory: string, size: number): Promise<void> {
  const files: Record<string, string> = {};
  for (const entry of (await readdir(directory, { recursive: true, withFileTypes: true })).toSorted((a, b) =>
    join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1,
  )) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(directory, path).replaceAll('\\', '/');
    if (entry.isFile() && name !== 'manifest.json' && !name.includes('.partial/'))
      files[name] = await sha256(path);
  }
  const manifest = { format: packageFormat, entries: size, files };
  await writeWhole(join(directory, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** SHA-256 of a file, hex. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function writeWhole(path: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

/** Whether an earlier run has written a session to its end, every record with its place in the log. */
async function isComplete(path: string): Promise<boolean> {
  try {
    const said = JSON.parse(await readFile(join(path, 'session.json'), 'utf8')) as { complete?: unknown };
    return said.complete === true;
  } catch {
    return false;
  }
}
