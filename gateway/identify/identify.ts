import type { Caller } from '../../policy/caller.ts';
import type { Fetch } from './fetch-json.ts';
import { IssuerUnavailable } from './issuer-keys.ts';
import { bearerChallenge, protectedResourceMetadata, type ProtectedResourceMetadata } from './metadata.ts';
import type { IdentityRefusal, IdentityRefusalCode } from './refusal.ts';
import type { IdentitySettings } from './settings.ts';
import { tokenVerifier, UnacceptableToken } from './verify-token.ts';

export interface IdentifyRequest {
  /** The Authorization header; undefined when there is none. */
  readonly authorization: string | undefined;
  /** The URL of the connection that is called, as agents use it: `https://gw.example/mcp/github`. */
  readonly resource: string;
}

/** Says who calls. */
export interface Identifier {
  /**
   * A caller, or why there is none. Never throws, never logs, and forgets the token: only its hash is kept, for a
   * short time, so that a busy client costs one signature check a minute.
   */
  readonly identify: (request: IdentifyRequest) => Promise<Caller | IdentityRefusal>;
  /**
   * Where callers get tokens for a connection: the document to answer at
   * `/.well-known/oauth-protected-resource/mcp/<connection>`, to anyone; null (404) where there is no issuer.
   */
  readonly metadata: (connection: {
    readonly resource: string;
    readonly connection: string;
  }) => ProtectedResourceMetadata | null;
}

export interface IdentifierDeps {
  readonly fetch?: Fetch;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** Longer than any token that fits through proxies. */
const maxHeaderCharacters = 16_384;

/**
 * Makes the identifier of a gateway. A token that is presented is always checked, also where callers without one
 * are let in: a bad token is refused, not ignored.
 */
export function createIdentifier(settings: IdentitySettings, deps: IdentifierDeps = {}): Identifier {
  const verify = tokenVerifier(settings.issuers, {
    fetch: deps.fetch ?? ((url, init) => fetch(url, init)),
    now: deps.now ?? Date.now,
  });
  return {
    metadata: (connection) => protectedResourceMetadata(settings, connection),
    identify: async ({ authorization, resource }) => {
      if (authorization === undefined) {
        if (settings.anonymous) return anonymousCaller(settings.anonymous);
        return refuse(
          'missing_token',
          resource,
          'this connection needs a bearer token; sign in with one of its authorization servers',
        );
      }
      const token = bearerToken(authorization);
      if (token === null)
        return refuse('invalid_request', resource, 'the Authorization header must be `Bearer` and one token');
      try {
        return await verify(token, resource);
      } catch (error) {
        if (error instanceof UnacceptableToken) return refuse('invalid_token', resource, error.message);
        if (error instanceof IssuerUnavailable)
          return refuse(
            'issuer_unavailable',
            resource,
            'the token cannot be checked now, because its issuer cannot be reached; try again shortly',
          );
        return refuse('invalid_token', resource, 'the token cannot be read');
      }
    },
  };
}

function anonymousCaller({ subject, groups }: NonNullable<IdentitySettings['anonymous']>): Caller {
  return {
    key: 'local:agent',
    subject,
    issuer: null,
    email: null,
    name: null,
    groups,
    actors: [],
    client: null,
    credentialId: null,
    claims: {},
  };
}

/** RFC 6750 section 2.1; the scheme is case-insensitive. */
function bearerToken(authorization: string): string | null {
  if (authorization.length > maxHeaderCharacters) return null;
  return /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization)?.[1] ?? null;
}

const statuses = {
  missing_token: 401,
  invalid_request: 400,
  invalid_token: 401,
  issuer_unavailable: 503,
} as const;

function refuse(refused: IdentityRefusalCode, resource: string, message: string): IdentityRefusal {
  const status = statuses[refused];
  const error = refused === 'missing_token' ? undefined : { code: refused, description: message };
  return { refused, status, message, challenge: status === 503 ? null : bearerChallenge(resource, error) };
}
