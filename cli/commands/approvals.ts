import { parseArgs } from 'node:util';
import { setTimeout } from 'node:timers/promises';
import { extensionOf, tell, tellExtended, voteOf } from '../../console/answer.ts';
import { saidOf } from '../../console/choice.ts';
import type { Identity } from '../../console/identity.ts';
import { freezeWords } from '../../console/kill-switch.ts';
import { isRequester, standingOf } from '../../console/standing.ts';
import { visibleText } from '../../console/visible.ts';
import { pendingCalls, recentCalls, type ShownCall, shownCall } from '../../db/held-calls-shown.ts';
import { show, summary, table } from './shown-approval.ts';
import type { Queryable } from '../../db/pool.ts';
import type { Approvals } from '../../workflows/client.ts';

/** What the command needs. */
export interface ApprovalsDeps {
  readonly pool: Queryable;
  readonly approvals: Pick<Approvals, 'decide' | 'extend' | 'cancel'>;
  /**
   * Who is at the command line, proven anew: by the data directory's credential, or by an ID token in
   * `HOLDPOINT_ID_TOKEN`. Throws, saying how to prove it, when nobody is.
   */
  readonly identity: () => Promise<Identity>;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

export const usage = `Usage:
  holdpoint approvals list [--all] [--json]       requests that wait, soonest expiry first (--all: ended ones too)
  holdpoint approvals show ID [--json]            one request with its exact arguments
  holdpoint approvals approve ID… [--tool NAME]   a critical request needs the name of its tool
      [--calls N --minutes M]                     and further calls like it, within what policy offers (one ID)
  holdpoint approvals deny ID… --reason TEXT [--bounds TEXT]
                                                  the agent reads the reason, and within what it would be fine
  holdpoint approvals extend ID                   gives everybody more time, where policy allows
  holdpoint approvals cancel ID [--reason TEXT]   withdraws a request that waits

Exit codes: 0 done, 1 failed or refused, 2 wrong usage.
`;

const listLimit = 500;
const cancelWaitMs = 10_000;

class UsageError extends Error {}

/** Runs `holdpoint approvals …`. @returns the exit code */
export async function run(argv: readonly string[], deps: ApprovalsDeps): Promise<number> {
  try {
    const { values, positionals } = parse(argv);
    const [act = 'list', ...ids] = positionals;
    const [id, ...rest] = ids;
    if (values.help) {
      deps.stdout(usage);
      return 0;
    }
    const decides = act === 'approve' || act === 'deny';
    if (rest.length > 0 && !decides) throw new UsageError(`too many arguments: ${rest.join(' ')}`);
    const frozen = await freezeWords(deps.pool);
    if (frozen !== null) deps.stderr(`${visibleText(frozen)}\n`);
    if (act === 'list') return await list(deps, values);
    if (!['show', 'approve', 'deny', 'extend', 'cancel'].includes(act))
      throw new UsageError(`there is no approvals ${act}`);
    if (id === undefined) throw new UsageError(`approvals ${act} needs the id of a request`);
    if (decides) return await decideAll(deps, [...new Set(ids)], act, values);
    const call = await known(deps, id);
    if (!call) return 1;
    if (act === 'show') return show(deps, call, values.json);
    if (act === 'extend') return await extend(deps, call);
    return await cancel(deps, call, values.reason);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    deps.stderr(`${error.message}\n\n${usage}`);
    return 2;
  }
}

interface Options {
  json: boolean;
  all: boolean;
  help: boolean;
  reason: string | undefined;
  tool: string | undefined;
  bounds: string;
  calls: string;
  minutes: string;
}

function parse(argv: readonly string[]): { values: Options; positionals: string[] } {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        all: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        reason: { type: 'string' },
        tool: { type: 'string' },
        bounds: { type: 'string', default: '' },
        calls: { type: 'string', default: '' },
        minutes: { type: 'string', default: '5' },
      },
    });
    return { values: { ...values, reason: values.reason, tool: values.tool }, positionals };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function list(deps: ApprovalsDeps, { all, json }: Options): Promise<number> {
  const calls = [
    ...(await pendingCalls(deps.pool, listLimit)),
    ...(all ? await recentCalls(deps.pool, {}, listLimit) : []),
  ];
  if (json) {
    deps.stdout(`${JSON.stringify(calls.map(summary), null, 2)}\n`);
    return 0;
  }
  if (calls.length === 0) {
    deps.stdout(all ? 'No call has been held yet.\n' : 'Nothing waits for a decision.\n');
    return 0;
  }
  const rows = calls.map((call) => [
    call.callId,
    call.state,
    `${visibleText(call.tool)} on ${visibleText(call.connection)}`,
    visibleText(call.caller.subject),
    visibleText(call.rule),
    call.expiresAt.toISOString(),
  ]);
  deps.stdout(table([['ID', 'STATE', 'CALL', 'FOR', 'RULE', 'EXPIRES'], ...rows]));
  return 0;
}

async function known(deps: ApprovalsDeps, id: string): Promise<ShownCall | null> {
  const call = await shownCall(deps.pool, id);
  if (!call) deps.stderr(`There is no approval request ${id}. See: holdpoint approvals list --all\n`);
  return call;
}

/**
 * Decides on each of the named requests by a vote of its own. What can be seen to be wrong with any of them is said
 * before anything is decided on one.
 */
async function decideAll(
  deps: ApprovalsDeps,
  ids: readonly string[],
  decision: 'approve' | 'deny',
  options: Options,
): Promise<number> {
  const reason = options.reason?.trim() ?? '';
  if (decision === 'deny' && reason === '')
    throw new UsageError('approvals deny needs --reason TEXT: the agent reads it');
  if (ids.length > 1 && options.calls !== '')
    throw new UsageError('--calls goes with one ID: further calls are allowed with one request at a time');
  const acts: Decided[] = [];
  for (const id of ids) {
    const call = await known(deps, id);
    if (!call) return 1;
    if (decision === 'approve' && call.risk === 'critical' && options.tool !== call.tool)
      throw new UsageError(`${id} is critical: approve it with --tool and the exact name of its tool`);
    const said = saidOf(call, decision, options);
    if (typeof said === 'string') throw new UsageError(said);
    acts.push({ call, said: { decision, reason: reason === '' ? null : reason, ...said } });
  }
  const identity = await proven(deps);
  if (!identity) return 1;
  let counted = 0;
  for (const act of acts) if (await decide(deps, identity, act, ids.length > 1)) counted += 1;
  return counted === acts.length ? 0 : 1;
}

interface Decided {
  readonly call: ShownCall;
  readonly said: Omit<Parameters<typeof voteOf>[2], 'groups'>;
}

async function decide(
  deps: ApprovalsDeps,
  identity: Identity,
  { call, said }: Decided,
  several: boolean,
): Promise<boolean> {
  const which = several ? `${call.callId}: ` : '';
  const standing = standingOf(call, identity);
  if (!standing.may && call.state === 'pending') {
    deps.stderr(`${which}Nothing was decided. ${standing.because}\n`);
    return false;
  }
  const groups = standing.may ? standing.groups : [];
  const answer = await deps.approvals.decide(voteOf(call, identity, { ...said, groups }, 'cli'));
  const { counted, text } = tell(answer, (await shownCall(deps.pool, call.callId)) ?? call);
  if (counted) deps.stdout(`${which}Your decision counted. ${visibleText(text)}\n`);
  else deps.stderr(`${which}Your decision did not count. ${visibleText(text)}\n`);
  return counted;
}

async function extend(deps: ApprovalsDeps, call: ShownCall): Promise<number> {
  const identity = await proven(deps);
  if (!identity) return 1;
  const standing = standingOf(call, identity);
  if (!standing.may && call.state === 'pending') {
    deps.stderr(`Nothing was extended. ${standing.because}\n`);
    return 1;
  }
  const groups = standing.may ? standing.groups : [];
  const answer = await deps.approvals.extend(extensionOf(call, identity, groups, 'cli'));
  const { counted, text } = tellExtended(answer, (await shownCall(deps.pool, call.callId)) ?? call);
  (counted ? deps.stdout : deps.stderr)(`${visibleText(text)}\n`);
  return counted ? 0 : 1;
}

async function proven(deps: ApprovalsDeps): Promise<Identity | null> {
  try {
    return await deps.identity();
  } catch (error) {
    deps.stderr(`Nothing was done: ${error instanceof Error ? error.message : String(error)}\n`);
    return null;
  }
}

async function cancel(deps: ApprovalsDeps, call: ShownCall, reason: string | undefined): Promise<number> {
  const identity = await proven(deps);
  if (!identity) return 1;
  const standing = standingOf(call, identity);
  const own = isRequester(call, identity.person.keys);
  if (!standing.may && !own && call.votes.length === 0) {
    deps.stderr(`Nothing was done. ${standing.because}\n`);
    return 1;
  }
  if (call.state === 'pending') {
    await deps.approvals.cancel(
      call.workflowId,
      `${identity.person.name} withdrew it${reason ? `: ${reason}` : ''}`,
    );
    const after = await settled(deps, call.callId);
    if (after === 'cancelled') {
      deps.stdout('Cancelled.\n');
      return 0;
    }
    deps.stderr(
      after === 'pending' ? 'Asked to cancel, but it has not happened yet.\n' : `Not cancelled: ${after}.\n`,
    );
    return 1;
  }
  deps.stderr(`Nothing to cancel: the request is ${call.state}.\n`);
  return 1;
}

async function settled(deps: ApprovalsDeps, callId: string): Promise<string> {
  for (let waitedMs = 0; ; waitedMs += 100) {
    const state = (await shownCall(deps.pool, callId))?.state ?? 'gone';
    if (state !== 'pending' || waitedMs >= cancelWaitMs) return state;
    await setTimeout(100);
  }
}
