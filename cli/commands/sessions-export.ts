import { parseArgs } from 'node:util';
import { filterOf } from '../../console/api/recorded.ts';
import { createLogView } from '../../db/records-log.ts';
import { createRecordReader } from '../../db/records-read.ts';
import type { SessionSummary } from '../../recording/reader.ts';
import { exportPackage } from '../../recording/export/write.ts';
import { visible } from '../../recording/transcript.ts';
import type { RecordingDeps } from './recording-deps.ts';
import { NothingChosenError, sessionsChosenBy } from './sessions-chosen.ts';
import { UsageError } from './answering.ts';
import { choiceOf, filterOptions } from './sessions-filter.ts';

/** `holdpoint sessions export`: the chosen sessions and the whole log as a package for an auditor. */
export async function exportSessions(
  argv: string[],
  deps: RecordingDeps & { readonly logKey: string },
): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { ...filterOptions, out: { type: 'string' }, all: { type: 'boolean' } },
  });
  if (!values.out) throw new UsageError('export needs --out DIR');
  if (positionals.length > 0 === (values.all ?? false))
    throw new UsageError('export takes sessions, people or a span of time, or --all');
  const reader = createRecordReader(deps.pool);
  let sessions: SessionSummary[];
  try {
    sessions = await sessionsChosenBy(reader, positionals, filterOf(choiceOf(values)), new Date());
  } catch (error) {
    if (!(error instanceof NothingChosenError)) throw error;
    deps.err(`${visible(error.message)}; see holdpoint sessions list\n`);
    return 1;
  }
  await deps.recordAct('sessions.export', {
    sessions: sessions.length,
    first: sessions[0]?.facts.sessionId ?? null,
  });
  const records = await exportPackage(
    {
      reader,
      keyRing: deps.keyRing,
      log: createLogView(deps.pool),
      vkey: deps.logKey,
      onProgress: ({ sessionId, records, skipped }) =>
        deps.err(`${visible(sessionId)}: ${skipped ? 'there already' : `${records} records`}\n`),
    },
    values.out,
    sessions,
  );
  deps.out(`${sessions.length} sessions, ${records} records written to ${values.out}\n`);
  return 0;
}
