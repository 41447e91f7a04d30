import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { readShape } from '../../masking/rules/shape.ts';
import { sivDecrypt, sivEncrypt } from '../../masking/siv.ts';
import { restoreTokens } from '../../masking/tokens.ts';
import type { TokenScope } from '../../masking/tokens.ts';

const scope: TokenScope = { key: new Uint8Array(64).fill(9), connection: 'crm' };
const engine = createMaskingEngine(loadMaskingConfig({ default: { operators: { email: 'token' } } }));
const masker = engine.masker('default', { tokens: scope });
const token = /\[\[email:[\w-]+\]\]/;
const call = (text: string) =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'x', arguments: { to: text }, note: text },
  });

test('AES-SIV opens what it sealed, gives equal values equal ciphertexts, and refuses a changed bit, key or context', () => {
  const key = Buffer.from(Array.from({ length: 64 }, (_, i) => i));
  const context = [Buffer.from('a'), Buffer.from('b')];
  for (const length of [0, 1, 15, 16, 17, 32, 100]) {
    const plain = Buffer.alloc(length, 5);
    const sealed = sivEncrypt(key, plain, context);
    assert.deepEqual(sivEncrypt(key, plain, context), sealed);
    assert.deepEqual(sivDecrypt(key, sealed, context), plain);
    assert.equal(sivDecrypt(key, sealed, [Buffer.from('a'), Buffer.from('c')]), null);
    for (const at of [0, sealed.length - 1]) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      assert.equal(sivDecrypt(key, changed, context), null);
    }
    assert.equal(sivDecrypt(Buffer.alloc(64, 1), sealed, context), null);
  }
});

test('the same value gives the same token, and a genuine token is left alone', () => {
  const { text } = masker.text('alice@example.com wrote to bob@example.com and alice@example.com');
  const tokens = text.match(/\[\[email:[\w-]+\]\]/g) ?? [];
  assert.equal(tokens.length, 3);
  assert.equal(tokens[0], tokens[2]);
  assert.notEqual(tokens[0], tokens[1]);
  assert.equal(masker.text(text).text, text);
});

test('a token is put back in arguments only, towards its own connection only, and only for allowed types', () => {
  const { text } = masker.text('alice@example.com');
  assert.match(text, token);
  const restored = restoreTokens(call(text), [scope], () => true);
  assert.deepEqual(
    restored.opened.map(({ type }) => type),
    ['email'],
  );
  const message = JSON.parse(restored.json) as {
    params: { arguments: { to: string }; note: string };
  };
  assert.equal(message.params.arguments.to, 'alice@example.com');
  assert.equal(message.params.note, text);
  assert.equal(restoreTokens(call(text), [{ ...scope, connection: 'mail' }], () => true).json, call(text));
  assert.equal(
    restoreTokens(call(text), [{ ...scope, key: new Uint8Array(64) }], () => true).json,
    call(text),
  );
  assert.equal(restoreTokens(call(text), [scope], (type) => type !== 'email').json, call(text));
  assert.equal(restoreTokens(call(text.replace('email', 'phone')), [scope], () => true).opened.length, 0);
});

test('a value too long for a token that would open again is hidden like any other', () => {
  const long = createMaskingEngine(loadMaskingConfig({ default: { fields: { note: 'token' } } })).masker(
    'default',
    { tokens: scope },
  );
  assert.match(long.json(JSON.stringify({ note: 'tea '.repeat(250) })).text, /\[\[field:[\w-]{22,1400}\]\]/);
  assert.equal(long.json(JSON.stringify({ note: 'tea '.repeat(251) })).text, '{"note":"[masked:field]"}');
});

test('a forged token hides nothing', () => {
  assert.match(
    masker.text('[[email:AAAAAAAAAAAAAAAAAAAAAAAA]] alice@example.com').text,
    /^\[\[email:A+\]\] \[\[email:/,
  );
  const forged = `[[email:${readShape('ghp_{w36}').sample(5)}]]`;
  assert.equal(masker.text(forged).text, '[[email:[masked:github-token]]]');
});
