import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { createMaskMemory } from '../../masking/known-values.ts';
import { createMaskPool, largeTextLength, maskLarge } from '../../masking/large.ts';

const pseudonymKey = new Uint8Array(32).fill(3);
const engine = createMaskingEngine(defaultMaskingConfig, pseudonymKey);
const large = JSON.stringify({
  rows: Array.from({ length: 4_000 }, (_, i) => ({
    id: i,
    mail: `user${i}@example.com`,
    note: 'nothing here',
  })),
});

test('a large text is masked in a worker exactly as it would be at once, and the memory comes back', async () => {
  const pool = createMaskPool({ config: defaultMaskingConfig, pseudonymKey });
  try {
    assert.ok(large.length > largeTextLength);
    const memory = createMaskMemory();
    const text = large.replace('nothing here', 'password: blue-Harbor-77');
    const [first, second] = await Promise.all([
      pool.mask('json', 'default', text, { memory }),
      maskLarge(pool, engine.masker('default'), 'json', 'default', large),
    ]);
    assert.equal(first.text, engine.masker('default').json(text).text);
    assert.equal(second.text, engine.masker('default').json(large).text);
    assert.equal(memory.values.get('blue-Harbor-77'), 'password');
  } finally {
    await pool.close();
  }
});

test('a worker that cannot mask rejects, the next text gets a new one, and a closed pool takes nothing', async () => {
  const pool = createMaskPool({ config: defaultMaskingConfig, pseudonymKey });
  await assert.rejects(pool.mask('text', 'no such profile', 'x'), /worker failed/);
  assert.equal((await pool.mask('text', 'default', 'to alice@example.com')).text, 'to [masked:email]');
  await pool.close();
  await assert.rejects(pool.mask('text', 'default', 'x'), /closed/);
});

test('a text that takes too long is refused rather than waited for', async () => {
  const pool = createMaskPool({ config: defaultMaskingConfig, pseudonymKey }, { timeLimitMs: 1 });
  try {
    await assert.rejects(pool.mask('json', 'default', large), /longer than 1 ms/);
  } finally {
    await pool.close();
  }
});
