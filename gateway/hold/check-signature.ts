import { createPublicKey, verify } from 'node:crypto';

/** Checks an Ed25519 signature (RFC 8032) by OpenSSL; a key or signature that is none is not right. */
export function checkSignature(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  const x = Buffer.from(publicKey).toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return verify(null, message, key, signature);
}
