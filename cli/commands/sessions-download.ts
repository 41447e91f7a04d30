import { createWriteStream } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { packageFormat } from '../../recording/export/package-files.ts';
import { receivePackage } from '../../recording/export/received.ts';
import { BrokenArchiveError } from '../../recording/export/unzip.ts';
import { writeManifest } from '../../recording/export/write.ts';
import type { AskedWith, Downloads } from '../api/api.ts';
import { answering, type CommandDeps, UsageError } from './answering.ts';
import { exportAsked, type Words } from './sessions-chosen.ts';
import { choiceOf } from './sessions-filter.ts';
import { usage } from './sessions.ts';

type PackageBody = NonNullable<AskedWith<Downloads['packageSessions']>['body']>;

const sayEveryMs = 2_000;

/**
 * `holdpoint sessions export` from a server: the package comes as one archive, is read to its end and checked, and only
 * then is there under the name that was given, as a folder, or as it came where the name ends in `.zip`.
 * @param argv what follows `sessions export`
 */
export async function downloadSessions(argv: readonly string[], deps: CommandDeps): Promise<number> {
  return answering({ argv, usage, ...deps }, async () => {
    const { out: name, values, words } = exportAsked(argv, new Date());
    const folder = name.endsWith('.zip') ? null : name;
    await refuseTaken(name, folder);
    const partial = `${name}.partial`;
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    try {
      const archive = join(partial, 'package.zip');
      const bytes = await fetched(archive, bodyOf(words, choiceOf(values)), deps);
      const unpacked = join(partial, 'package');
      const { sessions, entries } = await receivePackage(archive, folder === null ? null : unpacked);
      if (folder === null) await rename(archive, name);
      else await putInPlace(unpacked, folder, entries);
      deps.out(`${sessions} sessions, ${bytes} bytes received, whole, and written to ${name}\n`);
      return 0;
    } catch (error) {
      if (!(error instanceof BrokenArchiveError)) throw error;
      deps.err(`What came is not whole, and nothing of it is kept: ${error.message}. Run it again\n`);
      return 1;
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
  });
}

function bodyOf({ chosen, span: { from, to } }: Words, choice: ReturnType<typeof choiceOf>): PackageBody {
  return {
    ...choice,
    ...(from && { from: from.toISOString() }),
    ...(to && { to: to.toISOString() }),
    ...(chosen.length > 0 && { chosen: [...chosen] }),
  };
}

/** @returns how many bytes came */
async function fetched(archive: string, body: PackageBody, { api, err }: CommandDeps): Promise<number> {
  let bytes = 0;
  let saidAt = Date.now();
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of api.download('packageSessions', { body })) {
      bytes += chunk.length;
      if (Date.now() - saidAt >= sayEveryMs) {
        saidAt = Date.now();
        err(`${(bytes / 1_000_000).toFixed(1)} MB so far\n`);
      }
      yield chunk;
    }
  };
  await pipeline(Readable.from(counted()), createWriteStream(archive));
  return bytes;
}

/** Before anything is fetched. @throws UsageError when something else is there */
async function refuseTaken(name: string, folder: string | null): Promise<void> {
  if (folder === null) {
    if (await stat(name).catch(() => null)) throw new UsageError(`${name} is there already`);
    return;
  }
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new UsageError(`${folder} is no folder that can be read (${error.code ?? error.message})`);
  });
  if (found.length > 0 && !(await isPackage(folder)))
    throw new UsageError(`${folder} has something else in it than a package: name another folder`);
}

async function isPackage(folder: string): Promise<boolean> {
  const text = await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => '');
  return text.includes(JSON.stringify(packageFormat));
}

/** Beside what an earlier export has left there, if anything. */
async function putInPlace(unpacked: string, folder: string, entries: number): Promise<void> {
  if (!(await isPackage(folder))) {
    // It was empty, if it was there: whatever has come into it since stays.
    await rmdir(folder).catch(() => {});
    return rename(unpacked, folder);
  }
  for (const session of await readdir(join(unpacked, 'sessions')).catch(() => []))
    await rm(join(folder, 'sessions', session), { recursive: true, force: true });
  await cp(unpacked, folder, { recursive: true, force: true });
  await writeManifest(folder, entries);
}
