import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import {
  type HpkeAead,
  openWith,
  rawPublicKey,
  sealTo,
  x25519PrivateKey,
  x25519PublicKey,
} from '../../recording/hpke.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

test('sealing to a public key gives the bytes of RFC 9180, appendix A.1.1', () => {
  const aead: HpkeAead = { id: 1, name: 'aes-128-gcm', keyLength: 16 };
  const recipient = hex('3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d');
  const secret = x25519PrivateKey(hex('4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8'));
  const ephemeral = x25519PrivateKey(hex('52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736'));
  const context = {
    aead,
    info: hex('4f6465206f6e2061204772656369616e2055726e'),
    aad: hex('436f756e742d30'),
  };
  const plaintext = hex('4265617574792069732074727574682c20747275746820626561757479');
  const sealed = sealTo(x25519PublicKey(recipient), plaintext, context, ephemeral);
  assert.equal(
    sealed.toString('hex'),
    '37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431' +
      'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a',
  );
  assert.deepEqual(openWith(secret, sealed, context), plaintext);
});

test('what was sealed opens with its own key and context only, and with every bit as it was', () => {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const context = { info: Buffer.from('copy'), aad: Buffer.from('session') };
  const secret = Buffer.from('4111 1111 1111 1111');
  const sealed = sealTo(x25519PublicKey(rawPublicKey(publicKey)), secret, context);
  assert.deepEqual(openWith(privateKey, sealed, context), secret);
  assert.notDeepEqual(sealTo(publicKey, secret, context), sealed, 'no two look alike');
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.throws(() => openWith(privateKey, changed, context), `byte ${at}`);
  }
  assert.throws(() => openWith(generateKeyPairSync('x25519').privateKey, sealed, context));
  assert.throws(() => openWith(privateKey, sealed, { ...context, aad: Buffer.from('other') }));
  assert.throws(() => openWith(privateKey, sealed, { ...context, info: Buffer.from('other') }));
  assert.throws(() => openWith(privateKey, sealed.subarray(0, 40), context));
  assert.throws(() => openWith(privateKey, Buffer.concat([Buffer.alloc(32), sealed.subarray(32)]), context));
});
