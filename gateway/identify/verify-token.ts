import { createHash } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, type JWTVerifyGetKey } from 'jose';
import type { Caller } from '../../policy/caller.ts';
import { callerOf, UnusableClaims } from './claims.ts';
import { IssuerUnavailable, issuerKeys, type IssuerKeysDeps } from './issuer-keys.ts';
import type { IssuerSettings } from './settings.ts';

/** A token that proves nothing. The message may be shown to whoever presented it. */
export class UnacceptableToken extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnacceptableToken';
  }
}

/** A checked token is trusted again for this long, and never beyond its expiry. */
const trustMs = 60_000;
const maxTrusted = 10_000;

interface Issuer {
  readonly settings: IssuerSettings;
  readonly keys: JWTVerifyGetKey;
}

interface Trusted {
  readonly caller: Caller;
  readonly untilMs: number;
}

/**
 * Verifies JWT access tokens (RFC 9068, RFC 7519): issuer, signature by a key of that issuer and an allowed
 * algorithm, audience, expiry and not-before with the issuer's clock skew.
 * @returns a function that gives the caller
 * @throws UnacceptableToken, IssuerUnavailable (from the returned function)
 */
export function tokenVerifier(
  issuers: readonly IssuerSettings[],
  deps: IssuerKeysDeps,
): (token: string, resource: string) => Promise<Caller> {
  const byName = new Map<string, Issuer>(
    issuers.map((settings) => [settings.issuer, { settings, keys: issuerKeys(settings, deps) }]),
  );
  const trusted = new Map<string, Trusted>();
  return async (token, resource) => {
    const handle = createHash('sha256').update(resource).update('\n').update(token).digest('base64');
    const known = trusted.get(handle);
    if (known && deps.now() < known.untilMs) return known.caller;
    trusted.delete(handle);
    const { settings, keys } = issuerOf(token, byName);
    const { caller, expiresAtMs } = await verify(token, resource, settings, keys, deps.now());
    if (trusted.size >= maxTrusted) trusted.delete(trusted.keys().next().value ?? '');
    trusted.set(handle, { caller, untilMs: Math.min(deps.now() + trustMs, expiresAtMs) });
    return caller;
  };
}

/** The issuer that the token names, unverified: it only chooses whose keys the token is checked with. */
function issuerOf(token: string, issuers: ReadonlyMap<string, Issuer>): Issuer {
  let named: string | undefined;
  try {
    named = decodeJwt(token).iss;
    checkType(decodeProtectedHeader(token).typ);
  } catch (error) {
    if (error instanceof UnacceptableToken) throw error;
    throw new UnacceptableToken('the token is no JWT; this connection takes JWT access tokens');
  }
  const issuer = issuers.get(named ?? '');
  if (!issuer) throw new UnacceptableToken('the token is from an issuer that this connection does not trust');
  return issuer;
}

/** Tokens made for something else (logout, DPoP proofs, ID-JAG…) say so in `typ` (RFC 8725 section 3.11). */
function checkType(type: unknown): void {
  const plain =
    type === undefined || (typeof type === 'string' && /^(?:application\/)?(?:at\+)?jwt$/i.test(type));
  if (!plain) throw new UnacceptableToken('the token is of another type than an access token');
}

async function verify(
  token: string,
  resource: string,
  settings: IssuerSettings,
  keys: JWTVerifyGetKey,
  nowMs: number,
): Promise<{ caller: Caller; expiresAtMs: number }> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer: settings.issuer,
      audience: settings.audience.length > 0 ? [...settings.audience] : [resource],
      algorithms: [...settings.algorithms],
      clockTolerance: settings.clockSkewMs / 1000,
      currentDate: new Date(nowMs),
      requiredClaims: ['exp', 'sub'],
    });
    const expiresAtMs = (payload.exp ?? 0) * 1000 + settings.clockSkewMs;
    return { caller: callerOf(payload, token, settings), expiresAtMs };
  } catch (error) {
    if (error instanceof IssuerUnavailable) throw error;
    throw new UnacceptableToken(explain(error));
  }
}

function explain(error: unknown): string {
  if (error instanceof UnusableClaims) return error.message;
  if (error instanceof errors.JWTExpired) return 'the token has expired; sign in again';
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'aud')
      return 'the token is meant for another audience; ask for one with this connection as its resource';
    if (error.claim === 'nbf') return 'the token is not valid yet';
    return `the token's \`${error.claim}\` is missing or not acceptable`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed)
    return 'the token is signed with an algorithm that is not allowed here';
  if (error instanceof errors.JWKSNoMatchingKey)
    return 'the token is signed with a key that its issuer does not publish';
  return 'the token cannot be verified';
}
