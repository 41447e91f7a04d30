import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeHeader } from '../../recording/header.ts';
import { type CountingUpstream, startCountingUpstream } from '../support/counting-upstream.ts';
import { createSite, type Site } from '../support/site.ts';
import { until } from '../support/until.ts';

const policy = {
  default: { then: 'pass' },
  approvers: { ops: { people: ['local-approver'] } },
  rules: [
    {
      name: 'running',
      match: { connection: 'box', tool: ['run', 'slow'] },
      then: 'hold',
      risk: 'high',
      approvers: ['ops'],
    },
    { name: 'short', match: { connection: 'box', tool: 'never' }, then: 'deny', reason: 'Never.' },
  ],
};

async function production(upstream: CountingUpstream): Promise<Site> {
  return createSite({ connections: { box: { url: upstream.url } }, policy });
}

type Result = { isError?: boolean; content: { text: string }[] };

async function approve(site: Site, tool = 'run'): Promise<void> {
  const { callId } = await site.heldCall(tool);
  const { code, err } = await site.command('approvals', 'approve', callId);
  assert.equal(code, 0, err);
}

test('two gateways and two workers in production shape: a call held by one is approved and runs once', async () => {
  await using upstream = await startCountingUpstream();
  await using site = await production(upstream);
  await Promise.all([site.start('worker'), site.start('worker')]);
  await Promise.all([site.start('gateway', 0), site.start('gateway', 1)]);
  const [first, second] = await Promise.all([site.agent('box', 0), site.agent('box', 1)]);
  const passed = (await second.callTool({ name: 'echo', arguments: { text: 'harmless' } })) as Result;
  assert.equal(passed.content[0]?.text, 'harmless');
  const answer = first.callTool({ name: 'run', arguments: { command: 'deploy' } }) as Promise<Result>;
  await approve(site);
  assert.equal((await answer).content[0]?.text, 'ran deploy');
  assert.deepEqual(upstream.calls('run'), [{ command: 'deploy' }]);
});

test('an identical call on another replica attaches to the same request; both get the one result', async () => {
  await using upstream = await startCountingUpstream();
  await using site = await production(upstream);
  await site.start('worker');
  await Promise.all([site.start('gateway', 0), site.start('gateway', 1)]);
  const [first, second] = await Promise.all([site.agent('box', 0), site.agent('box', 1)]);
  const one = first.callTool({ name: 'run', arguments: { command: 'once' } }) as Promise<Result>;
  await site.heldCall('run');
  const two = second.callTool({ name: 'run', arguments: { command: 'once' } }) as Promise<Result>;
  await new Promise((done) => setTimeout(done, 500));
  const { rows } = await site.pool.query('select 1 from held_calls');
  assert.equal(rows.length, 1, 'one request for both');
  await approve(site);
  assert.deepEqual([(await one).content[0]?.text, (await two).content[0]?.text], ['ran once', 'ran once']);
  assert.equal(upstream.calls('run').length, 1);
});

test('the worker is killed while a call is held: the approval goes on', async () => {
  await using upstream = await startCountingUpstream();
  await using site = await production(upstream);
  const worker = await site.start('worker');
  await site.start('gateway');
  const agent = await site.agent('box');
  const answer = agent.callTool({ name: 'run', arguments: { command: 'again' } }) as Promise<Result>;
  await site.heldCall('run');
  await worker.kill();
  await site.start('worker');
  await approve(site);
  assert.equal((await answer).content[0]?.text, 'ran again');
  assert.equal(upstream.calls('run').length, 1);
});

test('the gateway is killed while a call is held: the client that repeats the call gets the result, without a second request', async () => {
  await using upstream = await startCountingUpstream();
  await using site = await production(upstream);
  await site.start('worker');
  const gateway = await site.start('gateway');
  const before = await site.agent('box');
  const lost = before.callTool({ name: 'run', arguments: { command: 'survive' } }).then(
    () => 'answered',
    () => 'lost',
  );
  const { callId } = await site.heldCall('run');
  await gateway.kill();
  void before.close();
  assert.equal(await lost, 'lost');
  await site.start('gateway');
  const after = await site.agent('box');
  const answer = after.callTool({ name: 'run', arguments: { command: 'survive' } }) as Promise<Result>;
  await new Promise((done) => setTimeout(done, 1000));
  assert.equal((await site.heldCall('run')).callId, callId, 'the same request');
  await approve(site);
  assert.equal((await answer).content[0]?.text, 'ran survive');
  assert.equal(upstream.calls('run').length, 1);
});

test('Temporal is stopped and started while a call is held: other calls pass, new holds are refused, the approval goes on', async () => {
  await using upstream = await startCountingUpstream();
  await using site = await production(upstream);
  await site.start('worker');
  await site.start('gateway');
  const agent = await site.agent('box');
  const answer = agent.callTool({ name: 'run', arguments: { command: 'patient' } }) as Promise<Result>;
  await site.heldCall('run');
  await site.temporal.stop();
  const passed = (await agent.callTool({ name: 'echo', arguments: { text: 'meanwhile' } })) as Result;
  assert.equal(passed.content[0]?.text, 'meanwhile');
  const refused = await agent.callTool({ name: 'run', arguments: { command: 'other' } }).then(
    (result) => JSON.stringify(result),
    (error: Error) => error.message,
  );
  assert.match(refused, /approval/i);
  await site.temporal.start();
  await approve(site);
  assert.equal((await answer).content[0]?.text, 'ran patient');
  assert.deepEqual(upstream.calls('run'), [{ command: 'patient' }]);
});

test('PostgreSQL is killed and started while a call is held: nothing passes meanwhile, the approval goes on', async () => {
  await using upstream = await startCountingUpstream();
  await using site = await production(upstream);
  await site.start('worker');
  await site.start('gateway');
  const agent = await site.agent('box');
  const answer = agent.callTool({ name: 'run', arguments: { command: 'durable' } }) as Promise<Result>;
  await site.heldCall('run');
  // A request whose holding could not be recorded is refused: the agent waits once it is.
  await until('the hold is recorded', async () => {
    const { rows } = await site.pool.query<{ header: Buffer }>('select header from records');
    return rows.some(({ header }) => decodeHeader(header).kind === 'hold');
  });
  await site.postgres.kill();
  const before = upstream.bodies.length;
  await assert.rejects(agent.callTool({ name: 'echo', arguments: { text: 'unrecorded' } }));
  assert.equal(upstream.bodies.length, before, 'what could not be recorded did not go upstream');
  await site.postgres.start();
  await approve(site);
  assert.equal((await answer).content[0]?.text, 'ran durable');
  assert.equal(upstream.calls('run').length, 1);
});

test('a gateway killed in the middle of a call leaves it unknown, and it never runs again', async () => {
  await using upstream = await startCountingUpstream();
  await using site = await production(upstream);
  await site.start('worker');
  const gateway = await site.start('gateway', 0);
  await site.start('gateway', 1);
  const agent = await site.agent('box', 0);
  agent.callTool({ name: 'slow', arguments: { command: 'half' } }).catch(() => {});
  await approve(site, 'slow');
  await site.heldCall('slow', ['executing']);
  while (upstream.calls('slow').length === 0) await new Promise((done) => setTimeout(done, 20));
  await gateway.kill();
  await site.heldCall('slow', ['unknown']);
  upstream.release();
  const again = await site.agent('box', 1);
  const told = (await again.callTool({ name: 'slow', arguments: { command: 'half' } })) as Result;
  assert.equal(told.isError, true);
  assert.match(told.content[0]?.text ?? '', /unknown|not known/i);
  assert.equal(upstream.calls('slow').length, 1);
});
