import { ed25519 } from '@noble/curves/ed25519.js';
import type { CountedVote, VoteClaims } from './contract.ts';

/**
 * Reads and checks a signed vote (JWS compact, RFC 7515, EdDSA, RFC 8037). Runs inside the workflow sandbox too,
 * which has no `crypto`: hence a pure-JavaScript Ed25519, so that a forged Update is refused by a validator and
 * leaves no history.
 * @param publicKeys raw Ed25519 public keys in base64url, by key id
 * @returns the claims, or null when the signature, key id, algorithm or shape is wrong
 */
export function verifyVote(jws: string, publicKeys: Readonly<Record<string, string>>): VoteClaims | null {
  const [head, body, signature, ...rest] = jws.split('.');
  if (!head || !body || !signature || rest.length > 0) return null;
  try {
    const header = JSON.parse(text(fromBase64url(head))) as Record<string, unknown>;
    if (header['alg'] !== 'EdDSA' || header['typ'] !== 'holdpoint-vote+jwt' || header['crit'] !== undefined)
      return null;
    const kid = header['kid'];
    if (typeof kid !== 'string' || !Object.hasOwn(publicKeys, kid)) return null;
    const signed = new TextEncoder().encode(`${head}.${body}`);
    const key = fromBase64url(publicKeys[kid] ?? '');
    if (!ed25519.verify(fromBase64url(signature), signed, key)) return null;
    return JSON.parse(text(fromBase64url(body))) as VoteClaims;
  } catch {
    return null;
  }
}

/** The form in which a checked vote is kept. */
export function counted(jws: string, claims: VoteClaims, atMs: number): CountedVote {
  const { person, decision, reason, via } = claims;
  return { jws, person, decision, reason, via, atMs };
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function fromBase64url(value: string): Uint8Array {
  const out = new Uint8Array(Math.floor((value.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const character of value) {
    const digit = alphabet.indexOf(character);
    if (digit < 0) throw new Error('not base64url');
    held = (held << 6) | digit;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = (held >> bits) & 0xff;
    }
  }
  return out;
}
