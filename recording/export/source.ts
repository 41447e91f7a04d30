import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { SessionFacts } from '../event.ts';
import { sessionRef } from '../header.ts';
import type { Problem } from '../log/problem.ts';
import { tilePath, tileWidth } from '../log/tiles.ts';
import type { FoundRecord, VerifySource } from '../log/verify-source.ts';
import { readLine } from './line.ts';
import { packageFormat } from './package-files.ts';
import { sha256 } from './write.ts';

/** A package opened for verification. */
export interface PackageSource extends VerifySource {
  /** Problems of the package itself: files missing, altered or unreadable. */
  readonly problems: readonly Problem[];
}

/**
 * Opens an exported package. Everything in it is taken as somebody's claim.
 * @throws Error when the directory is not a package
 */
export async function packageSource(directory: string): Promise<PackageSource> {
  const problems = await checkFiles(directory);
  const sessions = await readSessions(directory);
  const places = await indexRecords(directory, sessions, problems);
  const refs = new Set(sessions.map((session) => sessionRef(session.facts.sessionId).toString('hex')));
  const read = async (name: Parameters<typeof tilePath>[0]): Promise<Buffer> => {
    const whole = { ...name, width: tileWidth };
    return readFile(join(directory, tilePath(name))).catch(() => readFile(join(directory, tilePath(whole))));
  };
  return {
    problems,
    covers: (session) => refs.has(session),
    tiles: {
      tile: (level, index, width) => read({ level, index, width }),
      bundle: (index, width) => read({ level: 'entries', index, width }),
    },
    checkpoint: () => readFile(join(directory, 'checkpoint'), 'utf8').catch(() => null),
    async *checkpoints() {
      // A package holds only its own.
    },
    async *records() {
      for (const place of places) {
        const record = await readPlace(place, problems);
        if (record) yield record;
      }
    },
    async session(sessionId) {
      const session = sessions.find((one) => one.facts.sessionId === sessionId);
      return session ? { facts: session.facts, key: null } : null;
    },
    async *pendingTombstones() {
      // What is not in the log yet is not exported.
    },
    async *keylessSessions() {
      for (const session of sessions) if (session.destroyed) yield session.facts.sessionId;
    },
    strayRecords: async () => null,
  };
}

interface PackagedSession {
  readonly path: string;
  readonly facts: SessionFacts;
  readonly destroyed: boolean;
}

interface Place {
  readonly path: string;
  readonly sessionId: string;
  readonly line: number;
  readonly from: number;
  readonly length: number;
  readonly index: number | null;
}

async function checkFiles(directory: string): Promise<Problem[]> {
  const manifest = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as {
    format: string;
    files: Record<string, string>;
  };
  if (manifest.format !== packageFormat) throw new Error(`the package's format is not ${packageFormat}`);
  const problems: Problem[] = [];
  for (const [name, expected] of Object.entries(manifest.files)) {
    if (name.split('/').includes('..')) throw new Error('the manifest names a file outside the package');
    const found = await sha256(join(directory, name)).catch(() => null);
    if (found !== expected)
      problems.push({
        code: found === null ? 'record_missing' : 'record_altered',
        message: `the file ${name} ${found === null ? 'is missing' : 'is not the one that was exported'}`,
      });
  }
  return problems;
}

async function readSessions(directory: string): Promise<PackagedSession[]> {
  const folders = await readdir(join(directory, 'sessions')).catch(() => []);
  return Promise.all(
    folders
      .filter((name) => !name.endsWith('.partial'))
      .map(async (name) => {
        const path = join(directory, 'sessions', name);
        const { facts, destroyedAt } = JSON.parse(await readFile(join(path, 'session.json'), 'utf8')) as {
          facts: SessionFacts;
          destroyedAt: string | null;
        };
        return { path, facts, destroyed: destroyedAt !== null };
      }),
  );
}

/** Where each record's line is, in the log's order: the lines themselves may be more than fits into memory. */
async function indexRecords(
  directory: string,
  sessions: readonly PackagedSession[],
  problems: Problem[],
): Promise<Place[]> {
  const places: Place[] = [];
  for (const { path, facts } of sessions)
    for (const name of (await readdir(path)).filter((file) => file.endsWith('.jsonl')).toSorted()) {
      let from = 0;
      let line = 0;
      const file = join(path, name);
      for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
        line += 1;
        const length = Buffer.byteLength(text);
        const index = /"index":(null|\d{1,15}),"header":/.exec(text)?.[1];
        if (index === undefined)
          problems.push({
            code: 'record_altered',
            message: `${file.slice(directory.length + 1)}, line ${line}, is not a record`,
          });
        else
          places.push({
            path: file,
            sessionId: facts.sessionId,
            line,
            from,
            length,
            index: index === 'null' ? null : Number(index),
          });
        from += length + 1;
      }
    }
  return places.toSorted((a, b) => (a.index ?? Infinity) - (b.index ?? Infinity));
}

async function readPlace(place: Place, problems: Problem[]): Promise<FoundRecord | null> {
  const chunks: Buffer[] = [];
  const end = place.from + place.length - 1;
  for await (const chunk of createReadStream(place.path, { start: place.from, end }))
    chunks.push(chunk as Buffer);
  try {
    return readLine(Buffer.concat(chunks).toString('utf8'), place.sessionId);
  } catch (error) {
    problems.push({
      code: 'record_altered',
      ...(place.index !== null && { index: place.index }),
      message: `${place.path}, line ${place.line}: ${(error as Error).message}`,
    });
    return null;
  }
}
