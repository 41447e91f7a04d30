import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Permission } from '../../console/roles.ts';
import { createRecordReader } from '../../db/records-read.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import type { SessionSummary } from '../../recording/reader.ts';
import { openSession, type ReadDeps, type RecordedEvent } from '../../recording/read.ts';
import { exportSessions } from './sessions-export.ts';
import { legalHold, listHolds } from './sessions-hold.ts';
import { purge, type PurgeDeps } from './sessions-purge.ts';
import { match } from './sessions-match.ts';
import { search } from './sessions-search.ts';
import { filterOf, filterOptions, isUsage, numberOf, UsageError } from './sessions-filter.ts';
import { eventJson, eventLines, visible } from '../../recording/transcript.ts';

/** What `holdpoint sessions …` needs. */
export interface SessionsDeps extends PurgeDeps {
  readonly keyRing: KeyRing;
  /** The log's public key (`name+hash+key`). */
  readonly logKey: string;
}

const usage = `usage: holdpoint sessions list   [--subject S] [--connection C] [--tool T] [--verdict V] [--rule R]
                                [--from TIME] [--to TIME] [--limit N] [--json]
       holdpoint sessions search TEXT [the filters of list] [--limit N] [--json]
       holdpoint sessions match  (SESSION... | --all [the filters of list]) --file FILE [--json]
       holdpoint sessions replay SESSION [--speed N | --instant] [--follow] [--json]
       holdpoint sessions export (SESSION | PERSON | TIMESPAN | --all)... --out DIR [the filters of list]
       holdpoint sessions purge  [SESSION... | --older-than 90d [--connection C]] [--reason TEXT]
                                [--dry-run [--at TIME]] [--json]
       holdpoint sessions purge  --runs [--json]
       holdpoint sessions hold   (SESSION | --subject S and/or --connection C) --reason TEXT
       holdpoint sessions release (SESSION | --number N) --reason TEXT
       holdpoint sessions holds  [--json]

a TIMESPAN is 2026-11-01..2026-11-08 (either end may be left out), or 24h, 7d: back from now; a PERSON is a subject or a
stable key; export goes on where an interrupted one into the same DIR stopped
match says whether a whole message passed, byte for byte, before it was masked; nothing of it was kept for that
purge without sessions or an age goes by recording.retention, as workers do by themselves
`;

/** What somebody must be allowed for one of the commands; a dry run and a list of purges only look. */
export function permissionFor(argv: readonly string[]): Permission {
  const [command] = argv;
  const looks = argv.includes('--dry-run') || argv.includes('--runs');
  if (command === 'purge') return looks ? 'recordings.read' : 'recordings.purge';
  return command === 'hold' || command === 'release' ? 'recordings.hold' : 'recordings.read';
}

/** Runs `holdpoint sessions …`. @returns 0 done, 1 failed, 2 usage */
export async function run(argv: string[], deps: SessionsDeps): Promise<number> {
  const [command, ...rest] = argv;
  try {
    if (command === 'list') return await list(rest, deps);
    if (command === 'replay') return await replay(rest, deps);
    if (command === 'match') return await match(rest, deps);
    if (command === 'search') return await search(rest, deps);
    if (command === 'export') return await exportSessions(rest, deps);
    if (command === 'purge') return await purge(rest, deps);
    if (command === 'hold' || command === 'release') return await legalHold(command, rest, deps);
    if (command === 'holds') return await listHolds(rest, deps);
  } catch (error) {
    if (!isUsage(error)) throw error;
    deps.err(`${(error as Error).message}\n`);
  }
  deps.err(usage);
  return 2;
}

async function list(argv: string[], deps: SessionsDeps): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: { ...filterOptions, limit: { type: 'string' }, json: { type: 'boolean' } },
  });
  const limit = values.limit === undefined ? 50 : numberOf(values.limit, '--limit');
  const sessions = await createRecordReader(deps.pool).listSessions({ ...filterOf(values), limit });
  if (values.json) deps.out(`${JSON.stringify(sessions.map(sessionJson), null, 2)}\n`);
  else deps.out(sessions.length === 0 ? 'no sessions\n' : table(sessions));
  return 0;
}

async function replay(argv: string[], deps: SessionsDeps): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      speed: { type: 'string' },
      instant: { type: 'boolean' },
      follow: { type: 'boolean' },
      json: { type: 'boolean' },
    },
  });
  const [sessionId, ...more] = positionals;
  if (!sessionId || more.length > 0) throw new UsageError('replay takes exactly one session');
  const speed = values.speed === undefined ? 1 : numberOf(values.speed, '--speed');
  const pace = values.instant || values.json ? null : speed;
  const reading = { reader: createRecordReader(deps.pool), keyRing: deps.keyRing };
  if (!(await openSession(reading, sessionId))) {
    deps.err(`there is no session ${visible(sessionId)}; see holdpoint sessions list\n`);
    return 1;
  }
  await deps.recordAct('sessions.replay', { session: sessionId });
  const show = (event: RecordedEvent, start: number): void =>
    deps.out(values.json ? `${JSON.stringify(eventJson(event))}\n` : eventLines(event, start));
  const problems = await play(reading, sessionId, { pace, follow: values.follow ?? false, show });
  if (problems > 0) deps.err(`${problems} records of this session have problems; run holdpoint verify\n`);
  return problems > 0 ? 1 : 0;
}

const followMs = 500;

/** Shows a session's events; with `follow`, what comes later too, until the session has ended. */
async function play(
  reading: ReadDeps,
  sessionId: string,
  how: { pace: number | null; follow: boolean; show: (event: RecordedEvent, start: number) => void },
): Promise<number> {
  let start: number | null = null;
  let last = 0;
  let problems = 0;
  const from: Record<string, number> = {};
  for (;;) {
    const session = await openSession(reading, sessionId);
    if (!session) return problems;
    for await (const event of session.events(from)) {
      start ??= event.atMicros;
      if (how.pace !== null && last > 0) await sleep(Math.max(0, event.atMicros - last) / 1000 / how.pace);
      last = event.atMicros;
      from[event.strand] = event.seq + 1;
      if (event.problem) problems += 1;
      how.show(event, start);
    }
    // Asked before the events were read: what came in between is seen the next time round.
    if (!how.follow || session.summary.endedAt) return problems;
    await sleep(followMs);
  }
}

function sessionJson(session: SessionSummary): Record<string, unknown> {
  const { facts, ...rest } = session;
  const { sessionId, ...who } = facts;
  return { id: sessionId, ...who, ...rest };
}

function table(sessions: readonly SessionSummary[]): string {
  const rows = sessions.map((session) => [
    session.facts.sessionId,
    session.openedAt.toISOString().slice(0, 19),
    session.facts.subject,
    session.facts.connection,
    String(session.records),
    stateOf(session),
  ]);
  const head = ['SESSION', 'OPENED', 'SUBJECT', 'CONNECTION', 'RECORDS', 'STATE'];
  const shown = [head, ...rows].map((row) => row.map((cell) => visible(cell)));
  const widths = head.map((_, column) => Math.max(...shown.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return shown.map((row) => `${line(row).trimEnd()}\n`).join('');
}

function stateOf(session: SessionSummary): string {
  if (session.destroyedAt) return `purged ${session.destroyedAt.toISOString().slice(0, 10)}`;
  if (session.endedAt) return `ended: ${session.endedBecause ?? ''}`;
  return 'open';
}
