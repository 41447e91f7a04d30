import type { Masked } from '../../masking/masked.ts';
import type { CallContext } from '../../db/held-context.ts';
import type { ShownOffer } from '../../db/held-opening.ts';
import type { Pool } from '../../db/pool.ts';
import type { ApprovalStatus, CountedVote } from '../../workflows/contract.ts';
import { createCards } from '../../activities/cards.ts';
import { type SlackSettings, startSlackApp } from '../../slack-app/app.ts';
import type { DecideAnswer, DecideRequest, ExtendRequest } from '../../workflows/client.ts';
import { createUserLookup } from '../../slack-app/emails.ts';
import { workspaceOf } from '../../slack-app/workspace.ts';
import { createSlackClient, type Log } from '../../slack-app/web-client.ts';
import { type SlackStandIn, startSlack } from '../support/slack.ts';
import { plainStatus } from '../support/plain-hold.ts';

export const consoleUrl = 'http://127.0.0.1:8471';
export const quiet: Log = { info: () => {}, warn: () => {}, error: () => {} };

let count = 0;

/** Puts a held call into the database, as the gateway would. @returns its call id */
export async function heldCall(
  pool: Pool,
  options: {
    channel?: string | null;
    people?: string[];
    groups?: string[];
    userGroup?: string | null;
    args?: string;
    needed?: number;
    caller?: { key: string; email: string | null };
    tool?: string;
    channelMembers?: boolean;
    grantOffer?: ShownOffer;
    context?: CallContext;
    /** Each call has a session of its own unless it is said: similar calls of one session share a card. */
    session?: string;
    risk?: string;
    extension?: { byMs: number; times: number };
    intent?: string;
  } = {},
): Promise<string> {
  count += 1;
  const callId = `call-${process.pid}-${count}`;
  const approvers = [
    {
      name: 'dba',
      slackChannel: options.channel === undefined ? 'C0DBA' : options.channel,
      slackUserGroup: options.userGroup ?? null,
      people: options.people ?? [],
      groups: options.groups ?? [],
      ...(options.channelMembers && { channelMembers: true }),
    },
  ];
  const caller = {
    subject: 'agent-of-carol',
    client: 'mcp:claude-code',
    actors: [],
    key: 'oidc:https://idp.example#carol',
    email: null,
    ...options.caller,
  };
  await pool.query(
    `insert into held_calls (call_id, attach_key, digest, workflow_id, connection, method, tool, session_id, caller,
       rule, reason, policy_version, approvers, approvals_needed, on_disconnect, shown_args, expires_at,
       correlation_id, grant_offer, context, risk, extension, intent)
     values ($1, decode(md5($1), 'hex'), 'sha256:' || md5($1) || md5($1), $1, 'postgres', 'tools/call', $2, $9,
       $3, 'writes', 'Writing to production needs a second pair of eyes.', 'sha256:aa', $4, $5, 'keep', $6,
       now() + interval '30 minutes', 'corr', $7, $8, $10, $11, $12)`,
    [
      callId,
      options.tool ?? 'query',
      JSON.stringify(caller),
      JSON.stringify(approvers),
      options.needed ?? 1,
      options.args ?? '{"sql":"update t set a = 1"}',
      options.grantOffer ? JSON.stringify(options.grantOffer) : null,
      options.context ? JSON.stringify(options.context) : null,
      options.session ?? `session-of-${callId}`,
      options.risk ?? 'high',
      options.extension ? JSON.stringify(options.extension) : null,
      options.intent ?? null,
    ],
  );
  return callId;
}

/** The workflow's part, as small as it can be: counts distinct people, first terminal decision wins. */
export function miniWorkflow(pool: Pool) {
  const requests: DecideRequest[] = [];
  const answers = new Map<string, DecideAnswer>();
  let away = false;
  const decide = async (request: DecideRequest): Promise<DecideAnswer> => {
    if (away) throw new Error('Temporal is away');
    requests.push(request);
    const known = answers.get(request.updateId);
    if (known) return known;
    const answer = await vote(request);
    answers.set(request.updateId, answer);
    return answer;
  };
  async function vote(request: DecideRequest): Promise<DecideAnswer> {
    const { rows } = await pool.query<{ state: string; decisions: CountedVote[]; needed: number }>(
      'select state, decisions, approvals_needed as needed from held_calls where call_id = $1',
      [request.callId],
    );
    const row = rows[0];
    if (!row) throw new Error('no such call');
    const [last] = row.decisions.slice(-1);
    if (row.state !== 'pending')
      return {
        kind: 'refused',
        code: 'AlreadyDecided',
        message: `Already decided: ${last?.person.name} chose ${last?.decision} at 10:42.`,
        status: null,
      };
    const { person, decision, reason, via } = request;
    const votes = [...row.decisions, { jws: 'x', person, decision, reason, via, atMs: Date.now() }];
    const done = decision === 'deny' || votes.length >= row.needed;
    const state = decision === 'deny' ? 'denied' : done ? 'executing' : 'pending';
    await pool.query('update held_calls set decisions = $2, state = $3 where call_id = $1', [
      request.callId,
      JSON.stringify(votes),
      state,
    ]);
    const status: ApprovalStatus = {
      outcome: done ? (decision === 'deny' ? 'denied' : 'approved') : null,
      votes,
      approvalsNeeded: row.needed,
      expiresAtMs: Date.now() + 60_000,
      ...plainStatus,
      stillNeeded: done ? '' : `${row.needed - votes.length} more approvals`,
    };
    return { kind: 'counted', status };
  }
  /** As the activity behind the workflow does: the row knows the extension when it is answered. */
  const extend = async ({ callId, person, via, updateId }: ExtendRequest): Promise<DecideAnswer> => {
    if (away) throw new Error('Temporal is away');
    const { rows } = await pool.query<{ extension: { byMs: number; times: number } | null; done: unknown[] }>(
      'select extension, extensions as done from held_calls where call_id = $1',
      [callId],
    );
    const { extension = null, done = [] } = rows[0] ?? {};
    if (!answers.has(updateId) && done.length >= (extension?.times ?? 0))
      return {
        kind: 'refused',
        code: 'NotExtendable',
        message: 'policy allows no further extension',
        status: null,
      };
    const status: ApprovalStatus = {
      outcome: null,
      votes: [],
      approvalsNeeded: 1,
      expiresAtMs: Date.now() + 60_000,
      ...plainStatus,
      stillNeeded: 'one more approval',
    };
    if (answers.has(updateId)) return { kind: 'counted', status };
    answers.set(updateId, { kind: 'counted', status });
    const one = { jws: 'x', person, byMs: extension?.byMs ?? 0, via, atMs: Date.now() };
    await pool.query('update held_calls set extensions = extensions || $2::jsonb where call_id = $1', [
      callId,
      JSON.stringify([one]),
    ]);
    return { kind: 'counted', status };
  };
  return { decide, extend, requests, setAway: (value: boolean) => void (away = value) };
}

/** A Slack with a channel, and everything of ours that talks to it. */
export async function scene(pool: Pool, mode: 'socket' | 'http' = 'socket') {
  const slack = await startSlack();
  slack.addChannel({ id: 'C0DBA', name: 'dba' });
  const client = createSlackClient({ botToken: slack.botToken, apiUrl: slack.apiUrl, log: quiet });
  const userOf = createUserLookup({ db: pool, client, workspace: workspaceOf(client) });
  const cards = createCards({ pool, client, consoleUrl, userOf });
  const workflow = miniWorkflow(pool);
  const settings = settingsFor(slack, mode);
  const acts: { act: string; details: Readonly<Record<string, string | number | null>> }[] = [];
  const deps = {
    settings,
    pool,
    client,
    consoleUrl,
    containment: {
      operators: { people: ['olga@example.com'], groups: [] },
      recordAct: async (act: string, details: (typeof acts)[number]['details']) =>
        void acts.push({ act, details }),
      cancelWorkflow: async () => {},
    },
    approvals: workflow,
    refreshCards: (callId: string) => cards.refresh(callId),
    maskText: (text: string) => text.replace(/hunter\d/g, '[masked:secret]') as Masked<string>,
    log: quiet,
  };
  const app = await startSlackApp(deps);
  if (app.url !== null) slack.deliverTo(app.url);
  return {
    slack,
    cards,
    workflow,
    app,
    client,
    deps,
    /** What was recorded of acts of containment. */
    acts,
    [Symbol.asyncDispose]: async () => {
      await app.stop();
      await slack.stop();
    },
  };
}

export function settingsFor(slack: SlackStandIn, mode: 'socket' | 'http'): SlackSettings {
  return {
    botToken: slack.botToken,
    apiUrl: slack.apiUrl,
    appToken: mode === 'socket' ? slack.appToken : null,
    signingSecret: mode === 'http' ? slack.signingSecret : null,
    listen: mode === 'http' ? { host: '127.0.0.1', port: 0 } : null,
  };
}
