import { errors, jwtVerify } from 'jose';
import { type StandingSignIn, standingSignIn } from '../../db/oauth-sign-ins.ts';
import type { Pool } from '../../db/pool.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import { createSigningKeys } from './signing-keys.ts';

/** What checking the tokens of `holdpoint login` takes. */
export interface ApiTokensDeps {
  readonly pool: Pool;
  readonly keyRing: KeyRing;
  /** The built-in authorization server. */
  readonly issuer: string;
  /** The API's address. */
  readonly resource: string;
  readonly clientId: string;
}

const clockSkewSec = 30;

/**
 * Checks access tokens for the API for administration (RFC 9068): made by this Holdpoint's own authorization server, for
 * the API and for the command line alone, not over, and of a sign-in that still stands.
 * @returns null for any other token
 * @throws Error when that cannot be found out now
 */
export function apiTokens({ pool, keyRing, issuer, resource, clientId }: ApiTokensDeps): {
  readonly issuer: string;
  readonly verify: (token: string) => Promise<StandingSignIn | null>;
} {
  const keys = createSigningKeys(pool, keyRing, issuer);
  return {
    issuer,
    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, keys.verify, {
          issuer,
          audience: resource,
          algorithms: ['ES256'],
          typ: 'at+jwt',
          requiredClaims: ['exp', 'sub', 'grant'],
          clockTolerance: clockSkewSec,
        });
        // One that is bound to a key of its client proves nothing without that key.
        if (payload['cnf'] !== undefined || payload['client_id'] !== clientId) return null;
        const signIn = await standingSignIn(pool, String(payload['grant']));
        return signIn?.resource === resource && signIn.clientId === clientId ? signIn : null;
      } catch (error) {
        if (error instanceof errors.JOSEError) return null;
        throw error;
      }
    },
  };
}
