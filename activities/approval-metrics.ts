import { endedCall, openCalls } from '../db/held-metrics.ts';
import type { Pool } from '../db/pool.ts';
import type { WorkerActivities } from '../workflows/contract.ts';

/** The worker's activities, measured, and what came of it in Prometheus' text format. */
export interface Measured {
  readonly activities: WorkerActivities;
  /** Counts a call that has ended, whoever wrote its end. */
  ended(callId: string): Promise<void>;
  /** Counters of this process; gauges of the whole installation, the same from every worker: take their maximum. */
  text(): Promise<string>;
}

const boundsSeconds = [5, 15, 30, 60, 300, 900, 3600, 14_400, 86_400];

/** Wraps the activities such that failing cards are counted, beside ends and times to decision. Labels: states and groups. */
export function measureActivities(activities: WorkerActivities, pool: Pool): Measured {
  const ended = new Map<string, number>();
  const endedByGroup = new Map<string, number>();
  const failed = new Map<string, number>();
  const decisions = new Map<string, Histogram>();
  const showing = async <T>(what: string, work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      add(failed, label('what', what));
      throw error;
    }
  };
  const measured: WorkerActivities = {
    ...activities,
    announce: (input) => showing('announce', activities.announce(input)),
    showProgress: (input) => showing('progress', activities.showProgress(input)),
    refreshCards: (input) => showing('end', activities.refreshCards(input)),
  };
  return {
    activities: measured,
    async ended(callId) {
      const call = await endedCall(pool, callId);
      if (!call) return;
      add(ended, label('state', call.state));
      for (const group of call.groups)
        add(endedByGroup, `${label('group', group)},${label('state', call.state)}`);
      if (call.secondsToDecision === null) return;
      for (const group of call.groups) {
        const histogram = decisions.get(group) ?? newHistogram();
        decisions.set(group, histogram);
        observe(histogram, call.secondsToDecision);
      }
    },
    text: async () =>
      [
        ...family('holdpoint_held_calls_ended_total', 'counter', 'Held calls that ended, by state.', ended),
        ...family(
          'holdpoint_held_calls_ended_by_group_total',
          'counter',
          'Held calls that ended, by state and by each group that was asked.',
          endedByGroup,
        ),
        ...family(
          'holdpoint_cards_failed_total',
          'counter',
          'Attempts to show a request that failed.',
          failed,
        ),
        ...histograms('holdpoint_decision_seconds', 'From a request to its decision, by group.', decisions),
        ...(await gauges(pool)),
        '',
      ].join('\n'),
  };
}

async function gauges(pool: Pool): Promise<string[]> {
  const open = await openCalls(pool);
  const byGroup = new Map(
    Object.entries(open.pendingByGroup).map(([group, calls]) => [label('group', group), calls]),
  );
  const one = (name: string, help: string, value: number): string[] =>
    family(name, 'gauge', help, new Map([['', value]]));
  return [
    ...family('holdpoint_held_calls_pending', 'gauge', 'Calls that wait for a decision, by group.', byGroup),
    ...one('holdpoint_held_calls_oldest_pending_seconds', 'Age of the oldest.', open.oldestPendingSeconds),
    ...one('holdpoint_held_calls_executing', 'Calls that run now.', open.executing),
    ...one('holdpoint_held_calls_overdue', 'Calls whose time is up and that nobody ends.', open.overdue),
    ...one(
      'holdpoint_held_calls_unannounced',
      'Calls that wait although no approver could be asked in Slack.',
      open.unannounced,
    ),
    ...one('holdpoint_frozen', '1 while the kill switch is on.', open.frozen),
    ...one('holdpoint_slack_away_seconds', 'For how long Slack has been away.', open.slackAwaySeconds),
    ...one('holdpoint_held_calls_unknown', 'Calls of the last day without a known end.', open.unknownLastDay),
  ];
}

interface Histogram {
  readonly buckets: number[];
  count: number;
  sum: number;
}

function newHistogram(): Histogram {
  return { buckets: boundsSeconds.map(() => 0), count: 0, sum: 0 };
}

function observe(histogram: Histogram, seconds: number): void {
  for (const [index, bound] of boundsSeconds.entries())
    if (seconds <= bound) histogram.buckets[index] = (histogram.buckets[index] ?? 0) + 1;
  histogram.count += 1;
  histogram.sum += seconds;
}

function histograms(name: string, help: string, all: ReadonlyMap<string, Histogram>): string[] {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
  for (const [group, { buckets, count, sum }] of all) {
    const of = label('group', group);
    for (const [index, bound] of boundsSeconds.entries())
      lines.push(`${name}_bucket{${of},le="${bound}"} ${buckets[index]}`);
    lines.push(
      `${name}_bucket{${of},le="+Inf"} ${count}`,
      `${name}_sum{${of}} ${sum}`,
      `${name}_count{${of}} ${count}`,
    );
  }
  return lines;
}

function family(name: string, type: string, help: string, values: ReadonlyMap<string, number>): string[] {
  const samples = [...values].map(
    ([labels, value]) => `${name}${labels === '' ? '' : `{${labels}}`} ${value}`,
  );
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples];
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** A label pair as the text format escapes it. */
function label(name: string, value: string): string {
  return `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
