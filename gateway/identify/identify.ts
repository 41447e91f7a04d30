import type { Caller } from '../../policy/caller.ts';
import { hasTokenPrefix } from '../../db/personal-token.ts';
import { callerOfToken, type TokenStore } from './access-token.ts';
import { checkProof, InvalidProof, NonceNeeded, type UseProof } from './dpop.ts';
import type { DpopNonces } from './dpop-nonce.ts';
import type { Fetch } from './fetch-json.ts';
import { IssuerUnavailable } from './issuer-keys.ts';
import {
  bearerChallenge,
  dpopChallenge,
  protectedResourceMetadata,
  type ProtectedResourceMetadata,
} from './metadata.ts';
import type { IdentityRefusal, IdentityRefusalCode } from './refusal.ts';
import { type AskedTool, coversConnection, firstScope, missingScopes } from './scopes.ts';
import type { IdentitySettings } from './settings.ts';
import { type OwnIssuer, tokenVerifier, UnacceptableToken } from './verify-token.ts';

export interface IdentifyRequest {
  /** The Authorization header; undefined when there is none. */
  readonly authorization: string | undefined;
  /** The DPoP header (RFC 9449). */
  readonly dpop?: string | undefined;
  /** The HTTP method. `POST` when left out. */
  readonly method?: string;
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
  /** Why a caller's credential is not enough for what a message asks; null when it is. */
  readonly lacks: (caller: Caller, asked: { resource: string; tool: AskedTool }) => IdentityRefusal | null;
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
  /** Where access tokens (`hpat_…`) are looked up; left out, none is accepted. */
  readonly tokens?: TokenStore;
  /** The built-in authorization server; left out, there is none. */
  readonly own?: OwnIssuer | null;
  /** Marks DPoP proofs as used, for all replicas; left out, tokens that are bound to a key are refused. */
  readonly useProof?: UseProof;
  /** Nonces that DPoP proofs must carry; left out, they need none. */
  readonly nonces?: DpopNonces | null;
  /** Told of accepted tokens with their expiry (ms since the epoch), where they are to be exchanged for others. */
  readonly onBearer?: ((callerKey: string, token: string, untilMs: number) => void) | null;
}

/** Longer than any token that fits through proxies. */
const maxHeaderCharacters = 16_384;

/**
 * Makes the identifier of a gateway. A token that is presented is always checked, also where callers without one
 * are let in: a bad token is refused, not ignored.
 */
export function createIdentifier(settings: IdentitySettings, deps: IdentifierDeps = {}): Identifier {
  const now = deps.now ?? Date.now;
  const own = deps.own ?? null;
  const parts: Parts = {
    verify: tokenVerifier(settings, {
      fetch: deps.fetch ?? ((url, init) => fetch(url, init)),
      now,
      own,
    }),
    tokens: deps.tokens ?? { find: async () => null, used: async () => {} },
    useProof: deps.useProof ?? null,
    nonces: deps.nonces ?? null,
    now,
  };
  const classesOf = (connection: string) =>
    Object.hasOwn(settings.toolClasses ?? {}, connection) ? settings.toolClasses?.[connection] : undefined;
  return {
    metadata: (connection) => protectedResourceMetadata(settings, connection, own?.issuer ?? null),
    lacks: ({ proof }, { resource, tool }) => {
      const connection = connectionOf(resource);
      const missing = missingScopes(proof, { connection, classes: classesOf(connection), tool });
      return missing && tooNarrow(resource, missing);
    },
    identify: async (request) => {
      const { resource, authorization } = request;
      const connection = connectionOf(resource);
      if (authorization === undefined) {
        if (settings.anonymous) return anonymousCaller(settings.anonymous);
        const scopes = own || classesOf(connection) ? [firstScope(connection, classesOf(connection))] : [];
        return {
          refused: 'missing_token',
          status: 401,
          message: 'this connection needs a token; sign in with one of its authorization servers',
          challenge: bearerChallenge(resource, { scopes }),
        };
      }
      const presented = presentedToken(authorization);
      if (presented === null)
        return refuse(
          'invalid_request',
          resource,
          'the Authorization header must be `Bearer` (or `DPoP`) and one token',
        );
      const caller = await callerOfRequest(parts, request, presented).catch((error: unknown) =>
        refusalOf(error, resource, presented.scheme, parts.nonces),
      );
      if ('refused' in caller) return caller;
      if (coversConnection(caller.proof, connection)) {
        tellBearer(deps.onBearer, caller, presented.token);
        return caller;
      }
      return tooNarrow(resource, [firstScope(connection, classesOf(connection))]);
    },
  };
}

/** Tells of a token that may be exchanged: an issuer's own, and not bound to a key that only the caller has. */
function tellBearer(onBearer: IdentifierDeps['onBearer'], { key, claims }: Caller, token: string): void {
  const { exp, cnf } = claims;
  if (onBearer && typeof exp === 'number' && cnf === undefined) onBearer(key, token, exp * 1000);
}

interface Parts {
  readonly verify: ReturnType<typeof tokenVerifier>;
  readonly tokens: TokenStore;
  readonly useProof: UseProof | null;
  readonly nonces: DpopNonces | null;
  readonly now: () => number;
}

interface PresentedToken {
  readonly scheme: 'bearer' | 'dpop';
  readonly token: string;
}

/** A store that must be asked about a credential did not answer. */
class StoreUnavailable extends Error {}

/** @throws UnacceptableToken, InvalidProof, IssuerUnavailable, StoreUnavailable */
async function callerOfRequest(
  { verify, tokens, useProof, nonces, now }: Parts,
  { resource, method = 'POST', dpop }: IdentifyRequest,
  { scheme, token }: PresentedToken,
): Promise<Caller> {
  if (hasTokenPrefix(token)) {
    const caller = await callerOfToken(token, tokens).catch(unavailable);
    if (caller) return caller;
    throw new UnacceptableToken('the access token is unknown, was revoked, or has expired; make a new one');
  }
  const { caller, boundTo } = await verify(token, { resource, connection: connectionOf(resource) });
  if (boundTo === null && scheme === 'bearer') return caller;
  if (boundTo === null)
    throw new UnacceptableToken('the token is not bound to a key; present it as `Bearer`');
  if (!useProof)
    throw new UnacceptableToken('the token is bound to a key, and this gateway cannot check proofs of it');
  if (scheme === 'bearer')
    throw new InvalidProof('the token is bound to a key; present it as `DPoP`, with a proof');
  const proven = await checkProof(
    { proof: dpop, method, url: resource, token, nowMs: now(), nonces },
    (proof) => useProof(proof).catch(unavailable),
  );
  if (proven !== boundTo)
    throw new InvalidProof('the DPoP proof is made with another key than the token is bound to');
  return caller;
}

function unavailable(error: unknown): never {
  throw new StoreUnavailable('a store cannot be asked', { cause: error });
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
    proof: { kind: 'anonymous', scopes: null, acr: null, amr: [], authenticatedAtMs: null },
  };
}

/** RFC 6750 section 2.1, RFC 9449 section 7.1; the scheme is case-insensitive. */
function presentedToken(authorization: string): PresentedToken | null {
  if (authorization.length > maxHeaderCharacters) return null;
  const [, scheme, token] = /^(bearer|dpop) +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization) ?? [];
  if (scheme === undefined || token === undefined) return null;
  return { scheme: scheme.toLowerCase() === 'dpop' ? 'dpop' : 'bearer', token };
}

/** The connection's name is the last part of its URL. */
function connectionOf(resource: string): string {
  return resource.slice(resource.lastIndexOf('/') + 1);
}

const statuses = {
  invalid_request: 400,
  invalid_token: 401,
  invalid_dpop_proof: 401,
  use_dpop_nonce: 401,
} as const;

function refuse(
  refused: Extract<IdentityRefusalCode, keyof typeof statuses>,
  resource: string,
  message: string,
  scheme: PresentedToken['scheme'] = 'bearer',
): IdentityRefusal {
  const error = { code: refused, description: message };
  const challenge = scheme === 'dpop' ? dpopChallenge : bearerChallenge;
  return { refused, status: statuses[refused], message, challenge: challenge(resource, { error }) };
}

function tooNarrow(resource: string, scopes: readonly string[]): IdentityRefusal {
  const message = `this needs the scope ${scopes.join(' ')}; sign in again and ask for it`;
  const error = { code: 'insufficient_scope', description: message };
  return {
    refused: 'insufficient_scope',
    status: 403,
    message,
    challenge: bearerChallenge(resource, { error, scopes }),
  };
}

function refusalOf(
  error: unknown,
  resource: string,
  scheme: PresentedToken['scheme'],
  nonces: DpopNonces | null,
): IdentityRefusal {
  if (error instanceof NonceNeeded && nonces)
    return { ...refuse('use_dpop_nonce', resource, error.message, 'dpop'), nonce: nonces.current() };
  if (error instanceof UnacceptableToken) return refuse('invalid_token', resource, error.message, scheme);
  if (error instanceof InvalidProof) return refuse('invalid_dpop_proof', resource, error.message, 'dpop');
  if (error instanceof IssuerUnavailable || error instanceof StoreUnavailable)
    return {
      refused: 'issuer_unavailable',
      status: 503,
      message:
        'the token cannot be checked now, because its issuer (or the database) cannot be reached; try again shortly',
      challenge: null,
    };
  return refuse('invalid_token', resource, 'the token cannot be read');
}
