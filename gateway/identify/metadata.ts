import { dpopAlgorithms } from './dpop.ts';
import { scopesOf } from './scopes.ts';
import type { IdentitySettings } from './settings.ts';

/** The protected resource metadata of one connection (RFC 9728), as its well-known URL serves it. */
export interface ProtectedResourceMetadata {
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly scopes_supported?: readonly string[];
  readonly bearer_methods_supported: readonly ['header'];
  readonly dpop_signing_alg_values_supported: readonly string[];
  readonly resource_name: string;
}

/**
 * The document for `GET <metadataPath>`; null where no issuer is configured, which is then answered 404.
 * @param resource the connection's URL as agents use it, such as `https://gw.example/mcp/github`
 * @param own the built-in authorization server, which goes first, since any client can sign in there
 */
export function protectedResourceMetadata(
  { issuers, toolClasses = {} }: Pick<IdentitySettings, 'issuers' | 'toolClasses'>,
  { resource, connection }: { readonly resource: string; readonly connection: string },
  own: string | null = null,
): ProtectedResourceMetadata | null {
  const servers = [...(own === null ? [] : [own]), ...issuers.map(({ issuer }) => issuer)];
  if (servers.length === 0) return null;
  const classes = Object.hasOwn(toolClasses, connection) ? toolClasses[connection] : undefined;
  return {
    resource,
    authorization_servers: servers,
    ...((own !== null || classes) && { scopes_supported: scopesOf(connection, classes) }),
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: dpopAlgorithms,
    resource_name: `${connection} through Holdpoint`,
  };
}

/** Where the metadata of a resource is: the well-known part goes between host and path (RFC 9728 section 3.1). */
export function metadataUrl(resource: string): string {
  const { origin, pathname } = new URL(resource);
  return `${origin}/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}`;
}

/** What a challenge says beside where the metadata is. */
export interface ChallengeFacts {
  readonly error?: { readonly code: string; readonly description: string };
  /** Every scope that is needed now. */
  readonly scopes?: readonly string[];
}

/** `WWW-Authenticate` of a 401 or 403 (RFC 6750 section 3, RFC 9728 section 5.1). */
export function bearerChallenge(resource: string, { error, scopes = [] }: ChallengeFacts = {}): string {
  return `Bearer ${parametersOf(resource, error, scopes).join(', ')}`;
}

/** The same for tokens that are bound to a key (RFC 9449 section 7.1). */
export function dpopChallenge(resource: string, { error, scopes = [] }: ChallengeFacts = {}): string {
  const algorithms = `algs="${dpopAlgorithms.join(' ')}"`;
  return `DPoP ${[...parametersOf(resource, error, scopes), algorithms].join(', ')}`;
}

function parametersOf(
  resource: string,
  error: ChallengeFacts['error'],
  scopes: readonly string[],
): readonly string[] {
  // A connection's name comes from the URL that was called: what is no scope is not repeated.
  const said = scopes.filter((scope) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope));
  return [
    `resource_metadata="${metadataUrl(resource)}"`,
    ...(said.length > 0 ? [`scope="${said.join(' ')}"`] : []),
    ...(error ? [`error="${error.code}"`, `error_description="${quotable(error.description)}"`] : []),
  ];
}

/** RFC 6750 allows neither quotes nor backslashes nor anything beyond ASCII in a description. */
function quotable(text: string): string {
  return text.replaceAll('"', "'").replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?');
}
