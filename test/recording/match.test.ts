import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { abandonedSessions } from '../../db/abandoned-sessions.ts';
import type { Masked } from '../../masking/masked.ts';
import { testDatabase } from '../support/postgres.ts';
import { facts, message, readAll, recorderOn, sessions, sessionsDeps } from './support.ts';

test('"was it this?" is answered for a whole message that passed, without the message having been kept', async () => {
  await using db = await testDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-match-'));
  const secret = '{"password":"hunter2-ÄÖÜ"}';
  const recorder = recorderOn(db.pool);
  const masked = '{"password":"[hidden]"}' as Masked<string>;
  await recorder.append(facts('a'), message('', { bytes: masked, unmasked: secret, callId: 'call-7' }));
  await recorder.append(facts('b'), message('', { bytes: masked, unmasked: '{"password":"other"}' }));
  await recorder.close();
  try {
    const file = join(folder, 'candidate');
    let out = '';
    const acts: unknown[] = [];
    const deps = sessionsDeps(db.pool, {
      out: (text) => (out += text),
      recordAct: async (act, details) => void acts.push([act, details]),
    });
    await writeFile(file, `${secret}\n`);
    assert.equal(await sessions(['match', '--all', '--file', file, '--json'], deps), 0);
    const found = JSON.parse(out) as { sessionId: string; seq: number; callId: string }[];
    assert.deepEqual(
      found.map(({ sessionId, seq, callId }) => [sessionId, seq, callId]),
      [['a', 1, 'call-7']],
    );
    assert.equal(await sessions(['match', 'b', '--file', file], deps), 1);
    await writeFile(file, secret.replace('hunter2', 'hunter3'));
    assert.equal(await sessions(['match', 'a', '--file', file], deps), 1);
    assert.match(out, /no message that passed was this/);
    assert.equal(JSON.stringify(acts).includes('hunter'), false, 'what was asked about is not recorded');
    assert.deepEqual(acts[0], ['sessions.match', { sessions: 2, first: 'b' }]);
    assert.equal(await sessions(['match', 'a'], deps), 2);
    await sessions(['purge', 'a', '--reason', 'r'], deps);
    await writeFile(file, secret);
    assert.equal(await sessions(['match', 'a', '--file', file], deps), 1, 'a destroyed key answers nothing');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('sessions that nobody ends any more are found and sealed; those in use, or with a call open, are not', async () => {
  await using db = await testDatabase();
  const clock = (daysAgo: number) => ({
    wallMicros: () => (Date.now() - daysAgo * 86_400_000) * 1000,
    steadyMicros: () => performance.now() * 1000,
  });
  const old = recorderOn(db.pool, { clock: clock(5) });
  for (const id of ['killed', 'used', 'admin/2026-01-01']) await old.append(facts(id), message('{}'));
  const recorder = recorderOn(db.pool);
  await recorder.append(facts('used'), message('{}'));
  await recorder.append(facts('new'), message('{}'));
  await db.pool.query(
    `update record_sessions set opened_at = now() - interval '5 days' where session_id <> 'new'`,
  );
  const found = await abandonedSessions(db.pool, 2 * 86_400_000, 100);
  assert.deepEqual(new Set(found), new Set(['killed', 'admin/2026-01-01']));
  for (const id of found) await recorder.end(id, 'nothing happened for two days');
  assert.deepEqual(await abandonedSessions(db.pool, 2 * 86_400_000, 100), []);
  assert.equal((await readAll(db.pool, 'killed')).at(-1)?.kind, 'end');
  await Promise.all([old.close(), recorder.close()]);
});
