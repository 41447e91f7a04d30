import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTurns } from '../../workflows/turns.ts';

test('a burst takes turns, in order, and a failure gives its turn to the next', async () => {
  const turns = createTurns({ atOnce: 2, waitMs: 5000 });
  let running = 0;
  let most = 0;
  const order: number[] = [];
  const done = await Promise.allSettled(
    Array.from({ length: 9 }, async (_, n) =>
      turns.take(async () => {
        order.push(n);
        most = Math.max(most, ++running);
        await sleep(5);
        running--;
        if (n === 3) throw new Error('that one');
      }),
    ),
  );
  assert.equal(most, 2);
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  assert.equal(done.filter(({ status }) => status === 'rejected').length, 1);
});

test('whoever waits too long is told so, is never begun, and takes nobody’s turn', async () => {
  const turns = createTurns({ atOnce: 1, waitMs: 20 });
  let end = (): void => {};
  const first = turns.take(async () => new Promise<void>((resolve) => (end = resolve)));
  let begun = false;
  await assert.rejects(
    turns.take(async () => {
      begun = true;
    }),
    /no turn came within 20 ms/,
  );
  end();
  await first;
  assert.equal(begun, false);
  assert.equal(await turns.take(async () => 'next'), 'next');
});
