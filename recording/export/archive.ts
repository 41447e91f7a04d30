import { createHash } from 'node:crypto';
import type { SessionSummary } from '../reader.ts';
import {
  logFiles,
  manifestOf,
  type PackageDeps,
  packagedHead,
  type PackageFile,
  seen,
  sessionFiles,
} from './package-files.ts';
import { type Named, zipped } from './zip.ts';

/** The folder that everything in a package's archive is in. */
export const archiveFolder = 'holdpoint-recording';

/**
 * The package that `exportPackage` writes, as one ZIP archive with one folder in it, made while it is read.
 * @throws Error when the log has no checkpoint yet (before the first byte), or a record cannot be opened
 */
export async function packageArchive(
  deps: PackageDeps,
  sessions: AsyncIterable<SessionSummary>,
): Promise<AsyncGenerator<Uint8Array>> {
  const head = await packagedHead(deps);
  const hashes: Record<string, string> = {};
  const files = async function* (): AsyncGenerator<PackageFile> {
    for await (const session of sessions) yield* sessionFiles(deps, session, head);
    yield* logFiles(deps, head);
  };
  const all = async function* (): AsyncGenerator<Named> {
    for await (const file of files()) {
      const hash = createHash('sha256');
      yield {
        path: `${archiveFolder}/${file.path}`,
        content: seen(file.content, (chunk) => void hash.update(chunk)),
      };
      hashes[file.path] = hash.digest('hex');
    }
    yield { path: `${archiveFolder}/manifest.json`, content: [manifestOf(head.size, hashes)] };
  };
  return zipped(all());
}
