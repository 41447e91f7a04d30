import assert from 'node:assert/strict';
import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { revokeGrant } from '../../db/grants.ts';
import { definitionHashOf } from '../../gateway/hold/canonical.ts';
import { grantIdOf } from '../../gateway/hold/grants.ts';
import type { Policy } from '../../policy/policy.ts';
import type { HoldVerdict } from '../../policy/verdict.ts';
import type { ApprovalInput, CountedVote } from '../../workflows/contract.ts';
import { caller, type Replica, type RequestChange, type TestApprovals } from '../gateway/hold/support.ts';
import { countedVote } from '../gateway/hold/votes.ts';
import type { TestDatabase } from '../support/postgres.ts';
import type { FurtherCall, GrantScenario, GrantStep } from './grant-scenario.ts';

/** Two gateways under the policy that offers the grant, and two that have heard of another one since. */
export interface GrantStage {
  readonly db: TestDatabase;
  readonly approvals: TestApprovals;
  readonly replicas: readonly [Replica, Replica];
  readonly changed: readonly [Replica, Replica];
  readonly policy: Policy;
}

export const offeredCalls = 3;
export const definition = '{"name":"query","description":"Runs SQL."}';
const where = ['call.args.env == "staging"', 'call.args.table == approved.args.table'];
/** The policy of the stage. @param version tells one from another */
export const grantPolicy = (version: number): string => `
default: deny
approvers: { dba: { people: [ann@example.com, ben@example.com] } }
rules:
  - name: writes
    match: { connection: db, tool: query }
    then: hold
    reason: Version ${version}.
    approvers: [dba]
    grants: { calls: ${offeredCalls}, for: 30m, where: ['${where.join(`', '`)}'] }
`;

/** What was seen of one further call. */
export interface SeenCall {
  readonly call: FurtherCall;
  readonly n: number;
  /** Whether it ran without anybody being asked. */
  readonly ranByItself: boolean;
  /** How many other steps happened in the same moment. */
  readonly beside: readonly GrantStep[];
  /** When it was made and answered, after the votes were cast, in ms. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly timesSent: number;
  /** Of the requests that were made with these arguments; repeating what has its answer makes another. */
  readonly states: readonly string[];
}

/** What was seen of one scenario. */
export interface GrantSeen {
  readonly scenario: GrantScenario;
  readonly calls: readonly SeenCall[];
  /** The grant's row; null when none was given. */
  readonly grant: { readonly used: number; readonly calls: number; readonly uses: readonly number[] } | null;
  /** Uses that came after the grant was revoked or over, by the database's clock. */
  readonly lateUses: number;
  readonly approvedCallSent: number;
}

/** Plays a scenario to its end and tells what was seen. */
export async function playGrant(stage: GrantStage, scenario: GrantScenario): Promise<GrantSeen> {
  const player = new Player(stage, scenario);
  await player.approve();
  for (const moment of scenario.moments) await Promise.all(moment.map((step) => player.take(step, moment)));
  return player.end();
}

class Player {
  readonly #stage: GrantStage;
  readonly #scenario: GrantScenario;
  readonly #key = `local:${randomUUID()}`;
  readonly #session = randomUUID();
  readonly #seen: Omit<SeenCall, 'timesSent' | 'states'>[] = [];
  readonly #waiting: Promise<unknown>[] = [];
  #approved: ApprovalInput | null = null;
  #votes: readonly CountedVote[] = [];
  #castAtMs = 0;
  #last: FurtherCall | null = null;
  #made = 0;

  constructor(stage: GrantStage, scenario: GrantScenario) {
    this.#stage = stage;
    this.#scenario = scenario;
  }

  /** Somebody approves a first call, and further ones with it. */
  async approve(): Promise<void> {
    const { replicas, approvals } = this.#stage;
    const { calls, forMs, voters } = this.#scenario;
    const request = replicas[0].request(this.#change(plain, 0));
    this.#waiting.push(replicas[0].hold.hold(request).catch(() => {}));
    const input = await openedFor(approvals, request.correlationId);
    const { callId, digest } = input;
    this.#castAtMs = Date.now();
    const grant = { calls, untilMs: this.#castAtMs + forMs, sessionId: this.#session, where };
    const vote = (
      person: { keys: string[]; name: string },
      decision: 'approve' | 'deny' = 'approve',
    ): CountedVote =>
      countedVote({ callId, digest, person, decision, ...(decision === 'approve' && { grant }) });
    const ann = { keys: ['oidc:https://idp#ann'], name: 'Ann' };
    this.#votes =
      voters === 'the requester'
        ? [vote({ keys: [this.#key], name: 'Requester' })]
        : voters === 'one'
          ? [vote(ann)]
          : [vote(ann), vote({ keys: ['oidc:https://idp#ben'], name: 'Ben' }, 'deny')];
    this.#approved = input;
    await replicas[0].execute({ callId, digest, votes: [...this.#votes] });
  }

  async take(step: GrantStep, moment: readonly GrantStep[]): Promise<void> {
    const { db, replicas, approvals } = this.#stage;
    const approved = this.#approved as ApprovalInput;
    const { callId, digest } = approved;
    switch (step.do) {
      case 'call':
        this.#last = step;
        return this.#call(step, (this.#made += 1), moment);
      case 'repeat':
        if (this.#last) await this.#call(this.#last, this.#made, [...moment, step]);
        return;
      case 'redeliver':
        await replicas[1].execute({ callId, digest, votes: [...this.#votes] }).catch(() => {});
        return;
      case 'replay':
        for (const input of approvals.opened.filter((one) => one.requesterKeys.includes(this.#key)))
          if (input.callId !== callId)
            await replicas[0]
              .execute({ callId: input.callId, digest: input.digest, votes: [...this.#votes] })
              .catch(() => {});
        return;
      case 'revoke':
        await revokeGrant(db.pool, grantIdOf(callId), { person: { keys: ['x'], name: 'Ben' }, via: 'test' });
        return;
      default:
        await sleep(step.ms);
    }
  }

  async #call(call: FurtherCall, n: number, moment: readonly GrantStep[]): Promise<void> {
    const { replicas, changed, approvals } = this.#stage;
    const replica = (call.policy === 0 ? replicas : changed)[call.replica];
    const request = replica.request(this.#change(call, n));
    const fromMs = Date.now() - this.#castAtMs;
    const holding = replica.hold.hold(request);
    this.#waiting.push(holding.catch(() => {}));
    const ranByItself = await Promise.race([
      holding.then(() => request.stream.responses.length > 0),
      openedFor(approvals, request.correlationId).then(() => false),
      attached(replica, request.correlationId).then(() => false),
    ]);
    this.#seen.push({
      call,
      n,
      ranByItself,
      beside: moment.filter((other) => other !== call),
      fromMs,
      untilMs: Date.now() - this.#castAtMs,
    });
  }

  #change(call: FurtherCall, n: number): RequestChange {
    const { policy, changed } = this.#stage;
    // 1: looked at under the new policy; 2: under the old one, and claimed under the new one.
    const under = call.policy === 1 ? changed[0].deps.policy() : policy;
    const rule = under.rules[0]?.ending as Extract<HoldVerdict, { kind: 'hold' }>;
    const args = {
      env: call.env === 0 ? 'staging' : 'production',
      table: call.table === 0 ? 'orders' : 'customers',
      n: `${this.#session}/${n}`,
      lost: call.lost === 1,
    };
    return {
      args: JSON.stringify(args),
      idJson: String(randomInt(2 ** 47)),
      sessionId: call.session === 0 ? this.#session : `${this.#session}-other`,
      caller: { ...caller, key: call.caller === 0 ? this.#key : `${this.#key}-other` },
      definitionHash: definitionHashOf(call.definition === 0 ? definition : '{"name":"query"}'),
      verdict: {
        policyVersion: under.version,
        offers: rule.offers,
        approvalsNeeded: 1,
        quorum: { kind: 'together', approvals: 1 },
      },
    };
  }

  async end(): Promise<GrantSeen> {
    const { db } = this.#stage;
    const { callId } = this.#approved as ApprovalInput;
    // Who still waits goes: nothing that was not approved runs for it.
    await db.pool.query(
      `update held_calls set state = 'cancelled' where state = 'pending' and caller ->> 'key' in ($1, $1 || '-other')`,
      [this.#key],
    );
    await Promise.all(this.#waiting);
    const { rows } = await db.pool.query<{ n: string; state: string }>(
      `select shown_args::jsonb ->> 'n' as n, state from held_calls where caller ->> 'key' in ($1, $1 || '-other')
       order by created_at desc`,
      [this.#key],
    );
    const grant = await db.pool.query<{ used: number; calls: number; uses: number[]; late: number }>(
      `select g.used, g.calls, array(select number from approval_grant_uses u where u.grant_id = g.grant_id order by 1) as uses,
         (select count(*)::int from approval_grant_uses u where u.grant_id = g.grant_id
            and (u.used_at > g.expires_at or u.used_at > g.revoked_at)) as late
       from approval_grants g where g.call_id = $1`,
      [callId],
    );
    const [row] = grant.rows;
    return {
      scenario: this.#scenario,
      calls: this.#seen.map((seen) => ({
        ...seen,
        timesSent: this.#sent(seen.n),
        states: rows.filter(({ n }) => n === `${this.#session}/${seen.n}`).map(({ state }) => state),
      })),
      grant: row ? { used: row.used, calls: row.calls, uses: row.uses } : null,
      lateUses: row?.late ?? 0,
      approvedCallSent: this.#sent(0),
    };
  }

  #sent(n: number): number {
    const { replicas, changed } = this.#stage;
    const mark = `"${this.#session}/${n}"`;
    return [...replicas, ...changed]
      .flatMap(({ upstream }) => upstream.calls())
      .filter((json) => json.includes(mark)).length;
  }
}

const plain: FurtherCall = {
  do: 'call',
  session: 0,
  caller: 0,
  env: 0,
  table: 0,
  definition: 0,
  policy: 0,
  replica: 0,
  lost: 0,
};

/** Looks, 5 ms apart: an outcome that is just being handed over holds the next request up for half a minute. */
const patience = 12_000;

/** People are asked about the request. */
async function openedFor({ opened }: TestApprovals, correlationId: string): Promise<ApprovalInput> {
  for (let tries = 0; tries < patience; tries += 1) {
    const input = opened.findLast((one) => one.correlationId === correlationId);
    if (input) return input;
    await sleep(5);
  }
  return assert.fail(`nobody was asked about ${correlationId}`);
}

/** It waits for a request that is open already. */
async function attached({ log }: Replica, correlationId: string): Promise<void> {
  let read = log.length;
  for (let tries = 0; tries < patience; tries += 1) {
    const fresh = log.slice(read);
    read = log.length;
    if (fresh.some((line) => line.includes(`"${correlationId}"`) && line.includes('"how":"attached"')))
      return;
    await sleep(5);
  }
}
