import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRecordReader } from '../../db/records-read.ts';
import type { Masked } from '../../masking/masked.ts';
import { replayOf } from '../../recording/replay.ts';
import { sessionsOf } from '../../recording/search.ts';
import { testDatabase } from '../support/postgres.ts';
import { facts, keyRing, message, recorderOn, sessions, sessionsDeps } from './support.ts';

test('a session is shown as it happened, and nothing an agent wrote reaches the terminal as control', async () => {
  await using db = await testDatabase();
  const recorder = recorderOn(db.pool);
  const hostile = '{"x":"\u001b[2J\u202egnp.exe\u2028\u0007","zero\u200bwidth":1}';
  await recorder.append(
    facts('s\u001b[31m', { subject: 'eve\u001b[0m' }),
    message(hostile, { tool: 'a\u009bb' }),
  );
  await recorder.append(facts('s\u001b[31m'), message('{"ok":true}', { direction: 'upstream-to-client' }));
  await recorder.end('s\u001b[31m', 'left\u0008');
  await recorder.close();
  let out = '';
  const acts: string[] = [];
  const deps = sessionsDeps(db.pool, {
    out: (text) => (out += text),
    recordAct: async (act) => void acts.push(act),
  });
  assert.equal(await sessions(['list'], deps), 0);
  assert.equal(await sessions(['replay', 's\u001b[31m', '--instant'], deps), 0);
  assert.equal(await sessions(['search', 'GNP'], deps), 0);
  assert.deepEqual(
    Array.from(out).filter(
      (character) => character !== '\n' && /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(character),
    ),
    [],
  );
  assert.match(
    out,
    /→ {2}tools\/call {2}a\\u\{009b\}b {2}pass \(rule reads\) {2}call call-1\n *\{"x":"\\u\{001b\}\[2J\\u\{202e\}gnp/,
  );
  assert.match(out, /← {2}tools\/call[^\n]*\n *\{"ok":true\}/);
  assert.match(out, /ended: left\\u\{0008\}/);
  assert.deepEqual(acts, ['sessions.replay', 'sessions.search'], 'each viewing is recorded');
});

test('sessions are found by person, tool, verdict and time, and told apart as JSON', async () => {
  await using db = await testDatabase();
  const recorder = recorderOn(db.pool);
  await recorder.append(facts('a', { subject: 'alice' }), message('{}', { tool: 'query', verdict: 'hold' }));
  await recorder.append(facts('b', { subject: 'bob' }), message('{}', { tool: 'list', verdict: 'pass' }));
  await recorder.append(
    facts('b', { subject: 'bob' }),
    message('{}', { tool: 'query', verdict: 'deny', rule: 'no' }),
  );
  await recorder.close();
  const listed = async (...args: string[]): Promise<string[]> => {
    let out = '';
    assert.equal(
      await sessions(['list', '--json', ...args], sessionsDeps(db.pool, { out: (text) => (out += text) })),
      0,
    );
    return (JSON.parse(out) as { id: string }[]).map(({ id }) => id);
  };
  assert.deepEqual(await listed(), ['b', 'a']);
  assert.deepEqual(await listed('--subject', 'alice'), ['a']);
  assert.deepEqual(await listed('--tool', 'query'), ['b', 'a']);
  assert.deepEqual(await listed('--tool', 'query', '--verdict', 'deny'), ['b']);
  assert.deepEqual(await listed('--limit', '1'), ['b']);
  assert.deepEqual(await listed('--to', '2020-01-01T00:00:00Z'), []);
  assert.deepEqual(await listed('--from', '2020-01-01T00:00:00Z'), ['b', 'a']);
  assert.equal(await sessions(['list', '--from', 'soon'], sessionsDeps(db.pool)), 2);
  assert.equal(await sessions(['replay', 'nobody'], sessionsDeps(db.pool)), 1);
  assert.equal(await sessions(['dance'], sessionsDeps(db.pool)), 2);
});

test('a live session can be followed until it ends', async () => {
  await using db = await testDatabase();
  const recorder = recorderOn(db.pool);
  await recorder.append(facts('live'), message('{"n":1}'));
  let out = '';
  const following = sessions(
    ['replay', 'live', '--instant', '--follow'],
    sessionsDeps(db.pool, { out: (text) => (out += text) }),
  );
  while (!out.includes('{"n":1}')) await sleep(20);
  await recorder.append(facts('live'), message('{"n":2}'));
  await recorder.end('live', 'done');
  assert.equal(await following, 0);
  await recorder.close();
  assert.match(out, /\{"n":1\}[^]*\{"n":2\}[^]*"because":"done"/);
});

test('a held call is one call with the message that asked for it, though each has an id of its own', async () => {
  await using db = await testDatabase();
  const recorder = recorderOn(db.pool);
  const held = { callId: 'h1', verdict: 'hold' };
  await recorder.append(facts('s'), message('{"asks":1}', { callId: 'c_1', verdict: 'hold' }));
  await recorder.append(
    facts('s'),
    message('{"callId":"h1","asked":"c_1"}', { ...held, kind: 'hold', direction: 'none' }),
  );
  await recorder.append(facts('s'), message('{"answer":1}', { ...held, direction: 'upstream-to-client' }));
  await recorder.close();
  const replay = await replayOf({ reader: createRecordReader(db.pool), keyRing }, 's');
  assert.deepEqual(
    replay?.calls.map(({ callId, events }) => [callId, events]),
    [['h1', [1, 2, 3]]],
  );
});

test('a replay gives calls, holds and their decisions, part by part', async () => {
  await using db = await testDatabase();
  const recorder = recorderOn(db.pool);
  const said = (value: object): Masked<string> => JSON.stringify(value) as Masked<string>;
  const held = { callId: 'h', direction: 'none', verdict: 'hold', bytes: said({}) } as const;
  await recorder.append(facts('s'), message('{"plain":1}', { callId: 'p' }));
  await recorder.append(facts('s'), message('', { ...held, kind: 'hold' }));
  await recorder.append(facts('s'), message('', { ...held, kind: 'decision' }));
  await recorder.append(facts('s'), message('{"plain":2}', { callId: 'p', direction: 'upstream-to-client' }));
  await recorder.append(facts('s'), message('', { ...held, kind: 'outcome' }));
  await recorder.close();
  const deps = { reader: createRecordReader(db.pool), keyRing };
  const replay = await replayOf(deps, 's');
  assert.deepEqual(
    replay?.calls.map(({ callId, events }) => [callId, events]),
    [
      ['p', [1, 4]],
      ['h', [2, 3, 5]],
    ],
  );
  assert.deepEqual(
    replay?.holds.map(({ callId, hold, decisions, outcome }) => [callId, hold, decisions, outcome]),
    [['h', 2, [3], 5]],
  );
  assert.deepEqual([replay?.troubled, replay?.next], [false, null]);
  const first = await replayOf(deps, 's', { limit: 3 });
  assert.ok(first?.next);
  const second = await replayOf(deps, 's', { from: first.next, limit: 100 });
  assert.equal((first.events.length ?? 0) + (second?.events.length ?? 0), replay?.events.length);
  assert.equal(await replayOf(deps, 'nobody'), null);
});

test('paging through sessions leaves none out, however many were opened in the same millisecond', async () => {
  await using db = await testDatabase();
  await db.pool.query(
    `insert into record_sessions (session_id, connection, caller_key, subject, opened_at)
     select 's-' || n, 'postgres', 'k', 'alice', '2026-11-21T10:00:00.123Z'::timestamptz + n * interval '1 microsecond'
     from generate_series(1, 350) n`,
  );
  const found = new Set<string>();
  for await (const { facts } of sessionsOf({ reader: createRecordReader(db.pool) }, {}))
    found.add(facts.sessionId);
  assert.equal(found.size, 350);
});
