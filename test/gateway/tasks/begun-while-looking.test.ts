import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTasksServer } from '../../support/conformance/tasks-server.ts';
import { until } from '../../support/until.ts';
import { wire } from '../wire.ts';
import { type HoldingGateway, holdingScene, type Scene } from './scene.ts';

let upstream: Awaited<ReturnType<typeof startTasksServer>>;
let scene: Scene;
let one: HoldingGateway;
/** The look for tasks at which nobody works: asked for, and on its way to the database for as long as this wants. */
let look = { begun: false, answered: false, goes: Promise.resolve() };
/** That a task waits for a held call is noted once this has happened. */
let noted = Promise.resolve();

before(async () => {
  upstream = await startTasksServer();
  scene = await holdingScene(
    upstream.url,
    `
default: pass
approvers: { dba: { people: [ann@example.com] } }
rules:
  - { name: writes, match: { tool: greet }, then: hold, approvers: [dba] }
`,
  );
  const slow = new Proxy(scene.db.pool, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      if (name !== 'query') return member.bind(target) as unknown;
      return async (text: unknown, ...rest: unknown[]): Promise<unknown> => {
        const here = typeof text === 'string' && text.includes('with orphaned as') ? look : null;
        if (here) here.begun = true;
        await here?.goes;
        if (typeof text === 'string' && text.includes('set call_id = ')) await noted;
        const answer: unknown = await member.apply(target, [text, ...rest]);
        if (here) here.answered = true;
        return answer;
      };
    },
  });
  one = await scene.start('one', { db: { ...scene.db, pool: slow } });
});
after(async () => {
  await one[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

async function ask(method: string, params: Record<string, unknown>) {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
  };
  const reply = await wire(
    one.url,
    JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: meta } }),
    {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      'mcp-name': String(params['taskId'] ?? params['name']),
    },
  );
  assert.ok(reply.json?.result, reply.text);
  return reply.json.result;
}

test('a task that is begun while its gateway looks for tasks that were left is not taken for one of them', async () => {
  const held = Promise.withResolvers<void>();
  const known = Promise.withResolvers<void>();
  noted = known.promise;
  look = { begun: false, answered: false, goes: held.promise };
  await until('the gateway looks for tasks that were left', () => look.begun);
  const { taskId } = await ask('tools/call', { name: 'greet', arguments: { name: 'Ann' } });
  held.resolve();
  await until('the look has been answered', () => look.answered);
  // What it had taken for left it would have ended by now.
  const seen = new Set<unknown>();
  for (let round = 0; round < 20; round += 1) {
    seen.add((await ask('tasks/get', { taskId }))['status']);
    await sleep(10);
  }
  known.resolve();
  assert.deepEqual([...seen], ['working']);
  const input = await scene.approvals.next(1);
  assert.equal(await one.approve(input), 'succeeded');
  const done = await until('the task has ended', async () => {
    const now = await ask('tasks/get', { taskId });
    return now['status'] === 'working' ? null : now;
  });
  assert.deepEqual((done['result'] as { content: unknown }).content, [{ type: 'text', text: 'Hello, Ann!' }]);
});
