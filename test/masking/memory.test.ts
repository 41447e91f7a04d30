import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { defaultMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { createMaskMemory } from '../../masking/known-values.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
after(() => setFlagsFromString('--no-expose-gc'));

const engine = createMaskingEngine(defaultMaskingConfig);
const long = 'lorem ipsum dolor sit amet '.repeat(740);
const letters = (n: number): string =>
  String.fromCharCode(97 + (n % 26), 97 + (Math.floor(n / 26) % 26), 97 + (Math.floor(n / 676) % 26));
// Written as text: objects with such keys would themselves be what keeps them.
const reply = (content: string): string => `{"jsonrpc":"2.0","id":1,"result":${content}}`;
const text = (said: string): string => reply(`{"content":[{"type":"text","text":"${said}"}]}`);

const messages: readonly [string, (n: number) => string][] = [
  ['a secret', (n) => text(`${long} ghp_${String(n).padStart(36, 'q7X4vK9z2Jw8')} ${n}`)],
  ['a name', (n) => text(`${long} some_setting_of_${letters(n)}_name = 5; ${n}`)],
  [
    'a key',
    (n) =>
      reply(
        `{"text":"${long}","a key of its own, more than sixty-four characters long for certain: ${n}!":1}`,
      ),
  ],
  ['a key of kilobytes', (n) => reply(`{"${long}${n}":"a1b2c3d4e5f6a7b8c9d0"}`)],
];

for (const [what, make] of messages)
  test(`what is remembered of a message with ${what} of its own is never the message`, () => {
    const masker = engine.masker('default', { memory: createMaskMemory() });
    for (let n = 0; n < 20; n += 1) masker.message(make(n));
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let n = 20; n < 620; n += 1) masker.message(make(n));
    collect();
    const grown = process.memoryUsage().heapUsed - before;
    // 600 messages of 20 KB are 12 MB.
    assert.ok(grown < 4_000_000, `${(grown / 1e6).toFixed(1)} MB`);
  });
