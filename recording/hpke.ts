import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';

/** An AEAD of RFC 9180, section 7.3. */
export interface HpkeAead {
  readonly id: number;
  readonly name: 'aes-128-gcm' | 'aes-256-gcm';
  readonly keyLength: number;
}

/** The one in use here. */
export const aes256Gcm: HpkeAead = { id: 2, name: 'aes-256-gcm', keyLength: 32 };

/** What both sides bind a sealed text to. */
export interface HpkeContext {
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
  readonly aead?: HpkeAead;
}

/** Length of the encapsulated key in front of a sealed text. */
const encLength = 32;
const tagLength = 16;
/** DHKEM(X25519, HKDF-SHA256) with HKDF-SHA256. */
const kemId = 0x0020;
const kdfId = 0x0001;
const kemSuite = Buffer.from([0x4b, 0x45, 0x4d, kemId >> 8, kemId & 0xff]); // "KEM", id
const version = Buffer.from('HPKE-v1');
const none = Buffer.alloc(0);

/**
 * Seals to a public key as RFC 9180 says, base mode, single shot: only the private key opens it, and whoever seals keeps
 * nothing that could. Every text has an ephemeral key of its own.
 * @param publicKey X25519
 * @param ephemeral for test vectors only
 * @returns encapsulated key (32 bytes), ciphertext, tag (16 bytes)
 */
export function sealTo(
  publicKey: KeyObject,
  plaintext: Uint8Array,
  context: HpkeContext,
  ephemeral: KeyObject = generateKeyPairSync('x25519').privateKey,
): Buffer {
  const enc = rawPublicKey(createPublicKey(ephemeral));
  const shared = diffieHellman({ privateKey: ephemeral, publicKey });
  const { name, key, nonce } = schedule(shared, enc, rawPublicKey(publicKey), context);
  const cipher = createCipheriv(name, key, nonce, { authTagLength: tagLength });
  cipher.setAAD(context.aad);
  return Buffer.concat([enc, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/**
 * Opens what {@link sealTo} made.
 * @throws Error when the key, the context or a single bit is wrong
 */
export function openWith(privateKey: KeyObject, sealed: Uint8Array, context: HpkeContext): Buffer {
  if (sealed.length < encLength + tagLength) throw new Error('a sealed copy is too short to be one');
  const enc = sealed.subarray(0, encLength);
  const shared = diffieHellman({ privateKey, publicKey: x25519PublicKey(enc) });
  const own = rawPublicKey(createPublicKey(privateKey));
  const { name, key, nonce } = schedule(shared, enc, own, context);
  const at = sealed.length - tagLength;
  const decipher = createDecipheriv(name, key, nonce, { authTagLength: tagLength });
  decipher.setAAD(context.aad);
  decipher.setAuthTag(sealed.subarray(at));
  return Buffer.concat([decipher.update(sealed.subarray(encLength, at)), decipher.final()]);
}

/** A raw X25519 public key, 32 bytes, as a key object. */
export function x25519PublicKey(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: base64url(raw) }, format: 'jwk' });
}

/** A raw X25519 private key, 32 bytes, as a key object. */
export function x25519PrivateKey(raw: Uint8Array): KeyObject {
  // PKCS #8 (RFC 8410) of a raw key; a JWK would need the public key as well.
  const prefix = Buffer.from('302e020100300506032b656e04220420', 'hex');
  return createPrivateKey({ key: Buffer.concat([prefix, raw]), format: 'der', type: 'pkcs8' });
}

/** The 32 bytes of an X25519 public key. */
export function rawPublicKey(publicKey: KeyObject): Buffer {
  return Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
}

function base64url(raw: Uint8Array): string {
  return Buffer.from(raw).toString('base64url');
}

/** RFC 9180, sections 4.1 (Encap, Decap) and 5.1 (key schedule, base mode). */
function schedule(
  shared: Buffer,
  enc: Uint8Array,
  recipient: Uint8Array,
  { info, aead = aes256Gcm }: HpkeContext,
): { name: HpkeAead['name']; key: KeyObject; nonce: Buffer } {
  const kem = labeled(kemSuite);
  const prk = kem.extract(none, 'eae_prk', shared);
  const secret = kem.expand(prk, 'shared_secret', Buffer.concat([enc, recipient]), 32);
  const suite = labeled(
    Buffer.from([0x48, 0x50, 0x4b, 0x45, kemId >> 8, kemId & 0xff, kdfId >> 8, kdfId & 0xff, 0, aead.id]),
  );
  const mode = Buffer.from([0]);
  const bound = Buffer.concat([
    mode,
    suite.extract(none, 'psk_id_hash', none),
    suite.extract(none, 'info_hash', info),
  ]);
  const master = suite.extract(secret, 'secret', none);
  return {
    name: aead.name,
    key: createSecretKey(suite.expand(master, 'key', bound, aead.keyLength)),
    nonce: suite.expand(master, 'base_nonce', bound, 12),
  };
}

/** LabeledExtract and LabeledExpand of RFC 9180, section 4; nothing here is longer than one hash. */
function labeled(suite: Uint8Array): {
  extract(salt: Uint8Array, label: string, input: Uint8Array): Buffer;
  expand(prk: Uint8Array, label: string, info: Uint8Array, length: number): Buffer;
} {
  const hmac = (key: Uint8Array, parts: readonly Uint8Array[]): Buffer =>
    createHmac('sha256', createSecretKey(key)).update(Buffer.concat(parts)).digest();
  return {
    extract: (salt, label, input) =>
      hmac(salt.length === 0 ? Buffer.alloc(32) : salt, [version, suite, Buffer.from(label), input]),
    expand: (prk, label, info, length) => {
      const long = Buffer.from([length >> 8, length & 0xff]);
      const text = [long, version, suite, Buffer.from(label), info, Buffer.from([1])];
      return hmac(prk, text).subarray(0, length);
    },
  };
}
