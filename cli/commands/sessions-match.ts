import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createRecordReader } from '../../db/records-read.ts';
import { matchesIn } from '../../recording/match.ts';
import { sessionsOf } from '../../recording/search.ts';
import { timeOf, visible } from '../../recording/transcript.ts';
import type { RecordingDeps } from './recording-deps.ts';
import { filterOf, filterOptions, UsageError } from './sessions-filter.ts';

/**
 * `holdpoint sessions match`: whether a message is what passed before it was masked, by the keyed hashes that were
 * recorded. @returns 0 it did, 1 it did not
 */
export async function match(argv: string[], deps: Omit<RecordingDeps, 'err'>): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      ...filterOptions,
      file: { type: 'string' },
      all: { type: 'boolean' },
      json: { type: 'boolean' },
    },
  });
  if (values.file === undefined) throw new UsageError('match needs --file FILE with the message');
  if (positionals.length > 0 === (values.all ?? false))
    throw new UsageError('match takes either sessions, or --all with or without filters');
  const candidates = candidatesOf(await readFile(values.file));
  const reader = createRecordReader(deps.pool);
  const sessionIds = [...positionals];
  if (values.all)
    for await (const { facts } of sessionsOf({ reader }, filterOf(values))) sessionIds.push(facts.sessionId);
  // What was asked about may be a secret: it is not recorded.
  await deps.recordAct('sessions.match', { sessions: sessionIds.length, first: sessionIds[0] ?? null });
  const found: object[] = [];
  for (const sessionId of sessionIds)
    for await (const { atMicros, ...one } of matchesIn(
      { reader, keyRing: deps.keyRing },
      sessionId,
      candidates,
    )) {
      found.push({ at: timeOf(atMicros), ...one });
      if (!values.json)
        deps.out(
          `${timeOf(atMicros)}  ${visible(sessionId)}  strand ${one.strand}, record ${one.seq}  ${one.direction}  ${visible(one.tool ?? one.method ?? '')}  call ${visible(one.callId ?? '–')}\n`,
        );
    }
  if (values.json) deps.out(`${JSON.stringify(found, null, 2)}\n`);
  else if (found.length === 0) deps.out('no message that passed was this, byte for byte\n');
  return found.length > 0 ? 0 : 1;
}

/** Editors put a newline at the end of a file; what passes has none. */
function candidatesOf(bytes: Buffer): Buffer[] {
  const trimmed = bytes.toString('latin1').replace(/\r?\n$/, '');
  return trimmed.length === bytes.length ? [bytes] : [bytes, Buffer.from(trimmed, 'latin1')];
}
