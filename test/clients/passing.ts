import { drive } from './drive.ts';
import type { Happening, Plan } from './drivers/plan.ts';
import type { ClientRow } from './installs.ts';

/** A column in which nothing is held: the same is done with the server directly and through the gateway. */
export interface PassingColumn {
  readonly title: string;
  /** Tried in this order until one works: what a server of one era does another way in the other. */
  readonly plans: readonly Partial<Plan>[];
  /** Whether the client got what the column is about. */
  works(happened: readonly Happening[]): boolean;
}

const count = (happened: readonly Happening[], event: Happening['event']): number =>
  happened.filter((one) => one.event === event).length;
const answered = (happened: readonly Happening[]): boolean =>
  happened.some((one) => one.event === 'answer' && !one.isError);
const call = (tool: string, args: Record<string, unknown> = {}): Partial<Plan> => ({ call: { tool, args } });

export const passingColumns: readonly PassingColumn[] = [
  {
    title: 'list',
    plans: [{ call: null }],
    works: (happened) => happened.some((one) => one.event === 'tools' && one.count > 20),
  },
  { title: 'call', plans: [call('test_simple_text')], works: answered },
  {
    title: 'stream',
    plans: [call('test_tool_with_logging'), call('test_logging_tool')],
    works: (happened) => answered(happened) && count(happened, 'log') > 0,
  },
  {
    title: 'progress',
    plans: [{ ...call('test_tool_with_progress'), progress: true }],
    works: (happened) => answered(happened) && count(happened, 'progress') >= 3,
  },
  {
    title: 'cancel',
    plans: [{ ...call('wait'), cancelAfterMs: 1500 }],
    works: (happened) => !answered(happened) && count(happened, 'error') === 1,
  },
  {
    title: 'elicitation',
    plans: [call('test_elicitation', { message: 'Who?' }), call('test_input_required_result_elicitation')],
    works: (happened) => answered(happened) && count(happened, 'elicited') > 0,
  },
  {
    title: 'sampling',
    plans: [call('test_sampling', { prompt: 'Hello' }), call('test_input_required_result_sampling')],
    works: (happened) => answered(happened) && count(happened, 'sampled') > 0,
  },
];

/**
 * What a client gets through the gateway, beside what it gets directly.
 * @returns the cell, and whether something is worse through the gateway
 */
export async function passingCell(
  row: ClientRow,
  column: PassingColumn,
  urls: { direct: string; gateway: string },
): Promise<{ text: string; worse: string | null }> {
  const attempt = async (url: string): Promise<{ works: boolean; last: readonly Happening[] }> => {
    let last: readonly Happening[] = [];
    for (const plan of column.plans) {
      last = await drive(row, { ...plan, url }, 30_000).ended;
      if (column.works(last)) return { works: true, last };
    }
    return { works: false, last };
  };
  const [direct, through] = [await attempt(urls.direct), await attempt(urls.gateway)];
  if (through.works) return { text: 'yes', worse: null };
  if (!direct.works) return { text: 'no, nor directly', worse: null };
  return { text: '**no**', worse: `${row.title}, ${column.title}: ${JSON.stringify(through.last)}` };
}
