import { parseArgs } from 'node:util';
import { setTimeout } from 'node:timers/promises';
import { extensionOf, tell, tellExtended, voteOf } from '../../console/answer.ts';
import type { Identity } from '../../console/identity.ts';
import { isRequester, standingOf } from '../../console/standing.ts';
import { visibleText } from '../../console/visible.ts';
import { pendingCalls, recentCalls, type ShownCall, shownCall } from '../../db/held-calls-shown.ts';
import type { Queryable } from '../../db/pool.ts';
import type { Approvals } from '../../workflows/client.ts';
import { quorumWords } from '../../workflows/quorum.ts';

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
  holdpoint approvals approve ID [--tool NAME]    a critical request needs the name of its tool
  holdpoint approvals deny ID --reason TEXT       the agent reads the reason
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
    const [act = 'list', id, ...rest] = positionals;
    if (values.help) {
      deps.stdout(usage);
      return 0;
    }
    if (rest.length > 0) throw new UsageError(`too many arguments: ${rest.join(' ')}`);
    if (act === 'list') return await list(deps, values);
    if (!['show', 'approve', 'deny', 'extend', 'cancel'].includes(act))
      throw new UsageError(`there is no approvals ${act}`);
    if (id === undefined) throw new UsageError(`approvals ${act} needs the id of a request`);
    const call = await shownCall(deps.pool, id);
    if (!call) {
      deps.stderr(`There is no approval request ${id}. See: holdpoint approvals list --all\n`);
      return 1;
    }
    if (act === 'show') return show(deps, call, values.json);
    if (act === 'extend') return await extend(deps, call);
    if (act === 'cancel') return await cancel(deps, call, values.reason);
    return await decide(deps, call, act === 'approve' ? 'approve' : 'deny', values);
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

function summary(call: ShownCall): Record<string, unknown> {
  return {
    id: call.callId,
    state: call.state,
    connection: call.connection,
    tool: call.tool,
    subject: call.caller.subject,
    rule: call.rule,
    createdAt: call.createdAt.toISOString(),
    expiresAt: call.expiresAt.toISOString(),
  };
}

function show(deps: ApprovalsDeps, call: ShownCall, json: boolean): number {
  if (json) {
    const {
      approvers,
      approvalsNeeded,
      votes,
      shownArgs,
      risk,
      reason,
      digest,
      policyVersion,
      endedBecause,
    } = call;
    const facts = {
      argumentsJson: shownArgs,
      intent: call.intent,
      risk,
      reason,
      digest,
      policyVersion,
      endedBecause,
    };
    const decisions = votes.map(({ person, decision, reason: why, via, atMs }) => ({
      name: person.name,
      decision,
      reason: why,
      via,
      at: new Date(atMs).toISOString(),
    }));
    deps.stdout(
      `${JSON.stringify({ ...summary(call), ...facts, approvers: approvers.map((group) => group.name), approvalsNeeded, decisions }, null, 2)}\n`,
    );
    return 0;
  }
  const lines: (readonly [string, string])[] = [
    ['For', `${call.caller.subject} (${call.caller.key})`],
    ['By', call.caller.client ?? 'a client that gave no name'],
    ['Call', `${call.method} ${call.tool} on ${call.connection}`],
    ['Arguments', call.shownArgs],
    ...(call.intent === null
      ? []
      : [['Says', `${call.intent} (the agent's own words, not verified)`] as const]),
    ['Held by', `rule ${call.rule}${call.reason === null ? '' : `: ${call.reason}`}`],
    ['Risk', call.risk],
    [
      'Approvers',
      `${call.approvers.map((group) => group.name).join(', ')} (${quorumWords(call.quorum ?? { kind: 'together', approvals: call.approvalsNeeded })})`,
    ],
    ...call.votes.map(
      (vote) =>
        [
          'Decision',
          `${vote.decision} by ${vote.person.name} at ${new Date(vote.atMs).toISOString()}${vote.reason === null ? '' : `: ${vote.reason}`}`,
        ] as const,
    ),
    ['State', call.endedBecause === null ? call.state : `${call.state}: ${call.endedBecause}`],
    ['Expires', call.expiresAt.toISOString()],
    ['Digest', call.digest],
  ];
  deps.stdout(lines.map(([name, value]) => `${name.padEnd(10)} ${visibleText(value)}\n`).join(''));
  return 0;
}

async function decide(
  deps: ApprovalsDeps,
  call: ShownCall,
  decision: 'approve' | 'deny',
  options: Options,
): Promise<number> {
  const reason = options.reason?.trim() ?? '';
  if (decision === 'deny' && reason === '')
    throw new UsageError('approvals deny needs --reason TEXT: the agent reads it');
  if (decision === 'approve' && call.risk === 'critical' && options.tool !== call.tool)
    throw new UsageError(`this call is critical: approve it with --tool and the exact name of its tool`);
  const identity = await proven(deps);
  if (!identity) return 1;
  const standing = standingOf(call, identity);
  if (!standing.may && call.state === 'pending') {
    deps.stderr(`Nothing was decided. ${standing.because}\n`);
    return 1;
  }
  const act = {
    decision,
    reason: reason === '' ? null : reason,
    groups: standing.may ? standing.groups : [],
  };
  const answer = await deps.approvals.decide(voteOf(call, identity, act, 'cli'));
  const { counted, text } = tell(answer, (await shownCall(deps.pool, call.callId)) ?? call);
  if (counted) deps.stdout(`Your decision counted. ${visibleText(text)}\n`);
  else deps.stderr(`Your decision did not count. ${visibleText(text)}\n`);
  return counted ? 0 : 1;
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

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
