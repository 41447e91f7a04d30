import type { CodeClient } from '../credentials/settings.ts';
import { type Fetch, fetchJson } from '../identify/fetch-json.ts';
import { scopesInChallenge } from './challenge.ts';
import { guardedFetch, refuseInsecure, standsInward } from './guarded-fetch.ts';

/** The authorization server of a connection, as far as Holdpoint uses it (RFC 8414). */
export interface FoundServer {
  readonly issuer: string;
  readonly authorizationUrl: string;
  readonly tokenUrl: string;
  readonly revocationUrl: string | null;
  readonly registrationUrl: string | null;
  /** Token endpoint authentication methods; null where it does not say. */
  readonly methods: readonly string[] | null;
  /** It promises `iss` in its answers (RFC 9207), so that an answer without one is not its own. */
  readonly saysIssuer: boolean;
  /** It takes a URL of a document as client id. */
  readonly readsDocuments: boolean;
  /** RFC 8707: what tokens are asked for; null where nothing says so. */
  readonly resource: string | null;
  /** What the upstream server wants, where it says so. */
  readonly scopes: readonly string[] | null;
  readonly inward: boolean;
}

/** Where somebody would sign in cannot be found out. Says what is wrong and where, never what a server answered. */
export class ConnectError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConnectError';
  }
}

/**
 * Finds the authorization server of an upstream: as configured, or as the upstream says it itself (RFC 9728, then RFC
 * 8414 or OpenID Connect discovery at the issuer that it names).
 * @throws ConnectError
 */
export async function findServer(upstreamUrl: string, client: CodeClient): Promise<FoundServer> {
  const upstream = new URL(upstreamUrl);
  const { authorizationUrl, tokenUrl } = client;
  try {
    if (authorizationUrl !== null && tokenUrl !== null) return configured(client, authorizationUrl, tokenUrl);
    if (client.issuer !== null)
      return await describe(client.issuer, { resource: client.resource, scopes: null, inward: true });
    const inward = await standsInward(upstream);
    const { issuer, resource, scopes } = await resourceMetadata(upstream, guardedFetch(inward));
    return await describe(issuer, { resource: client.resource ?? resource, scopes, inward });
  } catch (error) {
    if (error instanceof ConnectError) throw error;
    throw new ConnectError(`the authorization server of ${upstream.host} cannot be found`, { cause: error });
  }
}

function configured(client: CodeClient, authorizationUrl: string, tokenUrl: string): FoundServer {
  return {
    issuer: client.issuer ?? new URL(authorizationUrl).origin,
    authorizationUrl: usable(authorizationUrl),
    tokenUrl: usable(tokenUrl),
    revocationUrl: null,
    registrationUrl: null,
    methods: null,
    saysIssuer: false,
    readsDocuments: false,
    resource: client.resource,
    scopes: null,
    inward: true,
  };
}

type Resource = Pick<FoundServer, 'issuer' | 'scopes'> & { readonly resource: string };

/** RFC 9728, as MCP uses it: what the 401 names, else the well-known places. */
async function resourceMetadata(upstream: URL, fetch: Fetch): Promise<Resource> {
  const { named, scopes } = await challenged(upstream, fetch);
  const path = upstream.pathname === '/' ? '' : upstream.pathname;
  const base = `${upstream.origin}/.well-known/oauth-protected-resource`;
  for (const place of new Set([...(named === null ? [] : [named]), `${base}${path}`, base])) {
    const found = await optional(fetchJson(fetch, place));
    if (found) return withScopes(readResource(upstream, found), scopes);
  }
  // Before RFC 9728 was asked for (2025-03-26), the server itself was where to look.
  return withScopes({ issuer: upstream.origin, resource: upstream.href, scopes: null }, scopes);
}

/** What is wanted now goes before everything that there is (MCP, "Scope Selection Strategy"). */
function withScopes(resource: Resource, wanted: readonly string[]): Resource {
  return wanted.length > 0 ? { ...resource, scopes: wanted } : resource;
}

/**
 * What the 401 of an upstream says: the scopes that it wants, and where its metadata is, if that is on its own origin: no
 * other may speak for it.
 */
async function challenged(
  upstream: URL,
  fetch: Fetch,
): Promise<{ readonly named: string | null; readonly scopes: readonly string[] }> {
  const answer = await fetch(upstream.href, {
    method: 'GET',
    headers: { accept: 'text/event-stream' },
    signal: AbortSignal.timeout(5_000),
  });
  const challenge = answer.headers.get('www-authenticate') ?? '';
  await answer.body?.cancel();
  const address = /\bresource_metadata="([^"]{1,2000})"/i.exec(challenge)?.[1];
  if (answer.status !== 401) return { named: null, scopes: [] };
  const own = address !== undefined && URL.canParse(address) && new URL(address).origin === upstream.origin;
  return { named: own ? address : null, scopes: scopesInChallenge(challenge) };
}

/** RFC 9728 section 3.3: it must speak of the upstream that is called. */
function readResource(upstream: URL, found: Readonly<Record<string, unknown>>): Resource {
  const { resource, authorization_servers: servers, scopes_supported: scopes } = found;
  const issuer: unknown = Array.isArray(servers) ? servers[0] : undefined;
  if (typeof resource !== 'string' || !covers(resource, upstream))
    throw new ConnectError(`${upstream.host} describes another resource than the one that is configured`);
  if (typeof issuer !== 'string' || !URL.canParse(issuer))
    throw new ConnectError(`${upstream.host} names no authorization server`);
  return { issuer, resource, scopes: texts(scopes) };
}

function covers(resource: string, upstream: URL): boolean {
  if (!URL.canParse(resource)) return false;
  const { origin, pathname } = new URL(resource);
  const path = pathname.endsWith('/') ? pathname : `${pathname}/`;
  return origin === upstream.origin && `${upstream.pathname}/`.startsWith(path);
}

/** RFC 8414 section 3, in the order of the MCP specification. */
function metadataPlaces(issuer: URL): string[] {
  const path = issuer.pathname.replace(/\/$/, '');
  const inserted = (name: string): string => `${issuer.origin}/.well-known/${name}${path}`;
  return [
    inserted('oauth-authorization-server'),
    inserted('openid-configuration'),
    ...(path === '' ? [] : [`${issuer.origin}${path}/.well-known/openid-configuration`]),
  ];
}

async function describe(
  issuer: string,
  about: {
    readonly resource: string | null;
    readonly scopes: readonly string[] | null;
    readonly inward: boolean;
  },
): Promise<FoundServer> {
  const url = new URL(issuer);
  refuseInsecure(url);
  const fetch = guardedFetch(about.inward);
  for (const place of metadataPlaces(url)) {
    const found = await optional(fetchJson(fetch, place));
    if (found) return readServer(issuer, found, about);
  }
  throw new ConnectError(`the authorization server ${url.host} publishes no metadata`);
}

function readServer(
  issuer: string,
  found: Readonly<Record<string, unknown>>,
  about: Pick<FoundServer, 'resource' | 'scopes' | 'inward'>,
): FoundServer {
  const { host } = new URL(issuer);
  // RFC 8414 section 3.3: else one server could pass itself off as another.
  if (typeof found['issuer'] !== 'string' || bare(found['issuer']) !== bare(issuer))
    throw new ConnectError(`the metadata of ${host} is that of another issuer`);
  const challenges = texts(found['code_challenge_methods_supported']);
  if (challenges !== null && !challenges.includes('S256'))
    throw new ConnectError(`the authorization server ${host} does not take PKCE with S256`);
  const url = (name: string): string | null => {
    const value = found[name];
    return typeof value === 'string' ? usable(value) : null;
  };
  const [authorizationUrl, tokenUrl] = [url('authorization_endpoint'), url('token_endpoint')];
  if (authorizationUrl === null || tokenUrl === null)
    throw new ConnectError(`the authorization server ${host} names no authorization or token endpoint`);
  return {
    issuer: found['issuer'],
    authorizationUrl,
    tokenUrl,
    revocationUrl: url('revocation_endpoint'),
    registrationUrl: url('registration_endpoint'),
    methods: texts(found['token_endpoint_auth_methods_supported']),
    saysIssuer: found['authorization_response_iss_parameter_supported'] === true,
    readsDocuments: found['client_id_metadata_document_supported'] === true,
    ...about,
  };
}

/** Browsers and this process only go where nobody listens in. */
function usable(value: string): string {
  if (!URL.canParse(value)) throw new ConnectError('an address of the authorization server is no URL');
  refuseInsecure(new URL(value));
  return value;
}

function texts(value: unknown): string[] | null {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : null;
}

function bare(issuer: string): string {
  return issuer.replace(/\/$/, '');
}

/** What is not there is not there; what cannot be reached stops the search. */
async function optional(
  asked: Promise<Readonly<Record<string, unknown>>>,
): Promise<Readonly<Record<string, unknown>> | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Error && /answered 4\d\d$|JSON/.test(error.message)) return null;
    throw error;
  }
}
