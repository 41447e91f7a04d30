import { parseArgs } from 'node:util';
import type { RecordAct } from '../../console/acts.ts';
import type { ReportOutcome } from '../../db/mask-reports.ts';
import type { Pool } from '../../db/pool.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import { visible } from '../../recording/transcript.ts';
import { compareRecorded, yesterday, type ChangedPolicy } from '../recorded-report.ts';
import { isUsage, UsageError } from './answering.ts';
import { dateOf } from './sessions-filter.ts';

export interface MaskReportDeps {
  readonly pool: Pool;
  readonly keyRing: KeyRing;
  /** @param file the policy; undefined for the configured one */
  readonly changed: (
    file: string | undefined,
  ) => Promise<ChangedPolicy & { readonly profiles: readonly string[] }>;
  readonly now: () => Date;
  readonly recordAct: RecordAct;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const text = { type: 'string' } as const;
const options = {
  report: { type: 'boolean' },
  policy: text,
  profile: text,
  connection: text,
  group: { type: 'string', multiple: true },
  from: text,
  to: text,
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** `holdpoint mask --report …`. @returns 0 done, 2 usage */
export async function run(argv: readonly string[], usage: string, deps: MaskReportDeps): Promise<number> {
  try {
    return await report(argv, usage, deps);
  } catch (error) {
    if (!isUsage(error)) throw error;
    deps.err(`${error instanceof Error ? error.message : 'wrong arguments'}\n\n${usage}`);
    return 2;
  }
}

async function report(argv: readonly string[], usage: string, deps: MaskReportDeps): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options });
  if (values.help) {
    deps.out(usage);
    return 0;
  }
  const span = spanOf(values, deps.now());
  const { connection, profile, group } = values;
  const changed = await deps.changed(values.policy);
  if (profile !== undefined && !changed.profiles.includes(profile))
    throw new UsageError(
      `there is no masking profile ${JSON.stringify(profile)}; there are: ${changed.profiles.join(', ')}`,
    );
  await deps.recordAct('masking.report', {
    from: span.from.toISOString(),
    to: span.to.toISOString(),
    connection: connection ?? null,
    profile: profile ?? null,
    groups: group?.join(' ') ?? null,
    policyVersion: changed.policy.version,
  });
  const read = await compareRecorded(deps, changed, {
    ...span,
    connection: connection ?? null,
    profile: profile ?? null,
    groups: group ?? null,
  });
  const about = { from: span.from, to: span.to, policyVersion: changed.policy.version, ...read };
  if (values.json) deps.out(`${JSON.stringify(about, null, 2)}\n`);
  else deps.out(shown(about));
  return 0;
}

interface Span {
  readonly from: Date;
  readonly to: Date;
}

/** Yesterday from midnight to midnight (UTC), unless told otherwise. */
function spanOf(values: { from?: string | undefined; to?: string | undefined }, now: Date): Span {
  const day = yesterday(now);
  const from = values.from === undefined ? day.from : dateOf(values.from, '--from');
  const to = values.to !== undefined ? dateOf(values.to, '--to') : values.from === undefined ? day.to : now;
  if (from >= to) throw new UsageError('--from must be before --to');
  return { from, to };
}

function shown({
  from,
  to,
  policyVersion,
  sessions,
  messages,
  unreadable,
  byGroup,
  rows,
}: ReportOutcome & Span & { readonly policyVersion: string }): string {
  const lines = [
    `policy ${policyVersion}, recorded from ${from.toISOString()} to ${to.toISOString()}: ${messages} messages of ${sessions} sessions`,
    ...(unreadable > 0 ? [`${unreadable} sessions or records could not be read (purged, or altered)`] : []),
    ...(byGroup > 0
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
