import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { type Seen, walk } from './cell.ts';
import { expected, sightOf } from './expected.ts';
import { checkRecords } from './records.ts';
import { type Scene, startScene } from './scene.ts';
import { type Cell, cells } from './steps.ts';

/** Each process once where it hurts most. `npm run walk` walks all; `HOLDPOINT_TEST_WALK=7w,12s` some. */
const quick = '14g,19g,13w,12s,13t,18p';
const wanted = process.env['HOLDPOINT_TEST_WALK'] ?? quick;
const walked = cells.filter(({ id }) => wanted === 'all' || wanted.split(',').includes(id));
const file = process.env['HOLDPOINT_TEST_WALK_SEEN'];

let scene: Scene;
const seen: Seen[] = [];
before(async () => {
  scene = await startScene();
});
after(() => scene[Symbol.asyncDispose]());

for (const cell of walked) {
  const { id, step, victim } = cell;
  test(`${id}: kill -9 of ${victim} at "${step.name}": it runs once or is known not to, and everybody sees the same`, async (t) => {
    const one = await walk(scene, cell);
    seen.push(one);
    t.diagnostic(JSON.stringify(one));
    if (file) appendFileSync(file, `${JSON.stringify({ id, ...one })}\n`);
    checkPromises(one, cell);
    assert.deepEqual(sightOf(one, expected(cell)), expected(cell));
  });
}

test('what was walked is recorded as a whole, and the recording verifies', async () => {
  await checkRecords(scene, seen);
});

/** What holds in every cell, whatever is killed and when. */
function checkPromises({ told, runs, approver, cards, rows }: Seen, { step, victim }: Cell): void {
  const last = rows.at(-1);
  assert.ok(runs <= 1, `upstream ran it ${runs} times`);
  assert.equal(told.at(-1) === 'result', last?.state === 'succeeded', 'the client is told what the row says');
  if (last?.state === 'succeeded') assert.equal(runs, 1, 'a result without a run');
  else assert.equal(last?.state, 'unknown', 'what is neither known to have run nor known not to says so');
  for (const { state, workflow, voters } of rows) {
    if (workflow)
      assert.deepEqual(workflow, { status: 'COMPLETED', shows: state }, 'Temporal shows what the row says');
    assert.equal(voters, state === 'aborted' ? 0 : 1, 'one decision, of one person');
  }
  for (const { open } of cards) assert.equal(open, false, 'a card that still asks');
  const words = last?.state === 'succeeded' ? /Approved and executed/ : /Outcome unknown/;
  assert.match(cards.at(-1)?.text ?? '', words, 'the card says what the row says');
  const needsMore = step.name === 'card planned' || step.name === 'card posted';
  assert.equal(approver.clicks - approver.lookedAgain, 1, 'somebody had to decide twice');
  if (!needsMore) assert.equal(approver.lookedAgain, 0, 'somebody had to look again');
  if (victim !== 'slack' && victim !== 'postgres') assert.equal(approver.lost, 0, 'a click was lost');
}
