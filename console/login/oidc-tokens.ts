import { hkdfSync } from 'node:crypto';
import * as oidc from 'openid-client';
import { seal, unseal } from '../../recording/seal.ts';

/** What is kept of a sign-in, to look the person up again before they decide. */
export interface KeptTokens {
  readonly access: string;
  readonly refresh: string | null;
}

/**
 * Seals tokens under a key that is derived from the session's cookie: the database alone yields nothing, and the key
 * is gone with the cookie.
 */
export function sealTokens(secret: string, tokens: KeptTokens): Buffer {
  return seal(keyOf(secret), Buffer.from(JSON.stringify(tokens)), 'console tokens');
}

/** Opens what {@link sealTokens} made. @throws Error when the cookie is another one */
export function openTokens(secret: string, sealed: Uint8Array): KeptTokens {
  return JSON.parse(unseal(keyOf(secret), sealed, 'console tokens').toString()) as KeptTokens;
}

function keyOf(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'holdpoint console tokens', 32));
}

/** Claims of an ID token with those of UserInfo, where the provider has it, put over them. */
export async function claimsOf(
  config: oidc.Configuration,
  tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers,
): Promise<Record<string, unknown>> {
  const claims = tokens.claims();
  if (!claims) throw new Error('the identity provider gave no ID token');
  if (config.serverMetadata().userinfo_endpoint === undefined) return { ...claims };
  return { ...claims, ...(await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)) };
}

/** What the provider says of somebody at this moment, or null when it says nothing any more (signed out, blocked). */
export async function freshClaims(
  config: oidc.Configuration,
  kept: KeptTokens,
  subject: string,
): Promise<{ claims: Record<string, unknown>; kept: KeptTokens } | null> {
  try {
    if (kept.refresh !== null) {
      const tokens = await oidc.refreshTokenGrant(config, kept.refresh);
      const sub = tokens.claims()?.sub;
      if (sub !== undefined && sub !== subject) return null;
      const info =
        config.serverMetadata().userinfo_endpoint === undefined
          ? {}
          : await oidc.fetchUserInfo(config, tokens.access_token, subject);
      return {
        claims: { ...tokens.claims(), ...info, sub: subject },
        kept: { access: tokens.access_token, refresh: tokens.refresh_token ?? kept.refresh },
      };
    }
    if (config.serverMetadata().userinfo_endpoint === undefined) return null;
    return { claims: { ...(await oidc.fetchUserInfo(config, kept.access, subject)) }, kept };
  } catch (error) {
    if (refusedByProvider(error)) return null;
    throw error;
  }
}

function refusedByProvider(error: unknown): boolean {
  return error instanceof oidc.ResponseBodyError || error instanceof oidc.WWWAuthenticateChallengeError;
}
