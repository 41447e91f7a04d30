import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { SessionSummary } from '../reader.ts';
import {
  logFiles,
  manifestOf,
  type PackageDeps,
  packagedHead,
  type PackagedHead,
  type PackageFile,
  sessionFiles,
  sessionFolder,
} from './package-files.ts';

export interface ExportDeps extends PackageDeps {
  /** Told after each session. */
  readonly onProgress: (done: { sessionId: string; records: number; skipped: boolean }) => void;
}

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
  const head = await packagedHead(deps);
  await mkdir(directory, { recursive: true });
  let records = 0;
  for (const session of sessions) {
    const { sessionId } = session.facts;
    const path = join(directory, sessionFolder(sessionId));
    const skipped = session.endedAt !== null && (await isComplete(path));
    const count = skipped ? 0 : await writeSession(deps, path, session, head);
    records += count;
    deps.onProgress({ sessionId, records: count, skipped });
  }
  for await (const file of logFiles(deps, head)) await writeWhole(join(directory, file.path), file);
  await writeManifest(directory, head.size);
  return records;
}

/** Beside its place until it is whole. */
async function writeSession(
  deps: ExportDeps,
  path: string,
  session: SessionSummary,
  head: PackagedHead,
): Promise<number> {
  const partial = `${path}.partial`;
  await rm(partial, { recursive: true, force: true });
  let records = 0;
  for await (const file of sessionFiles(deps, session, head)) {
    await writeWhole(join(partial, file.path.slice(sessionFolder(session.facts.sessionId).length)), file);
    records += file.records();
  }
  await rm(path, { recursive: true, force: true });
  await rename(partial, path);
  return records;
}

/** Writes the manifest of all that is in a package's directory. */
export async function writeManifest(directory: string, size: number): Promise<void> {
  const files: Record<string, string> = {};
  for (const entry of (await readdir(directory, { recursive: true, withFileTypes: true })).toSorted((a, b) =>
    join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1,
  )) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(directory, path).replaceAll('\\', '/');
    if (entry.isFile() && name !== 'manifest.json' && !name.includes('.partial/'))
      files[name] = await sha256(path);
  }
  await writeWhole(join(directory, 'manifest.json'), { content: [manifestOf(size, files)] });
}

/** SHA-256 of a file, hex. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Writes a file of a package, and the folders it is in. */
export async function writeWhole(path: string, { content }: Pick<PackageFile, 'content'>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'w');
  try {
    for await (const chunk of content) await file.writeFile(chunk);
  } finally {
    await file.close();
  }
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
