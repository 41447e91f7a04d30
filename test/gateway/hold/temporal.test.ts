import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, randomBytes, randomUUID } from 'node:crypto';
import { after, before, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection } from '@temporalio/worker';
import { createActivities } from '../../../activities/settling.ts';
import { registerSearchAttributes, runWorker, type RunningWorker } from '../../../activities/worker.ts';
import type { EmbeddedTemporal } from '../../../cli/embedded/temporal.ts';
import { createHold } from '../../../gateway/hold/hold.ts';
import { startHolding } from '../../../gateway/hold/holding.ts';
import { definitionHashOf } from '../../../gateway/hold/canonical.ts';
import { grantIdOf } from '../../../gateway/hold/grants.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { GrantTerms } from '../../../workflows/contract.ts';
import { policyOf } from '../../support/gateway.ts';
import type { HoldPort } from '../../../gateway/hold-port.ts';
import {
  type Approvals,
  createApprovals,
  linkTemporal,
  type TemporalLink,
  dataConverterOf,
} from '../../../workflows/client.ts';
import { createCodec } from '../../../workflows/codec.ts';
import { bundleWorkflows } from '../../../workflows/bundle.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';
import { startTestTemporal } from '../../support/temporal.ts';
import { canary, approvalOf, testStream } from './ends.ts';
import { type Replica, rowOf, startReplica, testApprovals } from './support.ts';

let db: TestDatabase;
let temporal: EmbeddedTemporal;
let connection: NativeConnection;
let worker: RunningWorker;
let link: TemporalLink;
let approvals: Approvals;
let bundle: Awaited<ReturnType<typeof bundleWorkflows>>;
let publicKey: string;
const codecKeys = [randomBytes(32)];

before(async () => {
  [db, temporal, bundle] = await Promise.all([testDatabase(), startTestTemporal(), bundleWorkflows()]);
  connection = await NativeConnection.connect({ address: temporal.address });
  await registerSearchAttributes(connection, 'default');
  worker = await startWorker();
  link = linkTemporal({
    address: temporal.address,
    namespace: 'default',
    apiKey: null,
    tls: null,
    codecKeys,
  });
  const keys = generateKeyPairSync('ed25519');
  publicKey = rawPublicKey(keys.publicKey);
  approvals = createApprovals(link.client, { id: 'test', privateKey: keys.privateKey });
});

after(async () => {
  await worker.stop();
  await link.close();
  await connection.close();
  await temporal.stop();
  await db[Symbol.asyncDispose]();
});

function startWorker(): Promise<RunningWorker> {
  return runWorker({
    connection,
    namespace: 'default',
    dataConverter: dataConverterOf(createCodec(codecKeys)),
    activities: createActivities({
      pool: db.pool,
      cards: null,
      recording: null,
      log: { info: () => {}, warn: () => {} },
    }),
    workflowBundle: bundle,
    onEnded: () => {},
    onFailed: (error) => assert.fail(error),
  });
}

function rawPublicKey(key: KeyObject): string {
  return key.export({ format: 'jwk' }).x ?? '';
}

interface Gateway {
  readonly hold: HoldPort;
  readonly replica: Replica;
}

/** A whole gateway replica with its workers, but for the HTTP in front of it. */
async function startGateway(
  t: TestContext,
  name: string,
  settings: Partial<Replica['deps']['settings']> = {},
  policy?: Policy,
): Promise<Gateway> {
  const replica = await startReplica(db, testApprovals(db.pool), {
    name,
    settings,
    ...(policy && { policy }),
  });
  const hold = await startHolding({
    ...replica.deps,
    approvals,
    votePublicKeys: { test: publicKey },
    databaseUrl: db.url,
    temporal: {
      connection,
      namespace: 'default',
      dataConverter: dataConverterOf(createCodec(codecKeys)),
    },
    onFailed: (error) => assert.fail(error as Error),
  });
  t.after(async () => {
    await hold.close();
    await replica.stop();
  });
  return { hold, replica };
}

interface Shown {
  call_id: string;
  digest: string;
  workflow_id: string;
}

/** The call that waits to be decided, once its workflow runs. */
async function pendingCall(): Promise<Shown> {
  for (let waited = 0; waited < 10_000; waited += 20) {
    const { rows } = await db.pool.query<Shown>(
      `select call_id, digest, workflow_id from held_calls where state = 'pending' and opened_at is not null`,
    );
    if (rows[0]) return rows[0];
    await sleep(20);
  }
  throw new Error('no call came to be held');
}

async function decide(
  call: Shown,
  decision: 'approve' | 'deny',
  reason: string | null = null,
  grant: GrantTerms | null = null,
): Promise<void> {
  const answer = await approvals.decide({
    workflowId: call.workflow_id,
    callId: call.call_id,
    digest: call.digest,
    updateId: `test:${call.call_id}:${decision}`,
    person: { keys: ['oidc:https://idp#ann'], name: 'Ann' },
    decision,
    reason,
    grant,
    groups: ['dba'],
    via: 'console',
  });
  assert.equal(answer.kind, 'counted');
}

async function stateOf(callId: string, wanted: string): Promise<void> {
  for (let waited = 0; waited < 15_000; waited += 50) {
    if ((await rowOf(db.pool, callId))?.state === wanted) return;
    await sleep(50);
  }
  assert.fail(`${callId} did not become ${wanted} but ${(await rowOf(db.pool, callId))?.state}`);
}

test('approved through Temporal: runs where its client waits, once, with the bytes that were held', {
  timeout: 40_000,
}, async (t) => {
  const one = await startGateway(t, 'a1');
  const request = one.replica.request({ args: `{"b":1,"a":9007199254740993,"key":"${canary}"}` });
  const held = one.hold.hold(request);
  const call = await pendingCall();
  await decide(call, 'approve');
  assert.equal((await request.stream.response()).result?.content[0]?.text, 'done');
  await held;
  assert.deepEqual(one.replica.upstream.calls(), [request.json]);
  // Nothing of the arguments is in Temporal, encrypted or not.
  const handle = link.client.workflow.getHandle(call.workflow_id);
  assert.equal(
    ((await handle.result()) as { execution: { execution: string } }).execution.execution,
    'succeeded',
  );
  const history = await handle.fetchHistory();
  const payloads = JSON.stringify(history, (_key, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
  );
  assert.equal(payloads.includes(canary), false);
  const decoded: string[] = [];
  for (const event of history.events ?? [])
    for (const payload of event.workflowExecutionStartedEventAttributes?.input?.payloads ?? [])
      for (const { data } of await link.codec.decode([payload]))
        decoded.push(Buffer.from(data ?? []).toString());
  assert.match(decoded.join(), new RegExp(call.call_id));
  assert.equal(decoded.join().includes(canary), false);
});

test('a workflow that is reset after its call ran, and votes again, runs nothing again', {
  timeout: 40_000,
}, async (t) => {
  const one = await startGateway(t, 'r1');
  const request = one.replica.request();
  const held = one.hold.hold(request);
  const call = await pendingCall();
  await decide(call, 'approve');
  await held;
  const handle = link.client.workflow.getHandle(call.workflow_id);
  await handle.result();
  const { events } = await handle.fetchHistory();
  const firstTask = events?.find((event) => event.workflowTaskCompletedEventAttributes)?.eventId;
  const { runId } = await link.client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: call.workflow_id },
    workflowTaskFinishEventId: firstTask ?? null,
    requestId: randomUUID(),
    reason: 'test',
  });
  const again = (await link.client.workflow.getHandle(call.workflow_id, runId).result()) as { state: string };
  assert.equal(again.state, 'succeeded');
  assert.equal(one.replica.upstream.calls().length, 1);
});

test('denied through Temporal: upstream sees nothing, the agent reads who and why', {
  timeout: 40_000,
}, async (t) => {
  const one = await startGateway(t, 'b1');
  const request = one.replica.request();
  const held = one.hold.hold(request);
  await decide(await pendingCall(), 'deny', 'not on a Friday');
  const { result } = await request.stream.response();
  assert.match(result?.content[0]?.text ?? '', /Ann denied it, saying "not on a Friday"/);
  await held;
  assert.equal(one.replica.upstream.calls().length, 0);
});

test('expired and cancelled through Temporal: upstream sees nothing', { timeout: 40_000 }, async (t) => {
  const one = await startGateway(t, 'c1');
  const short = one.replica.request({ verdict: { timeoutMs: 1500 } });
  const expiring = one.hold.hold(short);
  assert.equal(approvalOf((await short.stream.response()).result)?.status, 'expired');
  await expiring;
  const request = one.replica.request({ idJson: '2', args: '{"n":2}' });
  const held = one.hold.hold(request);
  const call = await pendingCall();
  await one.hold.cancelled('session-1', '2', 'changed my mind');
  await held;
  await stateOf(call.call_id, 'cancelled');
  assert.equal(one.replica.upstream.calls().length, 0);
});

for (const when of ['before', 'after'] as const)
  test(`the replica that held the client is killed: its client comes to another one ${when} the approval, which runs the call once`, {
    timeout: 40_000,
  }, async (t) => {
    // Its request is open in Temporal, but nobody polls its queue, and it tells nobody that its client is gone.
    const dead = await startReplica(db, testApprovals(db.pool), { name: 'd1' });
    t.after(() => dead.stop());
    const votePublicKeys = { test: publicKey };
    const killed = createHold({
      ...dead.deps,
      votePublicKeys,
      approvals: { ...approvals, detached: async () => {} },
    });
    const lost = dead.request();
    const holding = killed.hold(lost);
    const two = await startGateway(t, 'd2');
    const call = await pendingCall();
    lost.stream.disconnect();
    await holding;
    if (when === 'after') await decide(call, 'approve');
    const again = two.replica.request({ idJson: '2', sessionId: 'session-2' });
    const held = two.hold.hold(again);
    while (again.stream.keepAlives.length === 0 && again.stream.responses.length === 0) await sleep(20);
    if (when === 'before') await decide(call, 'approve');
    assert.equal((await again.stream.response()).id, 2);
    await held;
    assert.equal(two.replica.upstream.calls().length, 1);
    assert.equal(dead.upstream.calls().length, 0);
  });

test('a kept call that was approved with nobody there runs when its client is back', {
  timeout: 40_000,
}, async (t) => {
  const one = await startGateway(t, 'e1');
  const request = one.replica.request();
  const held = one.hold.hold(request);
  const call = await pendingCall();
  request.stream.disconnect();
  await held;
  await decide(call, 'approve');
  await sleep(300);
  assert.equal(one.replica.upstream.calls().length, 0);
  const back = one.replica.request({ idJson: '2', stream: testStream() });
  const again = one.hold.hold(back);
  assert.equal((await back.stream.response()).id, 2);
  await again;
  assert.equal(one.replica.upstream.calls().length, 1);
});

test('the worker is down: the call is refused as retryable; the worker is back: it works', {
  timeout: 40_000,
}, async (t) => {
  const one = await startGateway(t, 'f1', { openDeadlineMs: 1500 });
  await worker.stop();
  const request = one.replica.request();
  await one.hold.hold(request);
  assert.equal((await request.stream.response()).error?.data?.['retryable'], true);
  worker = await startWorker();
  const retried = one.replica.request({ idJson: '2' });
  const held = one.hold.hold(retried);
  await decide(await pendingCall(), 'approve');
  assert.equal((await retried.stream.response()).id, 2);
  await held;
  assert.equal(one.replica.upstream.calls().length, 1);
});

test('a grant given through Temporal lets the next call of its kind run at once, without a workflow of its own', {
  timeout: 40_000,
}, async (t) => {
  const definition = '{"name":"query"}';
  const policy = policyOf(
    `default: deny
approvers: { dba: { people: [ann@example.com] } }
rules:
  - name: writes
    match: { connection: db, tool: query }
    then: hold
    approvers: [dba]
    grants: { calls: 1, for: 5m, where: [call.args.table == approved.args.table] }
`,
    ['db'],
  );
  const ending = policy.rules[0]?.ending;
  assert.ok(ending?.kind === 'hold');
  const one = await startGateway(t, 'grants', {}, policy);
  one.replica.upstream.tools.push(definition);
  const verdict = { policyVersion: policy.version, offers: ending.offers };
  const ask = (idJson: string, args: string) => {
    const definitionHash = definitionHashOf(definition);
    const request = one.replica.request({ idJson, args, definitionHash, verdict });
    return { request, held: one.hold.hold(request) };
  };
  const first = ask('1', '{"table":"orders","n":1}');
  const call = await pendingCall();
  const { where } = { where: ending.offers.grants?.where.map(({ text }) => text) ?? [] };
  const terms = { calls: 1, untilMs: Date.now() + 60_000, sessionId: 'session-1', where };
  await decide(call, 'approve', null, terms);
  await first.request.stream.response();
  const second = ask('2', '{"table":"orders","n":2}');
  assert.equal((await second.request.stream.response()).result?.content[0]?.text, 'done');
  await Promise.all([first.held, second.held]);
  const { rows } = await db.pool.query<{ workflow_id: string }>(
    `select workflow_id from held_calls where grant_id = $1 and state = 'succeeded'`,
    [grantIdOf(call.call_id)],
  );
  assert.equal(rows.length, 1);
  await assert.rejects(link.client.workflow.getHandle(rows[0]?.workflow_id ?? '').describe());
  const third = ask('3', '{"table":"orders","n":3}');
  const asked = await pendingCall();
  await decide(asked, 'deny', 'used up');
  await third.held;
  assert.equal(one.replica.upstream.calls().length, 2);
});
