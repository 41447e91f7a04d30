import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import type { Page } from 'playwright-core';
import { createRecordAct } from '../../console/acts.ts';
import type { ConsoleDeps, LoginSettings, Recordings } from '../../console/deps.ts';
import type { Masked } from '../../masking/masked.ts';
import { type RunningConsole, startConsole } from '../../console/server.ts';
import type { CallContext } from '../../db/held-context.ts';
import type { Pool } from '../../db/pool.ts';
import { createRecordReader } from '../../db/records-read.ts';
import type { Masker } from '../../masking/engine.ts';
import type { Recorder } from '../../recording/event.ts';
import type { Approvals, DecideAnswer, DecideRequest } from '../../workflows/client.ts';
import type { CountedVote } from '../../workflows/contract.ts';
import { keyRing } from '../recording/support.ts';
import { plainStatus } from '../support/plain-hold.ts';

/** A console that is listening, with a browser-like client. */
export interface TestConsole extends AsyncDisposable {
  readonly running: RunningConsole;
  readonly address: string;
  readonly acts: DecideRequest[];
}

export const credential = 'a-credential-that-only-the-owner-of-the-data-directory-can-read';

/** Decides in the database alone: what the workflow and its activities would have written. */
export function decideInDatabase(
  pool: Pool,
  acts: DecideRequest[],
): Pick<Approvals, 'decide' | 'extend' | 'cancel'> {
  const decide = async (act: DecideRequest): Promise<DecideAnswer> => {
    acts.push(act);
    const { rows } = await pool.query<{
      state: string;
      decisions: CountedVote[];
      approvals_needed: number;
      expires_at: Date;
    }>('select state, decisions, approvals_needed, expires_at from held_calls where call_id = $1', [
      act.callId,
    ]);
    const [row] = rows;
    if (!row) return { kind: 'ended' };
    const facts = {
      approvalsNeeded: row.approvals_needed,
      expiresAtMs: row.expires_at.getTime(),
      ...plainStatus,
    };
    const former = row.decisions.at(-1);
    if (row.state !== 'pending')
      return {
        kind: 'refused',
        code: 'AlreadyDecided',
        message: `${former?.person.name ?? 'Nobody'} has decided at ${new Date(former?.atMs ?? 0).toISOString()}.`,
        status: { outcome: row.state === 'denied' ? 'denied' : 'approved', votes: row.decisions, ...facts },
      };
    const { person, decision, reason, via } = act;
    const votes = [...row.decisions, { jws: 'x', person, decision, reason, via, atMs: Date.now() }];
    const outcome = decision === 'deny' ? 'denied' : votes.length >= row.approvals_needed ? 'approved' : null;
    await pool.query(
      `update held_calls set decisions = $2, state = $3, decided_at = now(),
         ended_at = case when $3 in ('denied', 'succeeded') then now() end where call_id = $1`,
      [
        act.callId,
        JSON.stringify(votes),
        outcome === null ? 'pending' : outcome === 'denied' ? 'denied' : 'succeeded',
      ],
    );
    const missing = row.approvals_needed - votes.length;
    const stillNeeded = missing > 0 ? `${missing} more approvals` : '';
    return { kind: 'counted', status: { outcome, votes, ...facts, stillNeeded } };
  };
  return {
    decide,
    extend: async () => ({ kind: 'ended' }),
    cancel: async (workflowId) => {
      await pool.query(`update held_calls set state = 'cancelled', ended_at = now() where workflow_id = $1`, [
        workflowId,
      ]);
    },
  };
}

export async function testConsole(pool: Pool, more: Partial<ConsoleDeps> = {}): Promise<TestConsole> {
  const acts: DecideRequest[] = [];
  const login: LoginSettings = { mode: 'local', credential };
  const running = await startConsole({
    listen: { host: '127.0.0.1', port: 0 },
    publicUrl: 'http://127.0.0.1:0',
    pool,
    maskText: (text) => text as Masked<string>,
    approvals: decideInDatabase(pool, acts),
    login,
    log: pino({ level: process.env['CONSOLE_TEST_LOG'] ?? 'silent' }),
    ...more,
  });
  return { running, address: running.address, acts, [Symbol.asyncDispose]: () => running.stop() };
}

/** Puts a held call into the database; every member may be set. */
export async function holdCall(pool: Pool, call: Partial<HeldFacts> = {}): Promise<string> {
  const id = call.callId ?? `call_${randomBytes(6).toString('hex')}`;
  const facts = { ...defaults, ...call };
  await pool.query(
    `insert into held_calls (call_id, attach_key, digest, workflow_id, connection, method, tool, session_id, caller, rule,
       reason, risk, policy_version, approvers, approvals_needed, on_disconnect, shown_args, expires_at, correlation_id, context, intent)
     values ($1, $2, $3, $4, $5, 'tools/call', $6, $15, $7, $8, $9, $10, 'sha256:0a', $11, $12, 'keep', $13,
       now() + $14 * interval '1 second', 'c', $16, $17)`,
    [
      id,
      randomBytes(16),
      `sha256:${randomBytes(32).toString('hex')}`,
      `approval/${facts.connection}/${id}`,
      facts.connection,
      facts.tool,
      JSON.stringify(caller(facts)),
      facts.rule,
      facts.reason,
      facts.risk,
      JSON.stringify([
        {
          name: 'dba',
          slackChannel: null,
          slackUserGroup: facts.slackUserGroup ?? null,
          people: facts.people,
          groups: facts.groups,
        },
      ]),
      facts.approvalsNeeded,
      facts.shownArgs,
      facts.seconds,
      facts.sessionId ?? `session-of-${id}`,
      facts.context ? JSON.stringify(facts.context) : null,
      facts.intent ?? null,
    ],
  );
  return id;
}

export interface HeldFacts {
  /** A session of its own when left out: similar calls of one session stand together. */
  sessionId?: string;
  context?: CallContext;
  intent?: string;
  slackUserGroup?: string;
  callId: string;
  connection: string;
  tool: string;
  subject: string;
  callerKey: string;
  client: string | null;
  rule: string;
  reason: string | null;
  risk: string;
  people: string[];
  groups: string[];
  approvalsNeeded: number;
  shownArgs: string;
  seconds: number;
}

const defaults: Omit<HeldFacts, 'callId'> = {
  connection: 'postgres',
  tool: 'query',
  subject: 'local-agent',
  callerKey: 'local:agent',
  client: 'mcp:claude-code',
  rule: 'writes',
  reason: 'Writing needs a second pair of eyes.',
  risk: 'high',
  people: ['alice@example.com'],
  groups: ['dba'],
  approvalsNeeded: 1,
  shownArgs: '{"sql":"update accounts set plan = \'pro\'\\nwhere id = 12345678901234567890;","limit":1e3}',
  seconds: 1800,
};

function caller(facts: Omit<HeldFacts, 'callId'>): object {
  return {
    key: facts.callerKey,
    subject: facts.subject,
    issuer: null,
    email: null,
    name: null,
    groups: [],
    actors: [],
    client: facts.client,
    credentialId: null,
    claims: {},
  };
}

/** A client with a cookie jar, as a browser without scripts would be. */
export interface Visitor {
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  post(path: string, form: Record<string, string>, headers?: Record<string, string>): Promise<Response>;
  readonly cookies: Map<string, string>;
}

export function visitor(address: string): Visitor {
  const cookies = new Map<string, string>();
  const send = async (path: string, init: RequestInit): Promise<Response> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(new URL(path, address), {
      redirect: 'manual',
      ...init,
      headers: { ...(cookie && { cookie }), ...(init.headers as Record<string, string>) },
    });
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    return answer;
  };
  return {
    cookies,
    get: (path, headers = {}) => send(path, { headers }),
    post: (path, form, headers = {}) =>
      send(path, {
        method: 'POST',
        body: new URLSearchParams(form),
        headers: { origin: new URL(address).origin, ...headers },
      }),
  };
}

/** Signs in with the credential. */
export async function signedIn(address: string): Promise<Visitor> {
  const person = visitor(address);
  const answer = await person.post('/login', { credential });
  if (answer.status !== 303) throw new Error(`signing in failed: ${answer.status} ${await answer.text()}`);
  return person;
}

/** The hidden fields of the decision form on a page. */
export function fieldsOf(page: string): { csrf: string; digest: string } {
  const value = (name: string): string => new RegExp(`name="${name}" value="([^"]*)"`).exec(page)?.[1] ?? '';
  return { csrf: value('csrf'), digest: value('digest') };
}

/** Signs a browser in as the person who has the data directory. */
export async function signInTo(page: Page, link: string | null): Promise<void> {
  await page.goto(link ?? '');
  await page.getByRole('button', { name: 'Sign in as local-approver' }).click();
  await page.getByRole('heading', { name: 'Approvals' }).waitFor();
}

/** Lets everything through: the console's own words hold no secrets in these tests. */
const asIs = (text: string) => ({ text: text as Masked<string>, findings: [] });
const later = async (text: string) => asIs(text);
const masker: Masker = {
  message: asIs,
  json: asIs,
  text: asIs,
  later: { message: later, json: later, text: later },
  requests: 'as-sent',
};

/** Recordings in the database, and acts recorded by one recorder. */
export function recordingsOf(pool: Pool, recorder: Recorder): Recordings {
  return { reader: createRecordReader(pool), keyRing, recordAct: createRecordAct({ recorder, masker }) };
}
