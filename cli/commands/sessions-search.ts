import { parseArgs } from 'node:util';
import { createRecordReader } from '../../db/records-read.ts';
import { searchText } from '../../recording/search.ts';
import { timeOf, visible } from '../../recording/transcript.ts';
import type { RecordingDeps } from './recording-deps.ts';
import { filterOf, filterOptions, numberOf, UsageError } from './sessions-filter.ts';

/** `holdpoint sessions search`: events that say something, in the sessions that the filters leave. */
export async function search(argv: string[], deps: Omit<RecordingDeps, 'err'>): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { ...filterOptions, limit: { type: 'string' }, json: { type: 'boolean' } },
  });
  const [text, ...more] = positionals;
  if (!text || more.length > 0) throw new UsageError('search takes exactly one text');
  const limit = values.limit === undefined ? 100 : numberOf(values.limit, '--limit');
  const filter = filterOf(values);
  // What was searched for may be a secret: it is not recorded.
  await deps.recordAct('sessions.search', {
    subject: values.subject ?? null,
    connection: values.connection ?? null,
  });
  const reader = createRecordReader(deps.pool);
  const found: Record<string, unknown>[] = [];
  for await (const { session, event, excerpt } of searchText(
    { reader, keyRing: deps.keyRing },
    filter,
    text,
  )) {
    const { strand, seq, kind, callId, tool } = event;
    const { sessionId, subject } = session.facts;
    found.push({
      session: sessionId,
      subject,
      strand,
      seq,
      at: timeOf(event.atMicros),
      kind,
      callId,
      tool,
      excerpt,
    });
    if (!values.json)
      deps.out(
        `${timeOf(event.atMicros)}  ${visible(sessionId)}  ${visible(subject)}  ${visible(tool ?? kind)}\n    ${visible(excerpt)}\n`,
      );
    if (found.length >= limit) break;
  }
  if (values.json) deps.out(`${JSON.stringify(found, null, 2)}\n`);
  else if (found.length === 0) deps.out('nothing found\n');
  return 0;
}
