import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultMaskingConfig, loadMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { mayRestore, profileAt } from '../../masking/places.ts';
import { places } from './message-places.ts';

const masker = createMaskingEngine(defaultMaskingConfig).masker('default');
const canaries = [
  'ghp_q7X4vK9z2Jw8Mt5PhB3nQ7x4Vk9Z2jW8mT5p',
  'canary.person@corp.example',
  'DE89 3704 0044 0532 0130 00',
];

test('a planted secret leaves no place of any MCP message in clear, and the message stays one', () => {
  const left: string[] = [];
  for (const [place, make] of Object.entries(places)) {
    for (const canary of canaries) {
      // In addresses that the protocol works with, secrets alone are hidden.
      if (!canary.startsWith('ghp_') && /uri|link|address|updated/.test(place)) continue;
      for (const wrap of [(m: unknown) => m, (m: unknown) => [m]]) {
        const message = wrap({ jsonrpc: '2.0', id: 7, ...(make(canary) as object) });
        for (const space of [0, 2]) {
          const text = JSON.stringify(message, null, space);
          const masked = masker.message(text).text;
          const clear = [
            canary,
            encodeURIComponent(canary),
            Buffer.from(canary).toString('base64').slice(0, 20),
          ];
          if (clear.some((one) => masked.includes(one))) left.push(`${place}: ${canary}\n  ${masked}`);
          assert.doesNotThrow(() => JSON.parse(masked), place);
          assert.equal(masker.message(masked).text, masked, place);
        }
      }
    }
  }
  assert.deepEqual(left, []);
});

test('half a surrogate pair in a message of a server does not keep the rest from being masked as JSON', () => {
  const masked = masker.message(
    '{"jsonrpc":"2.0","id":1,"result":{"a":"\\ud800","password":"a\\"b-17","n":1}}',
  ).text;
  assert.equal(
    masked,
    '{"jsonrpc":"2.0","id":1,"result":{"a":"\\ud800","password":"[masked:password]","n":1}}',
  );
});

test('profiles are chosen by connection, tool and group, the first that fits; tokens open only where a pair says so', () => {
  const { uses, restore } = loadMaskingConfig({
    strict: { images: 'drop' },
    loose: { except: ['ip'] },
    use: [
      { connection: 'crm*', tool: ['read_*'], profile: 'loose' },
      { group: ['contractors'], profile: 'strict' },
    ],
    restore: [{ from: 'crm', to: 'mail', types: ['email', 'secrets'] }],
  });
  const at = (connection: string, tool: string, ...groups: string[]) =>
    profileAt(uses, { connection, tool, groups });
  assert.equal(at('crm-eu', 'read_all'), 'loose');
  assert.equal(at('crm-eu', 'write', 'contractors'), 'strict');
  assert.equal(at('other', 'read_all'), 'default');
  assert.equal(at('my-crm', 'read_all'), 'default', 'the whole name must fit');
  assert.equal(at('crm-eu', 'pre_read_all'), 'default');
  assert.equal(
    profileAt([{ connection: ['crm'], tool: null, group: null, profile: 'loose' }], {
      connection: 'crm-eu',
      tool: '',
      groups: [],
    }),
    'default',
  );
  assert.ok(mayRestore(restore, 'phone', 'crm', 'crm'));
  assert.ok(!mayRestore(restore, 'github-token', 'crm', 'crm'));
  assert.ok(mayRestore(restore, 'github-token', 'crm', 'mail'));
  assert.ok(!mayRestore(restore, 'phone', 'crm', 'mail'));
  assert.ok(!mayRestore(restore, 'email', 'other', 'mail'), 'from nowhere else');
  assert.ok(!mayRestore(restore, 'email', 'crm', 'other'), 'and to nowhere else');
  assert.throws(() => loadMaskingConfig({ use: [{ profile: 'nobody' }] }), /profile must be one of default/);
  assert.throws(
    () => loadMaskingConfig({ restore: [{ from: 'a', to: 'b', types: ['nothing'] }] }),
    /types must be/,
  );
});

test('texts that a profile allows are left alone, and nothing else is', () => {
  const config = loadMaskingConfig({ default: { allow: ['AKIAIOSFODNN7EXAMPLE', 'noreply@corp.example'] } });
  const own = createMaskingEngine(config).masker('default');
  assert.equal(
    own.text('AKIAIOSFODNN7EXAMPLE noreply@corp.example other@corp.example').text,
    'AKIAIOSFODNN7EXAMPLE noreply@corp.example [masked:email]',
  );
});
