import { ApiProblem } from '../../console/api/endpoint.ts';
import { visibleText } from '../../console/visible.ts';
import type { Answer } from '../api/api.ts';
import {
  answering,
  argumentsOf,
  type CommandDeps,
  oneOf,
  printJson,
  refusalWords,
  UsageError,
} from './answering.ts';
import { type Approval, show, summary, table } from './shown-approval.ts';

export const usage = `Usage:
  holdpoint approvals list [--all] [--json]       requests that wait, soonest expiry first (--all: ended ones too)
  holdpoint approvals show ID [--json]            one request with its exact arguments
  holdpoint approvals alike ID [--json]           the requests that wait and differ from it in their arguments alone
  holdpoint approvals approve ID… [--tool NAME]   a critical request needs the name of its tool
      [--calls N --minutes M]                     and further calls like it, within what policy offers (one ID)
  holdpoint approvals deny ID… --reason TEXT [--bounds TEXT]
                                                  the agent reads the reason, and within what it would be fine
  holdpoint approvals extend ID                   gives everybody more time, where policy allows
  holdpoint approvals cancel ID [--reason TEXT]   withdraws a request that waits

Exit codes: 0 done, 1 failed or refused, 2 wrong usage.
`;

const listLimit = 500;

const options = {
  json: { type: 'boolean', default: false },
  all: { type: 'boolean', default: false },
  reason: { type: 'string' },
  tool: { type: 'string' },
  bounds: { type: 'string' },
  calls: { type: 'string' },
  minutes: { type: 'string', default: '5' },
} as const;

type Options = ReturnType<typeof argumentsOf<typeof options>>['values'];

/** Runs `holdpoint approvals …`. @returns the exit code */
export async function run(argv: readonly string[], deps: CommandDeps): Promise<number> {
  return answering({ argv, usage, ...deps }, async () => {
    const { values, positionals } = argumentsOf(argv, options);
    const [act = 'list', ...ids] = positionals;
    if (!['list', 'show', 'alike', 'approve', 'deny', 'extend', 'cancel'].includes(act))
      throw new UsageError(`there is no approvals ${act}`);
    if (act === 'list' && ids.length > 0) throw new UsageError(`too many arguments: ${ids.join(' ')}`);
    if (act === 'approve' || act === 'deny') {
      const plan = planOf(ids, act, values);
      await tellFreeze(deps);
      return decideAll(deps, plan, values.tool);
    }
    const id = act === 'list' ? '' : oneOf(ids, `the id of a request for approvals ${act}`);
    await tellFreeze(deps);
    if (act === 'list') return list(deps, values);
    if (act === 'alike')
      return printed(deps, (await deps.api.call('listAlike', { params: { id } })).approvals, values);
    if (act === 'show')
      return show(deps.out, await deps.api.call('showApproval', { params: { id } }), values.json);
    if (act === 'extend') return extend(deps, id);
    return cancel(deps, id, values.reason);
  });
}

async function tellFreeze({ api, err }: CommandDeps): Promise<void> {
  const { words } = await api.call('showFreeze');
  if (words !== null) err(`${visibleText(words)}\n`);
}

async function list(deps: CommandDeps, { all, json }: Options): Promise<number> {
  const { api, out } = deps;
  const waiting = await api.call('listApprovals', { query: { limit: listLimit } });
  const ended = all ? await api.call('listApprovals', { query: { state: 'ended', limit: listLimit } }) : null;
  const found = [...waiting.approvals, ...(ended?.approvals ?? [])];
  if (found.length > 0 || json) return printed(deps, found, { json });
  out(all ? 'No call has been held yet.\n' : 'Nothing waits for a decision.\n');
  return 0;
}

function printed({ out }: CommandDeps, found: readonly Approval[], { json }: Pick<Options, 'json'>): number {
  if (json) {
    printJson(out, found.map(summary));
    return 0;
  }
  const rows = found.map((one) => [
    one.id,
    one.state,
    `${visibleText(one.tool)} on ${visibleText(one.connection)}`,
    visibleText(one.subject),
    visibleText(one.rule),
    one.expiresAt,
  ]);
  out(table([['ID', 'STATE', 'CALL', 'FOR', 'RULE', 'EXPIRES'], ...rows]));
  return 0;
}

/** What is said of each request that is decided on. */
interface Plan {
  readonly ids: readonly string[];
  readonly said: {
    readonly decision: 'approve' | 'deny';
    readonly reason?: string;
    readonly bounds?: string;
    readonly grant?: { readonly calls: number; readonly minutes: number };
  };
}

/** @throws UsageError */
function planOf(ids: readonly string[], decision: 'approve' | 'deny', values: Options): Plan {
  const reason = values.reason?.trim() ?? '';
  const bounds = values.bounds?.trim() ?? '';
  if (ids.length === 0) throw new UsageError(`approvals ${decision} needs the id of a request`);
  if (decision === 'deny' && reason === '')
    throw new UsageError('approvals deny needs --reason TEXT: the agent reads it');
  const calls = decision === 'approve' ? Number(values.calls ?? 0) : 0;
  if (ids.length > 1 && calls !== 0)
    throw new UsageError('--calls goes with one ID: further calls are allowed with one request at a time');
  const minutes = Number(values.minutes);
  if (!Number.isSafeInteger(calls) || calls < 0 || !(minutes > 0))
    throw new UsageError('--calls is a whole number, --minutes a number greater than 0');
  return {
    ids: [...new Set(ids)],
    said: {
      decision,
      ...(reason !== '' && { reason }),
      ...(decision === 'deny' && bounds !== '' && { bounds }),
      ...(calls > 0 && { grant: { calls, minutes } }),
    },
  };
}

/**
 * Decides on each of the named requests by a vote of its own, bound to what it says now. What can be seen to be wrong
 * with any of them is said before anything is decided on one.
 */
async function decideAll(deps: CommandDeps, { ids, said }: Plan, tool: string | undefined): Promise<number> {
  const calls: Approval[] = [];
  for (const id of ids) calls.push(await deps.api.call('showApproval', { params: { id } }));
  for (const { id, risk, tool: its, grantOffer } of calls) {
    if (said.decision === 'approve' && risk === 'critical' && tool !== its)
      throw new UsageError(`${id} is critical: approve it with --tool and the exact name of its tool`);
    if (said.grant && !grantOffer) throw new UsageError('Policy offers no grant for this call.');
  }
  let counted = 0;
  for (const call of calls)
    if (await decide(deps, call, said, { tool, several: ids.length > 1 })) counted += 1;
  return counted === calls.length ? 0 : 1;
}

async function decide(
  { api, out, err }: CommandDeps,
  { id, digest }: Approval,
  said: Plan['said'],
  { tool, several }: { readonly tool: string | undefined; readonly several: boolean },
): Promise<boolean> {
  const which = several ? `${id}: ` : '';
  try {
    const body = { ...said, digest, ...(tool !== undefined && { tool }) };
    const { counted, text } = await api.call('decide', { params: { id }, body });
    if (counted) out(`${which}Your decision counted. ${visibleText(text)}\n`);
    else err(`${which}Your decision did not count. ${visibleText(text)}\n`);
    return counted;
  } catch (error) {
    // The others are decided on all the same.
    if (!several || !(error instanceof ApiProblem)) throw error;
    err(`${which}${refusalWords(error)}\n`);
    return false;
  }
}

async function extend({ api, out, err }: CommandDeps, id: string): Promise<number> {
  const { digest } = await api.call('showApproval', { params: { id } });
  const { counted, text }: Answer<'extend'> = await api.call('extend', { params: { id }, body: { digest } });
  (counted ? out : err)(`${visibleText(text)}\n`);
  return counted ? 0 : 1;
}

async function cancel(
  { api, out, err }: CommandDeps,
  id: string,
  reason: string | undefined,
): Promise<number> {
  const body = reason?.trim() ? { reason: reason.trim() } : {};
  const { done, text } = await api.call('cancel', { params: { id }, body });
  (done ? out : err)(`${visibleText(text)}\n`);
  return done ? 0 : 1;
}
