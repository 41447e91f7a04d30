import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultMaskingConfig, loadMaskingConfig } from '../../masking/check-config.ts';
import { carried, carry } from '../../masking/carried-text.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { createMaskMemory } from '../../masking/known-values.ts';
import { MaskingError } from '../../masking/engine.ts';
import { createMaskPool, largeTextLength } from '../../masking/large.ts';

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
    const found: [string, number][] = [];
    const pooled = createMaskingEngine(defaultMaskingConfig, pseudonymKey, pool).masker('default', {
      memory,
      onFound: (detector, times) => found.push([detector, times]),
    });
    const [first, second] = await Promise.all([pooled.later.message(text), pooled.later.json(large)]);
    const atOnce = engine.masker('default').message(text);
    assert.equal(first.text, atOnce.text);
    assert.deepEqual(first.findings, atOnce.findings);
    assert.equal(second.text, engine.masker('default').json(large).text);
    assert.deepEqual(found, [
      ['email', 4_000],
      ['password', 1],
    ]);
    assert.equal(memory.values.get('blue-Harbor-77'), 'password');
  } finally {
    await pool.close();
  }
});

test('what was put in for tokens, and the tokens of a session, are known to the worker too', async () => {
  const config = loadMaskingConfig({ default: { operators: { email: 'token' } } });
  const pool = createMaskPool({ config, pseudonymKey });
  try {
    const tokens = { key: new Uint8Array(64).fill(9), connection: 'crm' };
    const options = { tokens, restored: new Map([['Bluebird', 'field']]) };
    const masker = createMaskingEngine(config, pseudonymKey, pool).masker('default', options);
    const words = 'nothing here to hide, '.repeat(2_000);
    const json = JSON.stringify({ words, said: 'call Bluebird, or alice@example.com' });
    const { text } = await masker.later.message(json);
    assert.equal(text, masker.message(json).text);
    assert.ok(!text.includes('Bluebird'));
    assert.match(text, /call \[masked:field\], or \[\[email:/);
    assert.equal((await masker.later.message(text)).text, text, 'a genuine token is left alone');
  } finally {
    await pool.close();
  }
});

test('a worker that cannot mask rejects, the next text gets a new one, and a closed pool takes nothing', async () => {
  const pool = createMaskPool({ config: defaultMaskingConfig, pseudonymKey });
  await assert.rejects(
    pool.mask('text', 'no such profile', 'x'),
    (error) => error instanceof MaskingError && error.code === 'masking_failed',
  );
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

test('a pool whose policy has gone still masks for who has it, and texts beyond what may wait are refused', async () => {
  const pool = createMaskPool({ config: defaultMaskingConfig, pseudonymKey });
  try {
    await pool.mask('text', 'default', 'first');
    pool.retire();
    assert.equal((await pool.mask('text', 'default', 'to alice@example.com')).text, 'to [masked:email]');
    const huge = ' '.repeat(40 * 1_024 * 1_024);
    const results = await Promise.allSettled(
      [1, 2, 3].map(async () => await pool.mask('text', 'default', huge)),
    );
    const refused = results.filter((result) => result.status === 'rejected');
    assert.deepEqual(
      refused.map(({ reason }) => (reason as MaskingError).code),
      ['masking_busy'],
    );
  } finally {
    await pool.close();
  }
});

test('a large message leaves the event loop free while it is masked', async () => {
  const pool = createMaskPool({ config: defaultMaskingConfig, pseudonymKey });
  try {
    const masker = createMaskingEngine(defaultMaskingConfig, pseudonymKey, pool).masker('default');
    await masker.later.json(large);
    const state = { turns: 0, masked: false };
    const turn = (): void => {
      state.turns += 1;
      if (!state.masked) setImmediate(turn);
    };
    turn();
    await masker.later.json(`[${Array.from({ length: 8 }, () => large).join()}]`);
    state.masked = true;
    assert.ok(state.turns > 50, `the loop turned ${state.turns} times`);
  } finally {
    await pool.close();
  }
});

test('a text is the same behind a thread, whatever its characters', () => {
  for (const text of ['', 'plain', 'é\u00ff\0', 'Ω and \ud83d\ude00', 'half \ud800 pair', '\udc00']) {
    const { bytes, width } = carry(text);
    assert.equal(bytes.byteLength, text.length * width);
    assert.equal(carried({ bytes, width }), text);
  }
});
