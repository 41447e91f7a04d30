import { parseArgs } from 'node:util';
import type { Pool } from '../../db/pool.ts';
import { createLogView } from '../../db/records-log.ts';
import { createRecordReader } from '../../db/records-read.ts';
import { exportPackage } from '../../recording/export/write.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import type { SessionSummary } from '../../recording/reader.ts';
import { sessionsOf } from '../../recording/search.ts';
import { visible } from '../../recording/transcript.ts';
import { filterOf, filterOptions, UsageError } from './sessions-filter.ts';

/** `holdpoint sessions export`: the chosen sessions and the whole log as a package for an auditor. */
export async function exportSessions(
  argv: string[],
  deps: {
    readonly pool: Pool;
    readonly keyRing: KeyRing;
    readonly logKey: string;
    readonly out: (text: string) => void;
    readonly err: (text: string) => void;
    readonly recordAct: (
      act: string,
      details: Readonly<Record<string, string | number | null>>,
    ) => Promise<void>;
  },
): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { ...filterOptions, out: { type: 'string' }, all: { type: 'boolean' } },
  });
  if (!values.out) throw new UsageError('export needs --out DIR');
  if (positionals.length > 0 === (values.all ?? false))
    throw new UsageError('export takes either sessions, or --all with or without filters');
  const reader = createRecordReader(deps.pool);
  const sessions: SessionSummary[] = [];
  for (const sessionId of positionals) {
    const session = await reader.session(sessionId);
    if (!session) {
      deps.err(`there is no session ${visible(sessionId)}; see holdpoint sessions list\n`);
      return 1;
    }
    const { key: _, ...summary } = session;
    sessions.push(summary);
  }
  if (values.all)
    for await (const session of sessionsOf({ reader }, filterOf(values))) sessions.push(session);
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
