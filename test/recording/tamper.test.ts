import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '../support/postgres.ts';
import { attacks, targets, type Target } from './attacks.ts';
import { copyOf } from './copy-of.ts';
import { facts, message, record, recorderOn, sequenceAll, verifyPool } from './support.ts';

/** `HOLDPOINT_TEST_SESSIONS=3000 HOLDPOINT_TEST_ROUNDS=5` for the long run. */
const sessions = Number(process.env['HOLDPOINT_TEST_SESSIONS'] ?? 60);
const rounds = Number(process.env['HOLDPOINT_TEST_ROUNDS'] ?? 1);

const inTheMiddle = ({ seq, last }: Target): boolean => seq > 0 && !last;

test(`every attack on a recording of ${sessions} sessions is found, and named by where it happened`, async (t) => {
  await using db = await testDatabase();
  const kept = await record(db.pool, sessions);
  const untouched = await verifyPool(db.pool, kept);
  assert.deepEqual(untouched.problems, []);
  t.diagnostic(`${untouched.records} records`);
  const all = await targets(db.pool);
  for (let round = 0; round < rounds; round += 1)
    for (const { name, aim = inTheMiddle, needsKept, run } of attacks)
      await t.test(`${name} (${round + 1})`, async () => {
        const aimed = all.filter(aim);
        const target = aimed[Math.floor(Math.random() * aimed.length)];
        const others = aimed.filter(({ sessionId }) => sessionId !== target?.sessionId);
        const other = others[Math.floor(Math.random() * others.length)];
        assert.ok(target && other);
        await using victim = await copyOf(db.url);
        const expected = await run(victim.pool, target, other);
        const { problems } = await verifyPool(victim.pool, needsKept ? kept : []);
        const [first] = problems;
        const told = `aimed at ${JSON.stringify(target)}, found ${JSON.stringify(problems.slice(0, 3))}`;
        assert.ok(first && expected.codes.includes(first.code), told);
        if (expected.index !== undefined) assert.equal(first.index ?? null, expected.index, told);
        if (expected.among !== undefined) {
          assert.ok((first.index ?? Infinity) <= expected.among, told);
          assert.ok(
            problems.some(({ index }) => index === expected.among),
            told,
          );
        }
        if (expected.says) assert.match(first.message, expected.says);
        if (first.code === 'history_changed') {
          const [, from, to] = /between entries (\d+) and (\d+)$/.exec(first.message) ?? [];
          assert.ok(Number(from) <= target.index && target.index <= Number(to), told);
        }
      });
});

test('a database rolled back to an earlier state, and written on, is found by a checkpoint kept elsewhere', async () => {
  await using db = await testDatabase();
  const kept = await record(db.pool, 10);
  await using earlier = await copyOf(db.url);
  const recorder = recorderOn(db.pool);
  await recorder.append(facts('later'), message('{"what":"nobody should know"}'));
  await recorder.close();
  kept.push(await sequenceAll(db.pool));
  const cut = await verifyPool(earlier.pool, kept);
  assert.equal(cut.problems[0]?.code, 'rolled_back');
  assert.equal(cut.problems[0]?.index, cut.entries);
  // Who has the signing key as well can go on from there: the signature is good, the history is another.
  const other = recorderOn(earlier.pool);
  for (let n = 0; n < 3; n += 1) await other.append(facts('later'), message('{"what":"harmless"}'));
  await other.close();
  await sequenceAll(earlier.pool);
  assert.deepEqual((await verifyPool(earlier.pool)).problems, [], 'by itself it looks whole');
  const forked = await verifyPool(earlier.pool, kept);
  assert.equal(forked.problems[0]?.code, 'history_changed');
  assert.equal(forked.problems[0]?.index, cut.entries, 'up to there it is the same');
});
