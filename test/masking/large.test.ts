import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultMaskingConfig, loadMaskingConfig } from '../../masking/check-config.ts';
import { carried, carry } from '../../masking/carried-text.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { createMaskMemory, remember } from '../../masking/known-values.ts';
import { MaskingError } from '../../masking/engine.ts';
import { startPooledMasking } from '../../cli/roles/mask-pool.ts';
import { createMaskPool, largeTextLength } from '../../masking/large.ts';
import { replaceText } from '../../masking/replace.ts';

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
  const config = loadMaskingConfig({ default: { operators: { email: 'token', password: 'pseudonym' } } });
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
    const named = JSON.stringify({ words, password: 'blue-Harbor-77' });
    assert.equal((await masker.later.message(named)).text, masker.message(named).text, 'under one key');
    const memory = createMaskMemory();
    remember(memory, 'other-Value-92', 'credential');
    const knowing = createMaskingEngine(config, pseudonymKey, pool).masker('default', { memory });
    const later = await knowing.later.message(JSON.stringify({ words, said: 'was it other-Value-92?' }));
    assert.ok(!later.text.includes('other-Value-92'), 'and knows what the session knows');
  } finally {
    await pool.close();
  }
});

test('what waits when policy changes is masked by the policy of before, and what waits when all ends is refused', async () => {
  const masking = startPooledMasking(defaultMaskingConfig, pseudonymKey);
  const former = masking.engine().masker('default');
  // More than there are threads, so that some of them wait.
  const texts = Array.from({ length: 8 }, (_, at) => JSON.stringify({ at, large }));
  const under = Promise.all(texts.map((text) => former.later.json(text)));
  masking.change(loadMaskingConfig({ default: { except: ['email'] } }));
  for (const { text } of await under) assert.doesNotMatch(text, /@example\.com/);
  assert.match((await masking.engine().masker('default').later.json(large)).text, /user1@example\.com/);
  const last = Promise.allSettled(texts.map((text) => former.later.json(text)));
  await masking.close();
  for (const one of await last)
    if (one.status === 'fulfilled') assert.doesNotMatch(one.value.text, /@example\.com/);
    else assert.ok(one.reason instanceof MaskingError, String(one.reason));
  assert.ok((await last).some(({ status }) => status === 'rejected'));
});

test('hashes and pseudonyms are under a key, the last four of what is short are not shown, and a kept shape keeps nothing else', () => {
  const keys = (fill: number) => ({ pseudonymKey: new Uint8Array(32).fill(fill), tokens: undefined });
  for (const operator of ['hash', 'pseudonym'] as const) {
    const shown = replaceText(operator, 'email', 'ann@corp.example', keys(1));
    assert.equal(replaceText(operator, 'email', 'ann@corp.example', keys(1)), shown);
    assert.notEqual(replaceText(operator, 'email', 'ann@corp.example', keys(2)), shown, 'another key');
    assert.notEqual(replaceText(operator, 'phone', 'ann@corp.example', keys(1)), shown, 'another detector');
  }
  assert.equal(replaceText('partial', 'password', 'abcd1234', keys(1)), '[masked:password]');
  assert.equal(replaceText('partial', 'card', '4111 1111 1111 1234', keys(1)), '[masked:card …1234]');
  assert.equal(replaceText('format', 'phone', '+0123456789 AZaz ü-é', keys(1)), '+0000000000 XXxx x-x');
});

test('a session remembers the newest two thousand values', () => {
  const memory = createMaskMemory();
  for (let at = 0; at < 2_100; at += 1) remember(memory, `value-${at}-x`, 'credential');
  assert.equal(memory.values.size, 2_000);
  assert.ok(!memory.values.has('value-99-x') && memory.values.has('value-100-x'));
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
