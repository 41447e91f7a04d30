import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, decodeProtectedHeader, EmbeddedJWK, jwtVerify, type JWK } from 'jose';
import type { DpopNonces } from './dpop-nonce.ts';

/** A DPoP proof that proves nothing. The message may be shown to whoever presented it. */
export class InvalidProof extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InvalidProof';
  }
}

/** A proof without the nonce that is asked for: another one with it may be good. */
export class NonceNeeded extends InvalidProof {
  constructor() {
    super('the DPoP proof lacks the nonce of this gateway; make another one with it');
    this.name = 'NonceNeeded';
  }
}

/** Signature algorithms that proofs may be made with. */
export const dpopAlgorithms = ['ES256', 'ES384', 'EdDSA', 'PS256', 'RS256'] as const;

/** How far the time of a proof may be from ours, either way. */
const freshSec = 60;
const longestProof = 8_192;

/** One proof, and what it must be for. */
export interface ProofRequest {
  /** The DPoP header; undefined when there was none. */
  readonly proof: string | undefined;
  readonly method: string;
  /** The URL that was called, as its caller knows it. */
  readonly url: string;
  readonly token: string;
  readonly nowMs: number;
  /** Null where proofs need no nonce. */
  readonly nonces: DpopNonces | null;
}

/** Marks a proof as used, for all replicas at once. @returns false when it was used before */
export type UseProof = (proof: {
  readonly proofSha256: Uint8Array;
  readonly expiresAt: Date;
}) => Promise<boolean>;

/**
 * Checks a proof of possession (RFC 9449 section 4.3): its type, its key, its signature, and that it was made just
 * now for this method, this URL and this token, and is used for the first time.
 * @returns the thumbprint of the key (RFC 7638), to be compared with the token's `cnf.jkt`
 * @throws InvalidProof, NonceNeeded
 */
export async function checkProof(request: ProofRequest, use: UseProof): Promise<string> {
  const { proof, nowMs } = request;
  if (proof === undefined) throw new InvalidProof('the token is bound to a key; send a DPoP proof with it');
  if (proof.length > longestProof) throw new InvalidProof('the DPoP proof is too long');
  const { jwk, claims } = await verified(proof, nowMs);
  const { htm, htu, iat, jti, ath } = claims;
  if (htm !== request.method) throw new InvalidProof('the DPoP proof is for another HTTP method');
  if (typeof htu !== 'string' || bare(htu) !== bare(request.url))
    throw new InvalidProof('the DPoP proof is for another URL');
  if (typeof iat !== 'number' || Math.abs(nowMs / 1000 - iat) > freshSec)
    throw new InvalidProof('the DPoP proof was not made just now');
  if (ath !== createHash('sha256').update(request.token).digest('base64url'))
    throw new InvalidProof('the DPoP proof is for another token');
  if (typeof jti !== 'string' || jti === '' || jti.length > 500)
    throw new InvalidProof('the DPoP proof has no `jti`');
  // Last: whoever is told the nonce could make a proof that is otherwise good.
  if (request.nonces && !request.nonces.accepts(claims['nonce'])) throw new NonceNeeded();
  const thumbprint = await calculateJwkThumbprint(jwk);
  const proofSha256 = createHash('sha256').update(`${thumbprint}\n${jti}`).digest();
  const expiresAt = new Date((iat + 2 * freshSec) * 1000);
  if (!(await use({ proofSha256, expiresAt }))) throw new InvalidProof('the DPoP proof was used before');
  return thumbprint;
}

async function verified(
  proof: string,
  nowMs: number,
): Promise<{ jwk: JWK; claims: Readonly<Record<string, unknown>> }> {
  try {
    const { jwk } = decodeProtectedHeader(proof);
    if (!jwk || 'd' in jwk || jwk.kty === 'oct') throw new Error('no public key');
    const { payload } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: [...dpopAlgorithms],
      currentDate: new Date(nowMs),
      clockTolerance: freshSec,
    });
    return { jwk, claims: payload };
  } catch {
    throw new InvalidProof('the DPoP proof cannot be verified');
  }
}

/** Without query and fragment, in normal form (RFC 9449 section 4.3, RFC 3986 section 6.2). */
function bare(text: string): string {
  if (!URL.canParse(text)) return '';
  const url = new URL(text);
  return `${url.origin}${url.pathname}`;
}
