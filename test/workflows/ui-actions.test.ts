// What can be done to a held call in Temporal's own UI, in each phase of the call: docs/runbook.md names each of them.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { endWorkflowless } from '../../db/held-deciding.ts';
import { lostWorkflows } from '../../workflows/client.ts';
import { type ApprovalInput, names, replicaQueue, workflowIdOf } from '../../workflows/contract.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { startTestTemporal } from '../support/temporal.ts';
import { ann, type Workplace, workplace } from './support.ts';

let db: TestDatabase;
let temporal: Awaited<ReturnType<typeof startTestTemporal>>;
let place: Workplace;
const running = new Map<string, PromiseWithResolvers<void>>();

before(async () => {
  [db, temporal] = await Promise.all([testDatabase(), startTestTemporal()]);
  place = await workplace(temporal.address, db);
  await place.startWorker();
  for (const queue of [undefined, replicaQueue('home')])
    await place.startExecutor(queue, async (callId) => running.get(callId)?.promise);
});
after(async () => {
  await place.close();
  await temporal.stop();
  await db[Symbol.asyncDispose]();
});

const handleOf = (call: ApprovalInput) => place.link.client.workflow.getHandle(workflowIdOf(call));
const signal = (name: string, argument: object) => async (call: ApprovalInput) =>
  handleOf(call).signal(name, argument);
const forged = (name: string) => async (call: ApprovalInput) => {
  for (const argument of [{ jws: 'eyJhbGciOiJub25lIn0.e30.AA' }, { jws: '' }, 'approve', {}])
    await assert.rejects(
      handleOf(call).executeUpdate(name, { args: [argument] }),
      (error) => error instanceof WorkflowUpdateFailedError || error instanceof Error,
    );
};

/** What the UI offers, as the runbook names it. */
const actions: Readonly<Record<string, (call: ApprovalInput) => Promise<unknown>>> = {
  'Request Cancellation': async (call) => handleOf(call).cancel(),
  Terminate: async (call) => handleOf(call).terminate('an operator pressed the button'),
  Reset: reset,
  'Send an Update `decide`': forged(names.decide),
  'Send an Update `extend`': forged(names.extend),
  'Send a Signal `attached`': signal(names.attached, { queue: replicaQueue('home') }),
  'Send a Signal `detached`': signal(names.detached, { queue: replicaQueue('home') }),
  'Send a Signal `withdraw`': signal(names.withdraw, { because: 'by hand' }),
  'Send a Signal `clock`': signal(names.clock, {}),
};

async function reset(call: ApprovalInput): Promise<void> {
  const { events } = await handleOf(call).fetchHistory();
  const firstTask = events?.find((event) => event.workflowTaskCompletedEventAttributes)?.eventId;
  await place.link.client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: workflowIdOf(call) },
    workflowTaskFinishEventId: firstTask ?? null,
    requestId: randomUUID(),
    reason: 'test',
  });
}

/** How a call comes to each phase, and how it goes on from there. */
const phases: Readonly<
  Record<string, { bring(): Promise<ApprovalInput>; goOn(call: ApprovalInput): Promise<unknown> }>
> = {
  'waits for people': {
    bring: async () => place.hold(),
    goOn: async (call) => place.vote(call, ann),
  },
  'is approved and waits for its client': {
    bring: async () => {
      const call = await place.hold({ onDisconnect: 'keep', holderQueue: null, graceMs: 60_000 });
      await place.vote(call, ann);
      return call;
    },
    goOn: async (call) => place.approvals.attached(workflowIdOf(call), replicaQueue('home')),
  },
  runs: {
    bring: async () => {
      const call = await place.prepare();
      running.set(call.callId, Promise.withResolvers());
      await place.approvals.open(call, { deadlineMs: 10_000 });
      await place.vote(call, ann);
      while (!place.sent.includes(call.callId)) await sleep(20);
      return call;
    },
    goOn: async (call) => running.get(call.callId)?.resolve(),
  },
  'has ended': {
    bring: async () => {
      const call = await place.hold();
      await place.vote(call, ann);
      await handleOf(call).result();
      return call;
    },
    goOn: async () => {},
  },
};

/** Actions that end a request which has not been sent. */
const ending = ['Request Cancellation', 'Terminate', 'Send a Signal `withdraw`'];

for (const [phase, { bring, goOn }] of Object.entries(phases))
  test(`nothing in Temporal's UI makes a call that ${phase} run twice or unapproved`, async () => {
    await Promise.all(
      Object.entries(actions).map(async ([action, act]) => {
        const what = `${action} while it ${phase}`;
        const call = await bring();
        // An ended workflow takes no more of some of them, which is as good.
        await act(call).catch((error: unknown) => {
          if (phase !== 'has ended') throw error;
        });
        await sleep(300);
        await goOn(call).catch(() => {});
        const state = await ended(call);
        const isOver = ending.includes(action) && !['runs', 'has ended'].includes(phase);
        assert.equal(state, isOver ? 'cancelled' : 'succeeded', what);
        assert.equal(place.sent.filter((id) => id === call.callId).length, isOver ? 0 : 1, what);
        const { voters } = await place.row(call);
        assert.ok(voters.every((name) => name === 'Ann') && voters.length <= 1, `${what}: ${voters.join()}`);
      }),
    );
  });

async function ended(call: ApprovalInput): Promise<string> {
  for (let tries = 0; tries < 300; tries++) {
    const { state } = await place.row(call);
    if (state !== 'pending' && state !== 'executing') return state;
    if (tries % 10 === 9) await endWorkflowless(db.pool, await lostWorkflows(place.link.client, 600_000));
    await sleep(100);
  }
  return (await place.row(call)).state;
}

test('docs/runbook.md says what each of them does', () => {
  const page = readFileSync('docs/runbook.md', 'utf8');
  const missing = Object.keys(actions).filter((action) => !page.includes(`| ${action} `));
  assert.deepEqual(missing, []);
});
