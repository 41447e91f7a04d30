import { setTimeout as sleep } from 'node:timers/promises';
import { ApiProblem } from '../../console/api/endpoint.ts';
import type { ChangedPolicy } from '../../console/deps.ts';
import { visible } from '../../recording/transcript.ts';
import type { Answer, Api } from '../api/api.ts';
import { answering, argumentsOf, type CommandDeps, printJson, UsageError } from './answering.ts';
import { dateOf } from './sessions-filter.ts';
import { table } from './shown-approval.ts';

export interface MaskReportDeps extends CommandDeps {
  /** Reads a policy file, and the rule files that it names. */
  readonly policyIn: (file: string) => Promise<ChangedPolicy>;
  /** Aborted when whoever waits does not want it any more. */
  readonly interrupted: AbortSignal;
  /** Between two looks. */
  readonly lookEveryMs?: number;
}

type Report = Answer<'showMaskReport'>;

const text = { type: 'string' } as const;
const options = {
  report: { type: 'boolean' },
  policy: text,
  profile: text,
  connection: text,
  group: { type: 'string', multiple: true },
  from: text,
  to: text,
  list: { type: 'boolean' },
  id: text,
  delete: text,
  json: { type: 'boolean', default: false },
} as const;
type Values = ReturnType<typeof argumentsOf<typeof options>>['values'];

const lookEveryMs = 500;
/** A console that restarts, or a network that is away for a moment, ends no report that another one compares. */
const unreachableForMs = 60_000;
const saidAtMost = 30_000;

/** `holdpoint mask --report …`. @returns 0 done, 1 failed or refused, 2 usage */
export async function run(argv: readonly string[], usage: string, deps: MaskReportDeps): Promise<number> {
  return answering({ argv, usage, ...deps }, async () => {
    const { values, positionals } = argumentsOf(argv, options);
    const { api, out } = deps;
    if (positionals.length > 0) throw new UsageError(`too many arguments: ${positionals.join(' ')}`);
    if ([values.list, values.id, values.delete].filter((one) => one !== undefined).length > 1)
      throw new UsageError('--list, --id and --delete do not go together');
    if (values.list) return list(values.json, deps);
    if (values.delete !== undefined) {
      await api.call('deleteMaskReport', { params: { id: values.delete } });
      out(`deleted ${values.delete}\n`);
      return 0;
    }
    if (values.id !== undefined) return finished(values.id, values.json, deps);
    const { id, messages } = await api.call('startMaskReport', { body: await bodyOf(values, deps) });
    deps.err(`${id}: under way, ${messages} messages so far\n`);
    return finished(id, values.json, deps);
  });
}

async function list(json: boolean, { api, out }: CommandDeps): Promise<number> {
  const { reports } = await api.call('listMaskReports');
  if (json) printJson(out, reports);
  else if (reports.length === 0) out('no reports of the last week\n');
  else {
    const rows = reports.map(({ id, state, startedAt, from, to, policyVersion, ownPolicy }) => [
      id,
      startedAt.slice(0, 19),
      from.slice(0, 16),
      to.slice(0, 16),
      `${ownPolicy ? 'changed' : 'in force'} ${policyVersion.slice(0, 19)}`,
      state,
    ]);
    out(table([['REPORT', 'ASKED', 'FROM', 'TO', 'POLICY', 'STATE'], ...rows]));
  }
  return 0;
}

async function bodyOf(values: Values, { policyIn }: MaskReportDeps) {
  const { policy, profile, connection, group, from, to } = values;
  const span = {
    ...(from !== undefined && { from: dateOf(from, '--from').toISOString() }),
    ...(to !== undefined && { to: dateOf(to, '--to').toISOString() }),
  };
  if (span.from !== undefined && span.to !== undefined && span.from >= span.to)
    throw new UsageError('--from must be before --to');
  const changed = policy === undefined ? null : await policyIn(policy);
  return {
    ...span,
    ...(changed && { policy: changed.text, ruleFiles: changed.ruleFiles.map((file) => ({ ...file })) }),
    ...(profile !== undefined && { profile }),
    ...(connection !== undefined && { connection }),
    ...(group !== undefined && { groups: group }),
  };
}

/** Waits for a report, says how far it is, and shows what came of it. */
async function finished(id: string, json: boolean, deps: MaskReportDeps): Promise<number> {
  const { api, out, err, interrupted } = deps;
  let [saidAt, pause] = [Date.now(), 2_000];
  for await (const report of looks(id, deps)) {
    if (report.state !== 'running') return ended(report, json, deps);
    if (Date.now() - saidAt < pause) continue;
    [saidAt, pause] = [Date.now(), Math.min(2 * pause, saidAtMost)];
    err(`${report.messages} messages of ${report.sessions} sessions so far\n`);
  }
  if (interrupted.aborted) {
    await api.call('deleteMaskReport', { params: { id } });
    out(`stopped and deleted ${id}\n`);
  }
  return 1;
}

/** The report, again and again, until nobody waits for it any more. */
async function* looks(id: string, { api, interrupted, ...deps }: MaskReportDeps): AsyncGenerator<Report> {
  let answeredAt = Date.now();
  while (!interrupted.aborted) {
    const report = await lookAt(api, id, answeredAt + unreachableForMs);
    if (report) {
      answeredAt = Date.now();
      yield report;
    }
    await sleep(deps.lookEveryMs ?? lookEveryMs, undefined, { signal: interrupted }).catch(() => {});
  }
}

/** null when it could not be asked for just now. */
async function lookAt(api: Api, id: string, until: number): Promise<Report | null> {
  try {
    return await api.call('showMaskReport', { params: { id } });
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.code !== 'unavailable') throw error;
    if (Date.now() < until) return null;
    throw new ApiProblem(
      'unavailable',
      `${error.message}. What was begun may go on: holdpoint mask --report --id ${id} asks for it again`,
      { cause: error },
    );
  }
}

function ended(report: Report, json: boolean, { out, err }: CommandDeps): number {
  const { rows, byGroup, state } = report;
  if (rows === null) {
    err(
      state === 'lost'
        ? `${report.id}: the process that compared has gone; ask again\n`
        : `${report.id}: the report failed, and the log of the process that compared says why; ask again\n`,
    );
    return 1;
  }
  const { id, from, to, policyVersion, sessions, messages, unreadable } = report;
  if (json) printJson(out, { id, from, to, policyVersion, sessions, messages, unreadable, byGroup, rows });
  else out(shown(report, rows));
  return 0;
}

function shown(report: Report, rows: NonNullable<Report['rows']>): string {
  const { from, to, policyVersion, sessions, messages, unreadable, byGroup } = report;
  const lines = [
    `policy ${policyVersion}, recorded from ${from} to ${to}: ${messages} messages of ${sessions} sessions`,
    ...(unreadable > 0 ? [`${unreadable} sessions or records could not be read (purged, or altered)`] : []),
    ...(byGroup
      ? [
          `${byGroup} messages have other profiles for other groups, which are not recorded: name them with --group`,
        ]
      : []),
  ];
  for (const [change, title] of [
    ['added', 'would be masked in addition'],
    ['gone', 'would no longer be masked'],
    ['otherwise', 'would be masked in another way'],
  ] as const) {
    const these = rows.filter((row) => row.change === change);
    lines.push('', these.length === 0 ? `nothing ${title}` : `${title}:`);
    for (const { detector, operator, connection, tool, times, messages: of, places, morePlaces } of these)
      lines.push(
        `  ${String(times).padStart(6)} × ${detector}${operator === null ? '' : ` (${operator})`}  in ${of} messages of ${visible(connection)}${tool === '' ? '' : ` ${visible(tool)}`}`,
        ...places.map((place) => `             ${visible(place)}`),
        ...(morePlaces ? ['             and other places'] : []),
      );
  }
  return `${lines.join('\n')}\n`;
}
