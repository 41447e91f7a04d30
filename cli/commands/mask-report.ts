import { parseArgs } from 'node:util';
import type { RecordAct } from '../../console/acts.ts';
import type { Pool } from '../../db/pool.ts';
import { createRecordReader } from '../../db/records-read.ts';
import type { MaskingEngine } from '../../masking/engine.ts';
import { createMaskReport, type ReportRow } from '../../masking/report.ts';
import type { Policy } from '../../policy/policy.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import { openSession } from '../../recording/read.ts';
import { sessionsOf } from '../../recording/search.ts';
import { visible } from '../../recording/transcript.ts';
import { isUsage, UsageError } from './answering.ts';
import { dateOf } from './sessions-filter.ts';

/** A policy as it would be, with its masking made ready. */
export interface ChangedPolicy {
  readonly policy: Policy;
  readonly profiles: readonly string[];
  readonly engine: MaskingEngine;
}

export interface MaskReportDeps {
  readonly pool: Pool;
  readonly keyRing: KeyRing;
  /** @param file the policy; undefined for the configured one */
  readonly changed: (file: string | undefined) => Promise<ChangedPolicy>;
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
  const { connection, profile } = values;
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
    policyVersion: changed.policy.version,
  });
  const read = await compare(deps, changed, { ...span, connection, profile });
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
  const today = Math.floor(now.getTime() / 86_400_000) * 86_400_000;
  const from = values.from === undefined ? new Date(today - 86_400_000) : dateOf(values.from, '--from');
  const to =
    values.to !== undefined ? dateOf(values.to, '--to') : values.from === undefined ? new Date(today) : now;
  if (from >= to) throw new UsageError('--from must be before --to');
  return { from, to };
}

interface Compared {
  readonly sessions: number;
  readonly messages: number;
  /** Sessions whose key was destroyed, or records that could not be opened. */
  readonly unreadable: number;
  readonly rows: readonly ReportRow[];
}

/** Reads every message of the span and compares it with what the changed policy would make of it. */
async function compare(
  deps: MaskReportDeps,
  { policy, engine }: ChangedPolicy,
  wanted: Span & { readonly connection: string | undefined; readonly profile: string | undefined },
): Promise<Compared> {
  const reading = { reader: createRecordReader(deps.pool), keyRing: deps.keyRing };
  const { from, to, connection } = wanted;
  const result = createMaskReport(engine);
  const byRule = new Map(
    [...policy.rules, { ...policy.default, name: 'default' }].map((rule) => [rule.name, rule]),
  );
  const count = { sessions: 0, messages: 0, unreadable: 0 };
  for await (const session of sessionsOf(reading, {
    from,
    to,
    ...(connection !== undefined && { connection }),
  })) {
    const { facts, destroyedAt } = session;
    if (facts.connection === 'holdpoint' && facts.callerKey === 'holdpoint') continue;
    const opened = destroyedAt ? null : await openSession(reading, facts.sessionId);
    if (!opened) {
      count.unreadable += 1;
      continue;
    }
    count.sessions += 1;
    // An answer has the profile of its question.
    const ruleOf = new Map<string, string>();
    for await (const event of opened.events()) {
      if (event.callId !== null && event.rule !== null) ruleOf.set(event.callId, event.rule);
      if (event.kind !== 'message' || !within(event.atMicros, wanted)) continue;
      if (event.bytes === null) {
        count.unreadable += 1;
        continue;
      }
      count.messages += 1;
      const tool = event.tool ?? '';
      const rule = event.rule ?? ruleOf.get(event.callId ?? '');
      const named = wanted.profile ?? byRule.get(rule ?? '')?.maskProfile ?? 'default';
      const profile =
        wanted.profile === undefined && named === 'default'
          ? engine.profileFor({ connection: facts.connection, tool, groups: [] })
          : named;
      result.add({
        session: facts.sessionId,
        connection: facts.connection,
        tool,
        profile,
        text: event.bytes.toString('utf8'),
      });
    }
  }
  return { ...count, rows: result.rows() };
}

function within(atMicros: number, { from, to }: Span): boolean {
  const at = atMicros / 1000;
  return at >= from.getTime() && at < to.getTime();
}

function shown({
  from,
  to,
  policyVersion,
  sessions,
  messages,
  unreadable,
  rows,
}: Compared & Span & { readonly policyVersion: string }): string {
  const lines = [
    `policy ${policyVersion}, recorded from ${from.toISOString()} to ${to.toISOString()}: ${messages} messages of ${sessions} sessions`,
    ...(unreadable > 0 ? [`${unreadable} sessions or records could not be read (purged, or altered)`] : []),
  ];
  for (const [change, title] of [
    ['added', 'would be masked in addition'],
    ['gone', 'would no longer be masked'],
  ] as const) {
    const these = rows.filter((row) => row.change === change);
    lines.push('', these.length === 0 ? `nothing ${title}` : `${title}:`);
    for (const { detector, connection, tool, times, messages: of, places, morePlaces } of these)
      lines.push(
        `  ${String(times).padStart(6)} × ${detector}  in ${of} messages of ${visible(connection)}${tool === '' ? '' : ` ${visible(tool)}`}`,
        ...places.map((place) => `             ${visible(place)}`),
        ...(morePlaces ? ['             and other places'] : []),
      );
  }
  return `${lines.join('\n')}\n`;
}
