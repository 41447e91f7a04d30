import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startConformanceServer } from '../../support/conformance/server.ts';
import { type HoldingGateway, holdingScene, policy, type Scene } from '../tasks/scene.ts';
import { handshake, wire } from '../wire.ts';

let upstream: Awaited<ReturnType<typeof startConformanceServer>>;
let scene: Scene;
let one: HoldingGateway;
let two: HoldingGateway;
let session: Record<string, string>;
let opened = 0;
let ids = 1;

before(async () => {
  upstream = await startConformanceServer();
  scene = await holdingScene(upstream.url, policy);
  one = await scene.start('one');
  two = await scene.start('two');
  session = await handshake(one.url);
});
after(async () => {
  await two[Symbol.asyncDispose]();
  await one[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

/** Begins a call and breaks the connection once its stream has begun. @returns the id of the last event, and the request's */
async function begunAndCutOff(name: string, args: object = {}): Promise<{ lastEventId: string; id: number }> {
  const id = ids++;
  const aborter = new AbortController();
  const reply = await fetch(one.url, {
    method: 'POST',
    headers: {
      ...session,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } }),
    signal: aborter.signal,
  });
  let text = '';
  try {
    for await (const chunk of reply.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (/^id: /m.test(text)) aborter.abort();
    }
  } catch (error) {
    if (!aborter.signal.aborted) throw error;
  }
  const lastEventId = [...text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1];
  assert.ok(lastEventId, text);
  return { lastEventId, id };
}

const rest = (url: string, lastEventId: string): Promise<{ text: string; json: { id?: unknown } | null }> =>
  wire(url, null, { ...session, 'last-event-id': lastEventId, accept: 'text/event-stream' }, 'GET');

/** As the row looks of a gateway that was killed. */
async function killed(lastEventId: string): Promise<void> {
  const { rowCount } = await scene.db.pool.query(
    `update mcp_reply_streams set replica = 'killed' where stream_id = $1`,
    [lastEventId.split('.')[1]],
  );
  assert.equal(rowCount, 1);
}

test('a client that comes back to a held call’s stream, on any replica, is its live caller again and gets the result', async () => {
  const { lastEventId, id } = await begunAndCutOff('test_simple_text', { n: 1 });
  const input = await scene.approvals.next(++opened);
  const resumed = rest(two.url, lastEventId);
  while (two.replica.deps.waiters.of(input.callId).length === 0) await sleep(20);
  assert.equal(await two.approve(input), 'succeeded');
  const { text } = await resumed;
  assert.equal(text.match(new RegExp(`"id":${id}\\}`, 'g'))?.length, 1, text);
  assert.match(text, /This is a simple text response/);
  assert.equal(scene.approvals.opened.length, opened);
});

test('the outcome that came while nobody was there is given to the client that comes back to its stream', async () => {
  const { lastEventId } = await begunAndCutOff('test_simple_text', { n: 2 });
  const { callId } = await scene.approvals.next(++opened);
  await scene.db.pool.query(`update held_calls set state = 'denied' where call_id = $1`, [callId]);
  assert.match((await rest(two.url, lastEventId)).text, /DENIED hp_/);
  // And again, as often as it is asked for.
  assert.match((await rest(one.url, lastEventId)).text, /DENIED hp_/);
});

test('a held call whose gateway was killed goes on where its client comes back', async () => {
  const { lastEventId } = await begunAndCutOff('test_simple_text', { n: 3 });
  const input = await scene.approvals.next(++opened);
  await killed(lastEventId);
  const resumed = rest(two.url, lastEventId);
  while (two.replica.deps.waiters.of(input.callId).length === 0) await sleep(20);
  assert.equal(await two.approve(input), 'succeeded');
  assert.match((await resumed).text, /This is a simple text response/);
});

test('a passed call whose gateway was killed ends as of unknown outcome', async () => {
  const { lastEventId, id } = await begunAndCutOff('test_tool_with_logging');
  await killed(lastEventId);
  // As if its gateway had died before the response: what it wrote of it is gone with it.
  const gone = 'delete from mcp_stream_events where final and stream_id = $1';
  while ((await scene.db.pool.query(gone, [lastEventId.split('.')[1]])).rowCount === 0) await sleep(20);
  const { json, text } = await rest(two.url, lastEventId);
  assert.equal(json?.id, id, text);
  assert.match(text, /"code":"outcome_unknown"/);
  assert.equal(text.match(/"error"/g)?.length, 1);
});
