import * as oidc from 'openid-client';
import { z } from 'zod';
import { isLoopback } from '../../console/guard.ts';
import type { KeptSignIn, SignIns } from './sign-ins.ts';

/** The command line, as the built-in authorization server knows it. */
export const commandLineClient = 'holdpoint-cli';

/** Nobody can sign in there, or a sign-in has ended. The message says what to do. */
export class LoginError extends Error {}

/** What a console says of its API (RFC 9728). */
const resourceMetadata = z.object({
  resource: z.url(),
  authorization_servers: z.array(z.url()).optional(),
  holdpoint_login: z.enum(['local', 'oidc', 'saml']),
});

/** Where somebody signs in for a Holdpoint's API. */
export interface SignInPlace {
  readonly resource: string;
  /** null: people do not sign in for it; they show the data directory's credential or an access token. */
  readonly issuer: string | null;
  readonly login: 'local' | 'oidc' | 'saml';
}

/** A renewed token is asked for this long before the old one ends. */
const earlyMs = 30_000;

/**
 * A server's address as it is kept: its origin. Secrets go over plain http to this machine only.
 * @throws LoginError
 */
export function serverOf(address: string): string {
  const text = /^https?:\/\//i.test(address) ? address : `https://${address}`;
  if (!URL.canParse(text)) throw new LoginError(`${address} is no address of a server`);
  const url = new URL(text);
  if (url.protocol === 'http:' && !isLoopback(url.hostname.replace(/^\[|\]$/g, '')))
    throw new LoginError(`${url.origin} is not reached by https, so no secret is sent there`);
  return url.origin;
}

/** Asks a console where one signs in for its API. @throws LoginError */
export async function signInPlaceOf(server: string): Promise<SignInPlace> {
  const url = new URL('/.well-known/oauth-protected-resource/api/v1', server);
  const reply = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(10_000) }).catch(
    (cause: unknown) => {
      throw new LoginError(`${server} cannot be reached: is it running, and is the address right?`, {
        cause,
      });
    },
  );
  const parsed = resourceMetadata.safeParse(await reply.json().catch(() => undefined));
  if (!reply.ok || !parsed.success)
    throw new LoginError(
      `what answers at ${server} is no Holdpoint console: give the console's address (console.publicUrl), not that of the agents`,
    );
  const { resource, authorization_servers: issuers, holdpoint_login: login } = parsed.data;
  // Whoever says otherwise would have tokens made for somebody else's API (RFC 9728 section 3.3).
  if (resource !== `${server}/api/v1`)
    throw new LoginError(`${server} says that it is ${resource}: sign in at the address that it is known by`);
  return { resource, issuer: issuers?.[0] ?? null, login };
}

/** The authorization server, by what it says of itself (RFC 8414). @throws LoginError */
export async function authorizationServer(issuer: string): Promise<oidc.Configuration> {
  const url = new URL(issuer);
  const plain = url.protocol === 'http:' && isLoopback(url.hostname.replace(/^\[|\]$/g, ''));
  try {
    return await oidc.discovery(url, commandLineClient, undefined, oidc.None(), {
      algorithm: 'oauth2',
      timeout: 10,
      ...(plain && { execute: [oidc.allowInsecureRequests] }),
    });
  } catch (cause) {
    throw new LoginError(`the authorization server ${issuer} cannot be asked: is the gateway running?`, {
      cause,
    });
  }
}

/** What a token endpoint gave, as it is kept. */
export function keptOf(
  tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers,
  about: Pick<KeptSignIn, 'issuer' | 'resource' | 'name'>,
  former: string | null = null,
): KeptSignIn {
  const lifeSec = tokens.expiresIn() ?? 60;
  return {
    issuer: about.issuer,
    resource: about.resource,
    name: about.name,
    accessToken: tokens.access_token,
    expiresAtMs: Date.now() + lifeSec * 1000,
    refreshToken: tokens.refresh_token ?? former,
  };
}

/** The access token for a server, renewed where it is about to end; null when nobody is signed in there. @throws LoginError */
export async function accessTokenFor(signIns: SignIns, server: string): Promise<string | null> {
  const kept = await signIns.find(server);
  if (!kept || isFresh(kept)) return kept?.accessToken ?? null;
  const renewed = await signIns.change(server, async (now) => {
    // Another command may just have renewed it.
    if (isFresh(now)) return now;
    if (now.refreshToken === null) throw signInAgain(server);
    const config = await authorizationServer(now.issuer);
    try {
      const tokens = await oidc.refreshTokenGrant(config, now.refreshToken, { resource: now.resource });
      return keptOf(tokens, now, now.refreshToken);
    } catch (error) {
      if (error instanceof oidc.ResponseBodyError && error.error === 'invalid_grant')
        throw signInAgain(server);
      throw new LoginError(`the sign-in at ${server} could not be renewed: ${now.issuer} did not answer`, {
        cause: error,
      });
    }
  });
  return renewed?.accessToken ?? null;
}

function isFresh({ expiresAtMs }: KeptSignIn): boolean {
  return expiresAtMs - Date.now() > earlyMs;
}

function signInAgain(server: string): LoginError {
  return new LoginError(`the sign-in at ${server} has ended: holdpoint login --server ${server}`);
}

/** Ends a sign-in where it was made: nothing of it can be renewed. @throws LoginError when that cannot be said there */
export async function revokeSignIn({ issuer, refreshToken }: KeptSignIn): Promise<void> {
  if (refreshToken === null) return;
  const config = await authorizationServer(issuer);
  try {
    await oidc.tokenRevocation(config, refreshToken, { token_type_hint: 'refresh_token' });
  } catch (cause) {
    throw new LoginError(`${issuer} did not answer, so the sign-in could not be ended there`, { cause });
  }
}
