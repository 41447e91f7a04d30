import { parseArgs } from 'node:util';
import type { Pool } from '../../db/pool.ts';
import { createPurgeStore, setLegalHold } from '../../db/records-purge.ts';
import type { NoteSigner } from '../../recording/log/note.ts';
import { type Expired, planPurge, purgeSession, type RetentionRule } from '../../recording/purge.ts';
import { visible } from '../../recording/transcript.ts';
import { UsageError } from './sessions-filter.ts';

/** What purging needs beyond what reading does. */
export interface PurgeDeps {
  readonly pool: Pool;
  /** Signs tombstones: the log's own key. */
  readonly signer: () => Promise<NoteSigner>;
  /** Who purges, for the log. */
  readonly person: string;
  /** The configured retention; empty when nothing is configured. */
  readonly retention: readonly RetentionRule[];
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly recordAct: (
    act: string,
    details: Readonly<Record<string, string | number | null>>,
  ) => Promise<void>;
}

/** `holdpoint sessions purge`: by the configured retention, by age, or one session. */
export async function purge(argv: string[], deps: PurgeDeps): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      'older-than': { type: 'string' },
      connection: { type: 'string' },
      reason: { type: 'string' },
      'dry-run': { type: 'boolean' },
      json: { type: 'boolean' },
    },
  });
  const store = createPurgeStore(deps.pool);
  const configured = positionals.length > 0 ? [] : deps.retention;
  const rules = rulesOf(values['older-than'], values.connection, configured);
  if (positionals.length > 0 === (rules !== null)) throw new UsageError(purgeUsage);
  const reason = values.reason ?? (rules === configured ? 'retention' : null);
  if (reason === null && !values['dry-run']) throw new UsageError('purging by hand needs --reason TEXT');
  const going: Expired[] = [];
  for (const sessionId of positionals) {
    const session = await store.purgeable(sessionId);
    if (session) going.push(session);
    else
      deps.err(
        `${visible(sessionId)} cannot be purged: there is none, it was purged, or is under legal hold\n`,
      );
  }
  if (rules) for await (const session of planPurge(store, rules, new Date())) going.push(session);
  if (values.json) deps.out(`${JSON.stringify(going, null, 2)}\n`);
  else for (const session of going) deps.out(line(session));
  const records = going.reduce((sum, session) => sum + session.records, 0);
  const what = `${going.length} sessions with ${records} records`;
  if (values['dry-run']) {
    deps.err(`${what} would be purged\n`);
    return 0;
  }
  if (going.length > 0) await deps.recordAct('sessions.purge', { sessions: going.length, records, reason });
  const signer = await deps.signer();
  let purged = 0;
  for (const [index, { sessionId }] of going.entries()) {
    const because = { person: deps.person, reason: reason ?? '' };
    if (await purgeSession({ store, signer, now: () => new Date() }, sessionId, because)) purged += 1;
    if ((index + 1) % 100 === 0) deps.err(`${index + 1} of ${going.length}\n`);
  }
  const freed = await store.reclaim();
  deps.err(
    `${purged} sessions purged; space of ${freed.records} records and ${freed.partitions} partitions given back (what was purged just now is given back once the log has taken it in: run this again)\n`,
  );
  return positionals.length > going.length ? 1 : 0;
}

const purgeUsage =
  'purge takes sessions, or --older-than DURATION (such as 90d) with or without --connection, or the configured retention';

function rulesOf(
  age: string | undefined,
  connection: string | undefined,
  retention: readonly RetentionRule[],
): readonly RetentionRule[] | null {
  if (age === undefined) {
    if (connection !== undefined) throw new UsageError('--connection goes with --older-than');
    return retention.length > 0 ? retention : null;
  }
  const match = /^(\d{1,6})(h|d)$/.exec(age);
  if (!match) throw new UsageError('--older-than must be a number of hours or days, such as 12h or 90d');
  const keepMs = Number(match[1]) * (match[2] === 'h' ? 3_600_000 : 86_400_000);
  return [{ connection: connection ?? null, keepMs }];
}

function line({ sessionId, connection, lastAt, records }: Expired): string {
  return `${visible(sessionId)}  ${visible(connection)}  last ${lastAt.toISOString()}  ${records} records\n`;
}

/** `holdpoint sessions hold SESSION --reason TEXT` and `release SESSION`. */
export async function legalHold(
  command: 'hold' | 'release',
  argv: string[],
  deps: Pick<PurgeDeps, 'pool' | 'err' | 'recordAct'>,
): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { reason: { type: 'string' } },
  });
  const [sessionId, ...more] = positionals;
  if (!sessionId || more.length > 0) throw new UsageError(`${command} takes exactly one session`);
  if (!values.reason) throw new UsageError(`${command} needs --reason TEXT`);
  await deps.recordAct(`sessions.${command}`, { session: sessionId, reason: values.reason });
  if (await setLegalHold(deps.pool, sessionId, command === 'hold' ? values.reason : null)) return 0;
  deps.err(`there is no session ${visible(sessionId)} that was not purged\n`);
  return 1;
}
