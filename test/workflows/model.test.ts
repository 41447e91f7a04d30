import assert from 'node:assert/strict';
import { randomInt, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection } from '@temporalio/worker';
import * as fc from '../support/fast-check.ts';
import { endWorkflowless } from '../../db/held-deciding.ts';
import { freeze, lift } from '../../db/kill-switch.ts';
import { claim, finish, heldCallState } from '../../db/held-execution.ts';
import { lostWorkflows } from '../../workflows/client.ts';
import { type ExecuteInput, type ExecuteResult, replicaQueue, taskQueues } from '../../workflows/contract.ts';
import { testDatabase } from '../support/postgres.ts';
import { startTestTemporal } from '../support/temporal.ts';
import { seed } from './model-seed.ts';
import { play, type Stage, stateLog } from './play.ts';
import { checkPromises } from './promises.ts';
import { people, type Scenario, scenarios, type Upstream } from './scenario.ts';
import { workplace } from './support.ts';

const runs = Number(process.env['HOLDPOINT_TEST_MODEL_RUNS'] ?? 500);
const atOnce = 12;
/** A slow machine plays fewer, and says so; `HOLDPOINT_TEST_MODEL_MINUTES` gives it longer. */
const deadlineMs = Number(process.env['HOLDPOINT_TEST_MODEL_MINUTES'] ?? 4) * 60_000;
const runsAtLeast = Math.min(runs, 100);

test(`whatever happens to a held call, the promises hold (${runs} runs, seed ${seed})`, async (t) => {
  await using db = await testDatabase();
  await db.pool.query(stateLog);
  const temporal = await startTestTemporal();
  const place = await workplace(temporal.address, db);
  const upstreams = new Map<string, Upstream>();
  const execute = modelExecutor();
  const stage: Stage = {
    place,
    db,
    upstreams,
    execute,
    reconcile: async () => {
      await endWorkflowless(db.pool, await lostWorkflows(place.link.client, 600_000));
    },
  };
  await place.startWorker();
  for (const queue of [taskQueues.execute, replicaQueue('home')])
    await place.startExecutor(queue, undefined, { executeHeldCall: execute });
  const stopping = new AbortController();
  const restarts = Promise.all([restartWorkers(stopping.signal), turnKillSwitch(stopping.signal)]);
  try {
    const played = await playAll(fc.sample(scenarios, { numRuns: runs, seed }));
    t.diagnostic(`${played} of ${runs} runs played`);
    assert.ok(played >= runsAtLeast, `only ${played} runs in ${deadlineMs} ms`);
  } finally {
    stopping.abort();
    await restarts;
    await place.close();
    await temporal.stop();
  }

  async function playAll(all: Scenario[]): Promise<number> {
    const next = all.values();
    const untilMs = Date.now() + deadlineMs;
    let played = 0;
    const player = async (): Promise<void> => {
      for (const scenario of next) {
        const seen = await play(stage, scenario);
        played += 1;
        try {
          checkPromises(seen);
        } catch (error) {
          throw new Error(`a promise was broken; seed ${seed}: ${JSON.stringify(seen, null, 1)}`, {
            cause: error,
          });
        }
        if (Date.now() > untilMs) return;
      }
    };
    // The first that fails lets the others finish what they are at, and nobody begins anew.
    const players = Array.from({ length: atOnce }, async () => {
      try {
        await player();
      } finally {
        for (const _ of next) void _;
      }
    });
    const ends = await Promise.allSettled(players);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    return played;
  }

  /** A second worker comes and goes all the while, so that requests move between workers. */
  async function restartWorkers(signal: AbortSignal): Promise<void> {
    const connection = await NativeConnection.connect({ address: temporal.address });
    while (!signal.aborted) {
      const worker = await place.startWorker(connection);
      await sleep(1500, undefined, { signal }).catch(() => {});
      await worker.stop();
      await sleep(500, undefined, { signal }).catch(() => {});
    }
    await connection.close();
  }

  /** The kill switch goes on and off all the while. */
  async function turnKillSwitch(signal: AbortSignal): Promise<void> {
    const [ann, bob] = [people.ann, people.bob];
    while (!signal.aborted) {
      await sleep(randomInt(1000, 4000), undefined, { signal }).catch(() => {});
      await freeze(db.pool, { person: ann, via: 'test', because: null });
      await sleep(randomInt(50, 600));
      for (const person of [ann, bob]) await lift(db.pool, { person, via: 'test', peopleNeeded: 2 });
    }
  }

  function modelExecutor(): (task: ExecuteInput) => Promise<ExecuteResult> {
    return async ({ callId, digest, votes }) => {
      const upstream = upstreams.get(callId);
      if (upstream === 'crashes before claim') throw new Error('the gateway died');
      const execToken = randomUUID();
      if (!(await claim(db.pool, { callId, digest, execToken, votes, handles: [] }))) {
        const row = await heldCallState(db.pool, callId);
        // As the gateway does: nothing was sent, and it is tried again.
        if (row?.state === 'pending' && row.expiresAt > new Date())
          throw ApplicationFailure.nonRetryable('nothing runs now', 'Frozen');
        const done = row?.state === 'succeeded' || row?.state === 'failed' || row?.state === 'unknown';
        return { execution: done ? row.state : 'failed', summary: 'it was not sent again' };
      }
      place.sent.push(callId);
      if (upstream === 'crashes after claim') throw new Error('the gateway died');
      if (upstream === 'is slow') await sleep(300);
      await finish(db.pool, {
        callId,
        execToken,
        state: 'succeeded',
        because: null,
        retentionMs: 60_000,
        result: null,
      });
      return { execution: 'succeeded', summary: null };
    };
  }
});

test('the check itself notices broken promises', () => {
  const scenario: Scenario = {
    needed: 1,
    escalatesAfterMs: null,
    extensions: 0,
    onDisconnect: 'run',
    holder: null,
    ttlMs: 1000,
    upstream: 'answers',
    moments: [],
  };
  const good = {
    scenario,
    answers: [],
    forgeriesAccepted: 0,
    timesSent: 1,
    states: ['pending', 'executing', 'succeeded'],
    claimedWhileFrozen: false,
    escalated: false,
    extended: 0,
    votes: [{ person: { keys: ['oidc:https://idp#bob'], name: 'Bob' }, decision: 'approve' as const }],
    sealedRequestLeft: false,
  };
  checkPromises(good);
  const broken: Partial<typeof good>[] = [
    { timesSent: 2 },
    { votes: [] },
    { states: ['pending', 'denied', 'executing', 'succeeded'] },
    { states: ['pending', 'executing'] },
    { forgeriesAccepted: 1 },
    { claimedWhileFrozen: true },
    { extended: 1 },
    { votes: [{ person: { keys: ['oidc:https://idp#dave'], name: 'Dave' }, decision: 'approve' as const }] },
    { sealedRequestLeft: true },
  ];
  for (const change of broken)
    assert.throws(() => checkPromises({ ...good, ...change }), JSON.stringify(change));
});
