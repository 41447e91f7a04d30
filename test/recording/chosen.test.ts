import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { timeSpanOf } from '../../cli/commands/sessions-chosen.ts';
import { testDatabase } from '../support/postgres.ts';
import { facts, message, recorderOn, sequenceAll, sessions, sessionsDeps } from './support.ts';

test('an export takes a session, a person, or a span of time, and each session once', async () => {
  await using db = await testDatabase();
  const day = 86_400_000;
  for (const [id, subject, key] of [
    ['a1', 'alice', 'oidc:x#alice'],
    ['a2', 'alice', 'oidc:x#alice'],
    ['b1', 'bob', 'oidc:x#bob'],
  ] as const) {
    const recorder = recorderOn(db.pool);
    await recorder.append(facts(id, { subject, callerKey: key }), message('{}'));
    await recorder.end(id, 'over');
    await recorder.close();
  }
  await sequenceAll(db.pool);
  await db.pool.query(
    `update record_sessions set opened_at = opened_at - interval '9 days', ended_at = ended_at - interval '9 days' where session_id = 'a1'`,
  );
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-chosen-'));
  let err = '';
  const deps = sessionsDeps(db.pool, { err: (text) => (err += text) });
  const exported = async (...words: string[]): Promise<string[]> => {
    const out = join(folder, String(Math.random()));
    assert.equal(await sessions(['export', ...words, '--out', out], deps), 0, err);
    const names = await readdir(join(out, 'sessions'));
    const found = names.map(async (name) => {
      const said = JSON.parse(await readFile(join(out, 'sessions', name, 'session.json'), 'utf8')) as {
        facts: { sessionId: string };
      };
      return said.facts.sessionId;
    });
    return (await Promise.all(found)).toSorted();
  };
  try {
    assert.deepEqual(await exported('a1'), ['a1']);
    assert.deepEqual(await exported('alice', 'a1'), ['a1', 'a2']);
    assert.deepEqual(await exported('oidc:x#bob', 'a1'), ['a1', 'b1']);
    const lastWeek = `${new Date(Date.now() - 7 * day).toISOString()}..`;
    assert.deepEqual(await exported(lastWeek), ['a2', 'b1']);
    assert.deepEqual(await exported('alice', '7d'), ['a2']);
    assert.deepEqual(await exported('--all', '--subject', 'alice'), ['a1', 'a2']);
    for (const words of [['nobody'], ['alice', 'nobody']])
      assert.equal(await sessions(['export', ...words, '--out', join(folder, 'x')], deps), 1);
    for (const words of [[], ['7d', '24h'], ['2026-02-01..2026-01-01'], ['alice', '--all']])
      assert.equal(
        await sessions(['export', ...words, '--out', join(folder, 'x')], deps),
        2,
        words.join(' '),
      );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a span of time is told from a name', () => {
  const now = new Date('2026-11-21T12:00:00Z');
  const span = (word: string) => timeSpanOf(word, now);
  assert.deepEqual(span('24h'), { from: new Date('2026-11-20T12:00:00Z') });
  assert.deepEqual(span('2026-11-01..2026-11-08'), {
    from: new Date('2026-11-01'),
    to: new Date('2026-11-08'),
  });
  assert.deepEqual(span('..2026-11-08T10:00:00Z'), { to: new Date('2026-11-08T10:00:00Z') });
  for (const name of ['alice', 'a..b', '..', 'x..', 'alice@example.com', 'oidc:https://x#1..2'])
    assert.equal(span(name), null, name);
});
