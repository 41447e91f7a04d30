import type { KeyObject } from 'node:crypto';
import { importJWK, jwtVerify, SignJWT } from 'jose';

/**
 * Signs what a person did with the key that signs votes: whoever writes to the database cannot make one.
 * @param type tells statements of one kind from all others: `holdpoint-definition+jwt`
 * @returns JWS compact
 */
export async function signStatement(
  type: string,
  claims: Readonly<Record<string, unknown>>,
  voteKey: { readonly id: string; readonly privateKey: KeyObject },
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'EdDSA', typ: type, kid: voteKey.id })
    .sign(voteKey.privateKey);
}

/**
 * Checks a stored statement.
 * @param publicKeys raw Ed25519 public keys in base64url, by key id
 * @returns its claims; null when the signature, the key id or the type is wrong
 */
export async function verifyStatement<Claims>(
  type: string,
  jws: string,
  publicKeys: Readonly<Record<string, string>>,
): Promise<Claims | null> {
  try {
    const { payload } = await jwtVerify(
      jws,
      async ({ kid }) => {
        const x = kid !== undefined && Object.hasOwn(publicKeys, kid) ? publicKeys[kid] : undefined;
        if (x === undefined) throw new Error('unknown key');
        return importJWK({ kty: 'OKP', crv: 'Ed25519', x }, 'EdDSA');
      },
      { typ: type, algorithms: ['EdDSA'] },
    );
    return payload as unknown as Claims;
  } catch {
    return null;
  }
}
