import { sessionRef } from '../header.ts';
import type { KeyRing } from '../key-ring.ts';
import type { LogView } from '../log/log-view.ts';
import { writeProof } from '../log/proof.ts';
import { tilePath, tilesOf } from '../log/tiles.ts';
import type { RecordReader, SessionSummary } from '../reader.ts';
import { payloadOpener } from '../strand.ts';
import { recordLine } from './line.ts';
import { auditorReadme } from './readme.ts';

/** Where a package's files come from. */
export interface PackageDeps {
  readonly reader: RecordReader;
  readonly keyRing: KeyRing;
  readonly log: LogView;
  /** The log's public key, for the auditor to compare with one received by another way. */
  readonly vkey: string;
}

/** One file of a package. Its content is read to the end before the next file is asked for. */
export interface PackageFile {
  /** Within the package, `/` between folders. */
  readonly path: string;
  readonly content: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;
  /** Lines of records that were given so far; whole once the content has been read. */
  readonly records: () => number;
}

/** The head of the log that a package is made for. */
export type PackagedHead = NonNullable<Awaited<ReturnType<LogView['checkpoint']>>>;

export const packageFormat = 'holdpoint-recording-export/1';
const pageRecords = 500;
const none = (): number => 0;

/** Where a session's files are within the package. */
export function sessionFolder(sessionId: string): string {
  return `sessions/${sessionRef(sessionId).toString('hex').slice(0, 32)}`;
}

/** @throws Error when the log has no checkpoint yet */
export async function packagedHead({ log }: Pick<PackageDeps, 'log'>): Promise<PackagedHead> {
  const head = await log.checkpoint();
  if (head) return head;
  throw new Error('the log has no checkpoint yet: start a worker, and try again a second later');
}

/**
 * The files of one session: its records, strand after strand, and `session.json` at the end.
 * @throws Error when a record cannot be opened
 */
export async function* sessionFiles(
  deps: PackageDeps,
  session: SessionSummary,
  head: PackagedHead,
): AsyncGenerator<PackageFile> {
  const { sessionId } = session.facts;
  const folder = sessionFolder(sessionId);
  const key = (await deps.reader.session(sessionId))?.key;
  const opener = key ? payloadOpener(await deps.keyRing.unwrap(key, sessionId)) : null;
  const strands = opener ? await deps.reader.strands(sessionId) : [];
  let complete = session.endedAt !== null;
  for (const strand of strands) {
    let lastIndex: number | null = null;
    let records = 0;
    const content = async function* (): AsyncGenerator<string> {
      for (let next = 0; ; ) {
        const page = await deps.reader.records(strand, next, pageRecords);
        const indexes = await deps.log.indexes(strand, next, pageRecords);
        let lines = '';
        for (const { header, sealed, seq } of page) {
          const index = indexes.get(seq) ?? Infinity;
          if (index < head.size) lastIndex = index;
          else complete = false;
          const recordKey = opener?.recordKey(header);
          if (recordKey) lines += recordLine(header, sealed, recordKey, index < head.size ? index : null);
        }
        records += page.length;
        yield lines;
        if (page.length < pageRecords) return;
        next = (page.at(-1)?.seq ?? next) + 1;
      }
    };
    yield { path: `${folder}/${strand}.jsonl`, content: content(), records: () => records };
    if (lastIndex !== null) {
      const proof = await writeProof(deps.log.tiles, head, lastIndex);
      yield { path: `${folder}/${strand}.tlog-proof`, content: [proof], records: none };
    }
  }
  const said = `${JSON.stringify({ ...session, strands, complete }, null, 2)}\n`;
  yield { path: `${folder}/session.json`, content: [said], records: none };
}

/** The log, its head and key, and what tells the auditor about them: everything but sessions and the manifest. */
export async function* logFiles(deps: PackageDeps, head: PackagedHead): AsyncGenerator<PackageFile> {
  const file = (path: string, bytes: Uint8Array | string): PackageFile => ({
    path,
    content: [bytes],
    records: none,
  });
  for (const name of tilesOf(head.size)) {
    const { level, index, width } = name;
    const { tiles } = deps.log;
    yield file(
      tilePath(name),
      level === 'entries' ? await tiles.bundle(index, width) : await tiles.tile(level, index, width),
    );
  }
  yield file('checkpoint', head.note);
  yield file('vkey', `${deps.vkey}\n`);
  yield file('README.md', auditorReadme(deps.vkey, head));
}

/** The manifest: SHA-256 of every other file, hex, by path. */
export function manifestOf(entries: number, files: Readonly<Record<string, string>>): string {
  return `${JSON.stringify({ format: packageFormat, entries, files }, null, 2)}\n`;
}

/** Content with somebody looking at it as it passes. */
export async function* seen(
  content: PackageFile['content'],
  look: (chunk: Buffer) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) {
    const bytes = Buffer.from(chunk as string);
    look(bytes);
    yield bytes;
  }
}
