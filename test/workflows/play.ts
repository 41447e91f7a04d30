import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import type { TestDatabase } from '../support/postgres.ts';
import {
  type ApprovalInput,
  type ExecuteInput,
  type GatewayActivities,
  names,
  replicaQueue,
  workflowIdOf,
} from '../../workflows/contract.ts';
import type { Seen } from './promises.ts';
import { people, quorumOf, type Scenario, type Step, type Upstream } from './scenario.ts';
import type { Workplace } from './support.ts';

/** What a player needs beside the workplace. */
export interface Stage {
  readonly place: Workplace;
  readonly db: TestDatabase;
  /** What the upstream does, by call. */
  readonly upstreams: Map<string, Upstream>;
  /** The executor's activity, called as a second delivery of the same task would. */
  readonly execute: GatewayActivities['executeHeldCall'];
  /** Ends the rows whose workflow was terminated. */
  readonly reconcile: () => Promise<void>;
}

/** Notes every state a row goes through, in the database itself. */
export const stateLog = `
  create table state_log (at bigint generated always as identity, call_id text not null, state text not null,
    frozen boolean not null);
  create function log_state() returns trigger language plpgsql as $$
  begin
    insert into state_log (call_id, state, frozen) select new.call_id, new.state, frozen from kill_switch;
    return null;
  end $$;
  create trigger log_inserted after insert on held_calls for each row execute function log_state();
  create trigger log_changed after update on held_calls for each row
    when (old.state is distinct from new.state) execute function log_state();`;

/** Plays a scenario to its end and tells what was seen. */
export async function play(stage: Stage, scenario: Scenario): Promise<Seen> {
  const { place, db } = stage;
  const quorum = quorumOf(scenario);
  const input = await prepare(
    place,
    {
      approverGroups: quorum.kind === 'together' ? ['dba'] : ['dba', 'leads'],
      approvalsNeeded: quorum.kind === 'together' ? quorum.approvals : 2,
      terms: {
        quorum,
        remindersMs: [100],
        escalation:
          scenario.escalatesAfterMs === null || quorum.kind !== 'together'
            ? []
            : [{ afterMs: scenario.escalatesAfterMs, groups: ['leads'] }],
        extension: scenario.extensions === 0 ? null : { byMs: 400, times: scenario.extensions },
        onSlackOutage: 'continue',
      },
      onDisconnect: scenario.onDisconnect,
      holderQueue: scenario.holder === null ? null : replicaQueue(scenario.holder),
      requesterKeys: people.requester.keys,
      graceMs: 1500,
    },
    scenario.ttlMs,
  );
  stage.upstreams.set(input.callId, scenario.upstream);
  // A call whose opening was given up could be voted on for a moment and still end otherwise: none of these is here.
  await place.approvals.open(input, { deadlineMs: 120_000 });
  const answers: Seen['answers'][number][] = [];
  let forgeriesAccepted = 0;
  for (const moment of scenario.moments)
    await Promise.all(
      moment.map(async (step) => {
        if (step.do === 'vote') answers.push(await vote(place, input, step));
        else if (step.do === 'extend') await extend(place, input, step);
        else if (step.do === 'forge') forgeriesAccepted += await forge(place, input, step.how);
        else await happen(stage, input, step);
      }),
    );
  await end(stage, input);
  const { rows } = await db.pool.query<{ state: string; frozen: boolean }>(
    'select state, frozen from state_log where call_id = $1 order by at',
    [input.callId],
  );
  const row = await db.pool.query<{
    decisions: Seen['votes'];
    sealed: boolean;
    escalated: number;
    extended: number;
    inBounds: boolean;
  }>(
    `select decisions, escalated, jsonb_array_length(extensions) as extended,
       base_expires_at <= latest_expires_at as "inBounds", exists (select from held_call_requests r where r.call_id = c.call_id) as sealed
     from held_calls c where call_id = $1`,
    [input.callId],
  );
  return {
    scenario,
    answers,
    forgeriesAccepted,
    timesSent: place.sent.filter((id) => id === input.callId).length,
    states: rows.map(({ state }) => state),
    claimedWhileFrozen: rows.some(({ state, frozen }) => state === 'executing' && frozen),
    escalated: (row.rows[0]?.escalated ?? 0) > 0,
    extended: row.rows[0]?.inBounds === false ? Number.POSITIVE_INFINITY : (row.rows[0]?.extended ?? 0),
    votes: row.rows[0]?.decisions ?? [],
    sealedRequestLeft: row.rows[0]?.sealed ?? true,
  };
}

/** While everything is frozen, nobody is asked about a new call: it is tried again, as its client would. */
async function prepare(
  place: Workplace,
  change: Partial<ApprovalInput>,
  ttlMs: number,
): Promise<ApprovalInput> {
  for (;;) {
    try {
      return await place.prepare({ ...change, expiresAtMs: Date.now() + ttlMs });
    } catch (error) {
      if (!String(error).includes('frozen')) throw error;
      await sleep(100);
    }
  }
}

async function extend(
  place: Workplace,
  input: ApprovalInput,
  { who, click }: Extract<Step, { do: 'extend' }>,
): Promise<void> {
  const { keys, name, groups } = people[who];
  const { callId, digest } = input;
  await place.approvals
    .extend({
      workflowId: workflowIdOf(input),
      callId,
      digest,
      updateId: `extend:${who}:${click}`,
      person: { keys, name },
      groups: [...groups],
      via: 'test',
    })
    .catch(() => null); // No answer: it may or may not have counted.
}

async function vote(
  place: Workplace,
  input: ApprovalInput,
  { who, decision, click }: Extract<Step, { do: 'vote' }>,
): Promise<Seen['answers'][number]> {
  const { keys, name, groups } = people[who];
  const updateId = `${who}:${click}:${decision}`;
  const answer = await place
    .vote(input, { keys, name }, decision, { groups: [...groups], updateId })
    .catch(() => null); // No answer: it may or may not have counted.
  return { who, click, decision, answer };
}

async function forge(
  place: Workplace,
  input: ApprovalInput,
  how: 'key' | 'digest' | 'call' | 'junk',
): Promise<number> {
  const ann = { keys: [...people.ann.keys], name: 'Ann' };
  if (how === 'digest') {
    const answer = await place.vote(input, ann, 'approve', { digest: 'sha256:00' }).catch(() => null);
    return answer?.kind === 'counted' ? 1 : 0;
  }
  const forged = { key: 'eyJhbGciOiJub25lIn0.e30.AA', call: `${'x'.repeat(50)}.e30.AA`, junk: 'approve' }[
    how
  ];
  try {
    await place.link.client.workflow
      .getHandle(workflowIdOf(input))
      .executeUpdate(names.decide, { args: [how === 'junk' ? forged : { jws: forged }] });
    return 1;
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError || error instanceof Error) return 0;
    throw error;
  }
}

async function happen(stage: Stage, input: ApprovalInput, step: Step): Promise<void> {
  const { place } = stage;
  const workflowId = workflowIdOf(input);
  const { client } = place.link;
  if (step.do === 'wait') await sleep(step.ms);
  // What comes to a workflow that has ended, or is just being reset, fails: that is no promise's matter.
  else if (step.do === 'attach')
    await place.approvals.attached(workflowId, replicaQueue(step.queue)).catch(() => {});
  else if (step.do === 'detach')
    await place.approvals.detached(workflowId, replicaQueue(step.queue)).catch(() => {});
  else if (step.do === 'cancel') await place.approvals.cancel(workflowId, 'cancelled').catch(() => {});
  else if (step.do === 'terminate')
    await client.workflow
      .getHandle(workflowId)
      .terminate('test')
      .catch(() => {});
  else if (step.do === 'reset') await reset(stage, workflowId).catch(() => {});
  else if (step.do === 'execute') await again(stage, input);
}

/** A second delivery of the activity: only for a call that was claimed, since the model's executor checks no votes. */
async function again({ place, execute }: Stage, input: ApprovalInput): Promise<void> {
  const { state } = await place.row(input);
  if (state === 'pending') return;
  const task: ExecuteInput = { callId: input.callId, digest: input.digest, votes: [] };
  await execute(task).catch(() => {});
}

async function reset({ place }: Stage, workflowId: string): Promise<void> {
  const { events } = await place.link.client.workflow.getHandle(workflowId).fetchHistory();
  const firstTask = events?.find((event) => event.workflowTaskCompletedEventAttributes)?.eventId;
  await place.link.client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId },
    workflowTaskFinishEventId: firstTask ?? null,
    requestId: randomUUID(),
    reason: 'test',
  });
}

/** Nothing more happens to it: it is cancelled, should it still wait, and its workflow ends. */
async function end(stage: Stage, input: ApprovalInput): Promise<void> {
  const { place } = stage;
  const workflowId = workflowIdOf(input);
  const handle = place.link.client.workflow.getHandle(workflowId);
  for (let tries = 0; ; tries++) {
    const { status } = await handle.describe();
    if (status.name !== 'RUNNING') break;
    if (tries === 400) throw new Error(`${workflowId} does not end`);
    // Not before what was decided has had its chance.
    if (tries > 5) await place.approvals.cancel(workflowId, 'the end of the play').catch(() => {});
    await sleep(100);
  }
  for (let tries = 0; tries < 300; tries++) {
    const { state } = await place.row(input);
    if (state !== 'pending' && state !== 'executing') return;
    await stage.reconcile();
    // What the gateways' own sweep does with a claim whose executor is silent.
    if (state === 'executing' && tries > 20)
      await stage.db.pool.query(
        `update held_calls set state = 'unknown' where call_id = $1 and state = 'executing'`,
        [input.callId],
      );
    await sleep(100);
  }
}
