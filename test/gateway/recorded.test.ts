import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { withVerifySource } from '../../db/records-verify.ts';
import { createLogStore } from '../../db/records-log.ts';
import { createRecordReader } from '../../db/records-read.ts';
import type { Identifier } from '../../gateway/identify/identify.ts';
import { noteSigner, noteVerifier } from '../../recording/log/note.ts';
import { type CheckpointPublisher, startLog } from '../../recording/log/run.ts';
import { verifyLog, type VerifyReport } from '../../recording/log/verify.ts';
import { openSession, type RecordedEvent } from '../../recording/read.ts';
import { startCountingUpstream } from '../support/counting-upstream.ts';
import { httpConnection, type TestGateway, testGateway } from '../support/gateway.ts';
import { handshake, wire } from './wire.ts';

const signer = noteSigner('holdpoint.test/gateways', randomBytes(32));

async function eventsOf(gateway: TestGateway, sessionId: string): Promise<RecordedEvent[]> {
  const deps = { reader: createRecordReader(gateway.db.pool), keyRing: gateway.keyRing };
  const opened = await openSession(deps, sessionId);
  const events: RecordedEvent[] = [];
  if (opened) for await (const event of opened.events()) events.push(event);
  return events;
}

function call(text: string): string {
  const params = { name: 'echo', arguments: { text } };
  return JSON.stringify({ jsonrpc: '2.0', id: text, method: 'tools/call', params });
}

test('what is refused before there is a session is recorded, and nobody can fill the recording with it', async () => {
  const nobody: Identifier = {
    metadata: () => null,
    lacks: () => null,
    identify: async () => ({
      refused: 'missing_token',
      status: 401,
      message: 'sign in',
      challenge: 'Bearer',
    }),
  };
  await using gateway = await testGateway({
    connections: { files: httpConnection('http://127.0.0.1:1/mcp') },
    identifier: nobody,
  });
  const url = gateway.url('files');
  const statuses = await Promise.all(
    Array.from({ length: 120 }, async () => (await wire(url, call('x'))).status),
  );
  assert.deepEqual(new Set(statuses), new Set([401]));
  // So many a second are recorded one by one: this one belongs to the next.
  await sleep(1100);
  await wire(gateway.url('files'), 'not JSON', { 'content-type': 'text/plain' });
  await gateway.gateway.stop();
  const day = new Date().toISOString().slice(0, 10);
  const events = (await eventsOf(gateway, `refused/${day}`)).filter(({ kind }) => kind === 'verdict');
  const said = events.map(({ bytes }) => JSON.parse(bytes?.toString() ?? '') as Record<string, unknown>);
  const counted = said.reduce((sum, { alsoRefused }) => {
    const also = Object.values((alsoRefused ?? {}) as Record<string, number>);
    return sum + (also.length > 0 ? also.reduce((a, b) => a + b, 0) : 1);
  }, 0);
  assert.equal(counted, 121, 'none goes uncounted');
  assert.ok(events.length < 110, `${events.length} records`);
  const first = events.find(({ method }) => method === 'refused.unauthorized');
  assert.equal(first?.verdict, 'refused');
  const { code, connection, from, correlationId } = JSON.parse(first?.bytes?.toString() ?? '') as Record<
    string,
    string
  >;
  assert.deepEqual([code, connection, from], ['unauthorized', 'files', '127.0.0.1']);
  assert.ok(correlationId?.startsWith('c_'));
  assert.ok(events.some(({ method }) => method === 'refused.unsupported_media_type'));
});

async function verify(gateway: TestGateway, kept: readonly string[]): Promise<VerifyReport> {
  const { keyRing } = gateway;
  const options = { verifier: noteVerifier(signer.vkey), keptCheckpoints: kept, keyRing, deep: true };
  return withVerifySource(gateway.db.pool, (source) => verifyLog(source, options));
}

test('two gateways in one session, four workers at one log: it verifies at every moment, and nothing is lost', async () => {
  await using upstream = await startCountingUpstream();
  const connections = { up: httpConnection(upstream.url) };
  await using first = await testGateway({ connections });
  const kept: string[] = [];
  const errors: string[] = [];
  const elsewhere: CheckpointPublisher = { name: 'test', publish: async ({ note }) => void kept.push(note) };
  const workers = Array.from({ length: 4 }, () =>
    startLog({
      store: createLogStore(first.db.pool),
      signer,
      publishers: [elsewhere],
      witnesses: [],
      onError: (error, doing) => void errors.push(`${doing}: ${error.message}`),
      intervalMs: 15,
    }),
  );
  const told = new Set<string>();
  let session: Record<string, string>;
  {
    await using second = await testGateway({ connections, replicaOf: first });
    session = await handshake(first.url('up'));
    const client = async (gateway: TestGateway, name: string): Promise<void> => {
      for (let n = 0; n < 25; n += 1) {
        const text = `${name}-${n}`;
        const reply = await wire(gateway.url('up'), call(text), session);
        assert.equal(reply.json?.id, text, reply.text);
        told.add(text);
      }
    };
    const checking = (async () => {
      // Before its first checkpoint, a log cannot be told from one whose checkpoints were removed.
      while (kept.length === 0) await sleep(5);
      for (let n = 0; n < 5; n += 1) assert.deepEqual((await verify(first, [...kept])).problems, []);
    })();
    await Promise.all([
      client(first, 'a'),
      client(second, 'b'),
      client(first, 'c'),
      client(second, 'd'),
      checking,
    ]);
  }
  // The second replica is gone: the session moves.
  const reply = await wire(first.url('up'), call('moved'), session);
  assert.equal(reply.json?.id, 'moved', reply.text);
  await wire(first.url('up'), null, session, 'DELETE');
  await Promise.all(workers.map((worker) => worker.stop()));
  assert.deepEqual(errors, []);
  const report = await verify(first, kept);
  assert.deepEqual([report.problems, report.pending], [[], 0]);
  const { rows } = await first.db.pool.query<{ session_id: string }>(
    'select session_id from record_sessions where connection = $1',
    ['up'],
  );
  const events = await eventsOf(first, rows[0]?.session_id ?? '');
  const replies = events.filter(
    ({ direction, method }) => direction === 'upstream-to-client' && method === 'tools/call',
  );
  const ids = replies.map(({ bytes }) => (JSON.parse(bytes?.toString() ?? '') as { id: string }).id);
  assert.deepEqual(new Set(ids), new Set([...told, 'moved']));
  assert.equal(ids.length, 101);
  assert.ok(new Set(events.map(({ strand }) => strand)).size >= 2, 'a strand for each replica');
  assert.equal(events.filter(({ kind }) => kind === 'end').length, 1);
});
