import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventLines, visible } from '../../recording/transcript.ts';
import type { Answer } from '../api/api.ts';
import { answering, argumentsOf, type CommandDeps, oneOf, printJson, UsageError } from './answering.ts';
import { legalHold, listHolds } from './sessions-hold.ts';
import { choiceOf, filterOptions, numberOf } from './sessions-filter.ts';
import { readBack } from './shown-event.ts';
import { table } from './shown-approval.ts';

export const usage = `Usage:
  holdpoint sessions list   [--subject S] [--connection C] [--tool T] [--verdict V] [--rule R]
                            [--from TIME] [--to TIME] [--limit N] [--json]
  holdpoint sessions search TEXT [the filters of list] [--limit N] [--json]
  holdpoint sessions match  (SESSION... | --all [the filters of list]) --file FILE [--json]
  holdpoint sessions replay SESSION [--speed N | --instant] [--follow] [--json]
  holdpoint sessions export (SESSION | PERSON | TIMESPAN | --all)... --out DIR|FILE.zip [the filters of list]
  holdpoint sessions hold   (SESSION | --subject S and/or --connection C) --reason TEXT
  holdpoint sessions release (SESSION | --number N) --reason TEXT
  holdpoint sessions holds  [--json]
beside the database:
  holdpoint sessions purge  [SESSION... | --older-than 90d [--connection C]] [--reason TEXT]
                            [--dry-run [--at TIME]] [--json]
  holdpoint sessions purge  --runs [--json]

a TIMESPAN is 2026-11-01..2026-11-08 (either end may be left out), or 24h, 7d: back from now; a PERSON is a subject or a
stable key; beside the database export goes on where an interrupted one into the same DIR stopped; from a server the package is
checked to be whole before it is there
match says whether a whole message passed, byte for byte, before it was masked; nothing of it was kept for that
purge without sessions or an age goes by recording.retention, as workers do by themselves

Exit codes: 0 done, 1 failed or refused, 2 wrong usage.
`;

/** Runs what `holdpoint sessions …` does by the API. @returns 0 done, 1 failed, 2 usage */
export async function run(argv: readonly string[], deps: CommandDeps): Promise<number> {
  return answering({ argv, usage, ...deps }, async () => {
    const [act, ...rest] = argv;
    if (act === 'list') return list(rest, deps);
    if (act === 'search') return search(rest, deps);
    if (act === 'match') return match(rest, deps);
    if (act === 'replay') return replay(rest, deps);
    if (act === 'hold' || act === 'release') return legalHold(act, rest, deps);
    if (act === 'holds') return listHolds(rest, deps);
    throw new UsageError(
      act === undefined ? 'sessions needs to know what to do' : `there is no sessions ${act}`,
    );
  });
}

async function list(argv: readonly string[], { api, out }: CommandDeps): Promise<number> {
  const { values, positionals } = argumentsOf(argv, {
    ...filterOptions,
    limit: { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  if (positionals.length > 0) throw new UsageError(`too many arguments: ${positionals.join(' ')}`);
  const limit = values.limit === undefined ? 50 : numberOf(values.limit, '--limit');
  const { sessions } = await api.call('listSessions', {
    query: { ...choiceOf(values), limit: Math.min(Math.ceil(limit), 1000) },
  });
  if (values.json) printJson(out, sessions);
  else if (sessions.length === 0) out('no sessions\n');
  else {
    const rows = sessions.map((one) => [
      one.id,
      one.openedAt.slice(0, 19),
      one.subject,
      one.connection,
      String(one.records),
      stateOf(one),
    ]);
    const head = ['SESSION', 'OPENED', 'SUBJECT', 'CONNECTION', 'RECORDS', 'STATE'];
    out(table([head, ...rows].map((row) => row.map((cell) => visible(cell)))));
  }
  return 0;
}

function stateOf(session: Answer<'listSessions'>['sessions'][number]): string {
  if (session.destroyedAt) return `purged ${session.destroyedAt.slice(0, 10)}`;
  if (session.endedAt) return `ended: ${session.endedBecause ?? ''}`;
  return 'open';
}

async function search(argv: readonly string[], { api, out }: CommandDeps): Promise<number> {
  const { values, positionals } = argumentsOf(argv, {
    ...filterOptions,
    limit: { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  const text = oneOf(positionals, 'the text to search for');
  const limit = values.limit === undefined ? 100 : Math.ceil(numberOf(values.limit, '--limit'));
  const found = [];
  for await (const one of api.stream('searchSessions', { body: { text, limit, ...choiceOf(values) } })) {
    found.push(one);
    if (!values.json)
      out(
        `${one.at}  ${visible(one.session)}  ${visible(one.subject)}  ${visible(one.tool ?? one.kind)}\n    ${visible(one.excerpt)}\n`,
      );
  }
  if (values.json) printJson(out, found);
  else if (found.length === 0) out('nothing found\n');
  return 0;
}

async function match(argv: readonly string[], { api, out }: CommandDeps): Promise<number> {
  const { values, positionals } = argumentsOf(argv, {
    ...filterOptions,
    file: { type: 'string' },
    all: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  });
  if (values.file === undefined) throw new UsageError('match needs --file FILE with the message');
  if (positionals.length > 0 === values.all)
    throw new UsageError('match takes either sessions, or --all with or without filters');
  const base64 = (await readFile(values.file)).toString('base64');
  const chosen = values.all ? choiceOf(values) : { sessions: positionals };
  const found = [];
  for await (const one of api.stream('matchSessions', { body: { ...chosen, base64 } })) {
    found.push(one);
    if (!values.json)
      out(
        `${one.at}  ${visible(one.sessionId)}  strand ${one.strand}, record ${one.seq}  ${one.direction}  ${visible(one.tool ?? one.method ?? '')}  call ${visible(one.callId ?? '–')}\n`,
      );
  }
  if (values.json) printJson(out, found);
  else if (found.length === 0) out('no message that passed was this, byte for byte\n');
  return found.length > 0 ? 0 : 1;
}

async function replay(argv: readonly string[], { api, out, err }: CommandDeps): Promise<number> {
  const { values, positionals } = argumentsOf(argv, {
    speed: { type: 'string' },
    instant: { type: 'boolean', default: false },
    follow: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  });
  const id = oneOf(positionals, 'the SESSION to replay');
  const speed = values.speed === undefined ? 1 : numberOf(values.speed, '--speed');
  const pace = values.instant || values.json ? null : speed;
  let start: number | null = null;
  let last = 0;
  let problems = 0;
  const query = { follow: values.follow ? 'true' : 'false' } as const;
  for await (const one of api.stream('streamSession', { params: { id }, query })) {
    const event = readBack(one);
    start ??= event.atMicros;
    if (pace !== null && last > 0) await sleep(Math.max(0, event.atMicros - last) / 1000 / pace);
    last = event.atMicros;
    if (event.problem) problems += 1;
    out(values.json ? `${JSON.stringify(one)}\n` : eventLines(event, start));
  }
  if (problems > 0) err(`${problems} records of this session have problems; run holdpoint verify\n`);
  return problems > 0 ? 1 : 0;
}
