import { createRemoteJWKSet, jwtVerify } from 'jose';
import type { Pool } from '../../db/pool.ts';
import type { LoginSettings } from '../deps.ts';
import { type Identity, identityFromClaims } from '../identity.ts';
import { discover } from './discover.ts';
import { settlePerson } from './person.ts';

/** How old an ID token may be: what it says of groups counts as looked up just now. */
export const idTokenFreshSec = 15 * 60;

/**
 * The person that an ID token proves at the command line: issued by the console's identity provider for the console's
 * client, not expired, and at most {@link idTokenFreshSec} old.
 * @throws Error that says which check it did not pass, never quoting the token
 */
export async function identityFromIdToken(
  token: string,
  settings: Extract<LoginSettings, { mode: 'oidc' }>,
  pool: Pool,
  now: Date = new Date(),
): Promise<Identity> {
  const config = await discover(settings);
  const { issuer, jwks_uri: jwksUri } = config.serverMetadata();
  if (jwksUri === undefined) throw new Error(`the identity provider ${issuer} publishes no keys`);
  const keys = createRemoteJWKSet(new URL(jwksUri), { timeoutDuration: 10_000 });
  const { payload } = await jwtVerify(token, keys, {
    issuer,
    audience: settings.clientId,
    algorithms: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'],
    requiredClaims: ['sub', 'exp', 'iat'],
    maxTokenAge: idTokenFreshSec,
    clockTolerance: 30,
    currentDate: now,
  }).catch((error: unknown) => {
    throw new Error(
      `the ID token does not prove who you are: ${error instanceof Error ? error.message : 'it was refused'}`,
      {
        cause: error,
      },
    );
  });
  return settlePerson(
    pool,
    `oidc:${issuer}`,
    identityFromClaims(issuer, payload, settings.groupsClaim ?? 'groups'),
    now,
  );
}
