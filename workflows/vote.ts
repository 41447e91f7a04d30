import { ed25519 } from '@noble/curves/ed25519.js';
import type { CountedExtension, CountedVote, ExtensionClaims, VoteClaims } from './contract.ts';

/** Whether a signature of the message is that of a raw Ed25519 public key. */
export type CheckSignature = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;

/** No vote is longer (a reason of 3,000 characters of four bytes fits): what is longer is not looked at. */
const longestVote = 65_536;

/**
 * Reads and checks a signed vote (JWS compact, RFC 7515, EdDSA, RFC 8037). Runs inside the workflow sandbox too,
 * which has no `crypto`: hence a pure-JavaScript Ed25519, so that a forged Update is refused by a validator and
 * leaves no history.
 * @param publicKeys raw Ed25519 public keys in base64url, by key id
 * @param check where there is something faster than plain JavaScript
 * @returns the claims, or null when the signature, key id, algorithm or shape is wrong; what else they say (which
 * call, until when) is the caller's to check
 */
export function verifyVote(
  jws: string,
  publicKeys: Readonly<Record<string, string>>,
  check: CheckSignature = ed25519.verify,
): VoteClaims | null {
  const claims = verified(jws, 'holdpoint-vote+jwt', publicKeys, check);
  return isVote(claims) ? claims : null;
}

/** The same for a signed extension. */
export function verifyExtension(
  jws: string,
  publicKeys: Readonly<Record<string, string>>,
): ExtensionClaims | null {
  const claims = verified(jws, 'holdpoint-extension+jwt', publicKeys, ed25519.verify);
  return isExtension(claims) ? claims : null;
}

/** The claims of a JWS of one type, whatever they are; null when it is not one, or not signed by a known key. */
function verified(
  jws: string,
  typ: string,
  publicKeys: Readonly<Record<string, string>>,
  check: CheckSignature,
): unknown {
  if (jws.length > longestVote) return null;
  const [head, body, signature, ...rest] = jws.split('.');
  if (!head || !body || !signature || rest.length > 0) return null;
  try {
    const header = JSON.parse(text(fromBase64url(head))) as Record<string, unknown>;
    if (header['alg'] !== 'EdDSA' || header['typ'] !== typ || header['crit'] !== undefined) return null;
    const kid = header['kid'];
    if (typeof kid !== 'string' || !Object.hasOwn(publicKeys, kid)) return null;
    const signed = new TextEncoder().encode(`${head}.${body}`);
    const key = fromBase64url(publicKeys[kid] ?? '');
    if (!check(fromBase64url(signature), signed, key)) return null;
    return JSON.parse(text(fromBase64url(body)));
  } catch {
    return null;
  }
}

/** The form in which a checked vote is kept. */
export function counted(jws: string, claims: VoteClaims, atMs: number): CountedVote {
  const { person, decision, reason, via, groups, grant, bounds, proof } = claims;
  const said = { ...(grant && { grant }), ...(bounds && { bounds }), ...(proof && { proof }) };
  return { jws, person, decision, reason, ...said, via, atMs, groups };
}

/** The form in which a checked extension is kept. */
export function countedExtension(
  jws: string,
  { person, via }: ExtensionClaims,
  byMs: number,
  atMs: number,
): CountedExtension {
  return { jws, person, byMs, via, atMs };
}

function isExtension(value: unknown): value is ExtensionClaims {
  if (!isRecord(value) || !isRecord(value['person'])) return false;
  const { person, groups, exp, decidedAtMs } = value;
  return (
    ['extensionId', 'callId', 'digest', 'via'].every((name) => isText(value[name])) &&
    isText(person['name']) &&
    isTexts(person['keys']) &&
    isTexts(groups) &&
    Number.isSafeInteger(exp) &&
    Number.isSafeInteger(decidedAtMs)
  );
}

/** Whether it says all that a vote says, each in its type: a signature proves who wrote it, not that it is whole. */
function isVote(value: unknown): value is VoteClaims {
  if (!isRecord(value) || !isRecord(value['person'])) return false;
  const { person, groups, reason, decision, exp, decidedAtMs, grant, bounds, proof } = value;
  return (
    ['voteId', 'callId', 'digest', 'via'].every((name) => isText(value[name])) &&
    isText(person['name']) &&
    isTexts(person['keys']) &&
    Array.isArray(groups) &&
    groups.every(isText) &&
    (decision === 'approve' || decision === 'deny') &&
    (reason === null || typeof reason === 'string') &&
    (!bounds || (isText(bounds) && decision === 'deny')) &&
    (!proof || isProof(proof)) &&
    (!grant || (isGrant(grant) && decision === 'approve')) &&
    Number.isSafeInteger(exp) &&
    Number.isSafeInteger(decidedAtMs)
  );
}

function isProof(value: unknown): boolean {
  return (
    isRecord(value) &&
    (value['method'] === 'login' || value['method'] === 'passkey') &&
    Number.isSafeInteger(value['atMs'])
  );
}

function isGrant(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { calls, untilMs, sessionId, where } = value;
  return (
    Number.isSafeInteger(calls) &&
    (calls as number) >= 1 &&
    Number.isSafeInteger(untilMs) &&
    (sessionId === null || isText(sessionId)) &&
    Array.isArray(where) &&
    where.every(isText)
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isText);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
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
