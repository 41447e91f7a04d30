import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';

const nonceLength = 12;
const tagLength = 16;

/**
 * Seals bytes with AES-256-GCM under a random nonce. `context` is authenticated but not stored: unsealing needs
 * the same context, so a sealed value cannot be moved to another row.
 * @returns nonce (12 bytes), ciphertext, tag (16 bytes)
 */
export function seal(key: Uint8Array, plaintext: Uint8Array, context: string): Buffer {
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv('aes-256-gcm', createSecretKey(key), nonce);
  cipher.setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/**
 * Opens what {@link seal} made.
 * @throws Error when the key, the context or a single bit is wrong
 */
export function unseal(key: Uint8Array, sealed: Uint8Array, context: string): Buffer {
  if (sealed.length < nonceLength + tagLength) throw new Error('sealed value is too short to be one');
  const decipher = createDecipheriv('aes-256-gcm', createSecretKey(key), sealed.subarray(0, nonceLength));
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(sealed.subarray(sealed.length - tagLength));
  return Buffer.concat([
    decipher.update(sealed.subarray(nonceLength, sealed.length - tagLength)),
    decipher.final(),
  ]);
}
