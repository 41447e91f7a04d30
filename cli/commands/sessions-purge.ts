import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Permission } from '../../console/roles.ts';
import type { Pool } from '../../db/pool.ts';
import { createPurgeStore, purgeRuns } from '../../db/records-purge.ts';
import type { NoteSigner } from '../../recording/log/note.ts';
import {
  type Expired,
  planPurge,
  purgeSessions,
  type PurgeStore,
  type RetentionRule,
} from '../../recording/purge.ts';
import { ruleText } from '../../recording/retain.ts';
import { visible } from '../../recording/transcript.ts';
import { UsageError } from './answering.ts';

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
  /** How long to wait until the log has taken in what was purged, so that its space can be given back. */
  readonly reclaimWithinMs?: number;
}

const options = {
  'older-than': { type: 'string' },
  connection: { type: 'string' },
  reason: { type: 'string' },
  'dry-run': { type: 'boolean' },
  at: { type: 'string' },
  runs: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

/** What somebody must be allowed; a dry run and a list of purges only look. */
export function permissionFor(argv: readonly string[]): Permission {
  const looks = argv.includes('--dry-run') || argv.includes('--runs');
  return looks ? 'recordings.read' : 'recordings.purge';
}

/** `holdpoint sessions purge`: by the configured retention, by age, or one session. */
export async function purge(argv: string[], deps: PurgeDeps): Promise<number> {
  const { values, positionals } = parseArgs({ args: argv, allowPositionals: true, options });
  if (values.runs) return showRuns(deps, values.json ?? false);
  const store = createPurgeStore(deps.pool);
  const configured = positionals.length > 0 ? [] : deps.retention;
  const rules = rulesOf(values['older-than'], values.connection, configured);
  if (positionals.length > 0 === (rules !== null)) throw new UsageError(purgeUsage);
  const reason = values.reason ?? (rules === configured ? 'retention' : null);
  const dry = values['dry-run'] ?? false;
  if (reason === null && !dry) throw new UsageError('purging by hand needs --reason TEXT');
  if (values.at !== undefined && !dry) throw new UsageError('--at goes with --dry-run');
  const going: Expired[] = [];
  for (const sessionId of positionals) {
    const session = await store.purgeable(sessionId);
    if (session) going.push(session);
    else
      deps.err(
        `${visible(sessionId)} cannot be purged: there is none, it was purged, or is under legal hold\n`,
      );
  }
  if (rules) for await (const session of planPurge(store, rules, timeOf(values.at))) going.push(session);
  if (values.json) deps.out(`${JSON.stringify(going, null, 2)}\n`);
  else for (const session of going) deps.out(line(session));
  const records = going.reduce((sum, session) => sum + session.records, 0);
  if (dry) {
    deps.err(`${summary(going, rules)}${going.length} sessions with ${records} records would be purged\n`);
    return 0;
  }
  const done = await store.exclusively(async () => carryOut(deps, store, going, records, reason ?? ''));
  if (done === null) {
    deps.err('another process is purging at this moment; try again when it has finished\n');
    return 1;
  }
  return positionals.length > going.length ? 1 : 0;
}

async function carryOut(
  deps: PurgeDeps,
  store: PurgeStore,
  going: readonly Expired[],
  records: number,
  reason: string,
): Promise<void> {
  if (going.length > 0) await deps.recordAct('sessions.purge', { sessions: going.length, records, reason });
  const signal = new AbortController().signal;
  const parts = { store, signer: await deps.signer(), now: () => new Date() };
  const onProgress = (done: number): void => deps.err(`${done} of ${going.length}\n`);
  const { purged, freed } = await purgeSessions(
    parts,
    going,
    { person: deps.person, reason },
    { signal, onProgress },
  );
  const freedLater = await reclaimSoon(store, deps.reclaimWithinMs ?? 0, signal);
  const [freedRecords, partitions] = [
    freed.records + freedLater.records,
    freed.partitions + freedLater.partitions,
  ];
  const later = (await store.tombstonesPending())
    ? '; the rest once the log has taken in the tombstones: a worker does it with the next purge'
    : '';
  deps.err(
    `${purged} sessions purged; space of ${freedRecords} records and ${partitions} partitions given back${later}\n`,
  );
}

/** Waits a little for a worker to take the tombstones into the log. */
async function reclaimSoon(
  store: PurgeStore,
  withinMs: number,
  signal: AbortSignal,
): Promise<{ records: number; partitions: number }> {
  const untilMs = Date.now() + withinMs;
  while (Date.now() < untilMs && (await store.tombstonesPending())) await sleep(250);
  return store.reclaim(signal);
}

/** How much goes by which rule. */
function summary(going: readonly Expired[], rules: readonly RetentionRule[] | null): string {
  return (rules ?? [])
    .map((rule, index) => {
      const by = going.filter((session) => session.rule === index);
      const records = by.reduce((sum, session) => sum + session.records, 0);
      return `${ruleText(rule)}: ${by.length} sessions, ${records} records\n`;
    })
    .join('');
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
  return [{ connection: connection ?? null, risks: null, keepMs }];
}

function timeOf(at: string | undefined): Date {
  const time = at === undefined ? new Date() : new Date(at);
  if (Number.isNaN(time.getTime())) throw new UsageError('--at must be a time such as 2027-01-01T00:00:00Z');
  return time;
}

function line({ sessionId, connection, risk, lastAt, records }: Expired): string {
  return `${visible(sessionId)}  ${visible(connection)}  ${risk} risk  last ${lastAt.toISOString()}  ${records} records\n`;
}

const quietMs = 60_000;

async function showRuns(deps: PurgeDeps, json: boolean): Promise<number> {
  const runs = await purgeRuns(deps.pool, 20);
  if (json) deps.out(`${JSON.stringify(runs, null, 2)}\n`);
  else if (runs.length === 0) deps.out('nothing was purged yet\n');
  else
    for (const run of runs) {
      const quiet = Date.now() - run.seenAt.getTime() > quietMs;
      const state = run.failed ?? (run.endedAt ? 'done' : quiet ? 'interrupted' : 'running');
      deps.out(
        `${run.startedAt.toISOString()}  ${visible(run.person)}  ${visible(run.reason)}  ${run.purged} of ${run.due} sessions, ${run.records} records and ${run.partitions} partitions given back  ${visible(state)}\n`,
      );
    }
  return 0;
}
