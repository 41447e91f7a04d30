import { parseArgs } from 'node:util';
import type { Pool } from '../../db/pool.ts';
import { createLogView } from '../../db/records-log.ts';
import { createRecordReader } from '../../db/records-read.ts';
import { exportPackage } from '../../recording/export/write.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import type { RecordReader, SessionFilter, SessionSummary } from '../../recording/reader.ts';
import { visible } from '../../recording/transcript.ts';
import { filterOf, filterOptions, UsageError } from './sessions-filter.ts';

const pageSessions = 500;

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
  if (values.all) sessions.push(...(await everySession(reader, filterOf(values))));
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

async function everySession(reader: RecordReader, filter: SessionFilter): Promise<SessionSummary[]> {
  const all: SessionSummary[] = [];
  for (let page: SessionSummary[] = []; ; ) {
    const last = page.at(-1);
    const after = last && { openedAt: last.openedAt, sessionId: last.facts.sessionId };
    page = await reader.listSessions({ ...filter, limit: pageSessions, ...(after && { after }) });
    all.push(...page);
    if (page.length < pageSessions) return all;
  }
}
