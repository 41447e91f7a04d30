import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { archiveFolder } from './archive.ts';
import { packageFormat } from './package-files.ts';
import { BrokenArchiveError, contentOf, packedIn } from './unzip.ts';
import { writeWhole } from './write.ts';

/** What a package that came as an archive has in it. */
export interface Received {
  readonly sessions: number;
  readonly files: number;
  /** How many entries of the log it has. */
  readonly entries: number;
}

const prefix = `${archiveFolder}/`;
/** Names that stay within a folder on every system. */
const safeName = /^(?:(?!\.{1,2}\/)[\w.-]+\/)*(?!\.{1,2}$)[\w.-]+$/;

/**
 * Reads a package that came as an archive to its end, and checks that it is whole: its directory is there, every file is
 * what the directory and the manifest say, and no other.
 * @param into a folder that the files are written to; null: they are only checked
 * @throws BrokenArchiveError when something is missing, or is not what was sent
 */
export async function receivePackage(archive: string, into: string | null): Promise<Received> {
  const file = await open(archive);
  try {
    const hashes = new Map<string, string>();
    let manifest = '';
    for (const entry of await packedIn(file)) {
      const path = entry.path.startsWith(prefix) ? entry.path.slice(prefix.length) : '';
      if (!safeName.test(path) || hashes.has(path))
        throw new BrokenArchiveError('it has a file in it that no package has');
      const hash = createHash('sha256');
      const content = async function* (): AsyncGenerator<Buffer> {
        for await (const chunk of contentOf(file, entry)) {
          hash.update(chunk);
          if (path === 'manifest.json') manifest += chunk.toString('latin1');
          yield chunk;
        }
      };
      if (into === null) for await (const chunk of content()) void chunk;
      else await writeWhole(join(into, path), { content: content() });
      hashes.set(path, hash.digest('hex'));
    }
    const entries = compared(hashes, manifest);
    const sessions = [...hashes.keys()].filter((path) =>
      /^sessions\/[^/]+\/session\.json$/.test(path),
    ).length;
    return { sessions, files: hashes.size, entries };
  } finally {
    await file.close();
  }
}

/** @returns how many entries of the log the manifest names */
function compared(hashes: ReadonlyMap<string, string>, text: string): number {
  const manifest = manifestIn(text);
  const named = Object.entries(manifest.files);
  if (named.length !== hashes.size - 1) throw new BrokenArchiveError('its manifest names other files');
  for (const [path, hash] of named)
    if (hashes.get(path) !== hash)
      throw new BrokenArchiveError(`${path} in it is not what its manifest says`);
  return manifest.entries;
}

function manifestIn(text: string): { readonly files: Record<string, string>; readonly entries: number } {
  try {
    const value = JSON.parse(text) as { format?: unknown; files?: unknown; entries?: unknown };
    const { format, files, entries } = value;
    if (format === packageFormat && typeof files === 'object' && files && typeof entries === 'number')
      return { files: files as Record<string, string>, entries };
  } catch {
    // Answered below.
  }
  throw new BrokenArchiveError('it has no manifest');
}
