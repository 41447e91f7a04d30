import type { IdentitySettings } from './settings.ts';

/** The protected resource metadata of one connection (RFC 9728), as its well-known URL serves it. */
export interface ProtectedResourceMetadata {
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly bearer_methods_supported: readonly ['header'];
  readonly resource_name: string;
}

/**
 * The document for `GET <metadataPath>`; null where no issuer is configured, which is then answered 404.
 * @param resource the connection's URL as agents use it, such as `https://gw.example/mcp/github`
 */
export function protectedResourceMetadata(
  { issuers }: IdentitySettings,
  { resource, connection }: { readonly resource: string; readonly connection: string },
): ProtectedResourceMetadata | null {
  if (issuers.length === 0) return null;
  return {
    resource,
    authorization_servers: issuers.map(({ issuer }) => issuer),
    bearer_methods_supported: ['header'],
    resource_name: `${connection} through Holdpoint`,
  };
}

/** Where the metadata of a resource is: the well-known part goes between host and path (RFC 9728 section 3.1). */
export function metadataUrl(resource: string): string {
  const { origin, pathname } = new URL(resource);
  return `${origin}/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}`;
}

/** `WWW-Authenticate` of a 401 (RFC 6750 section 3, RFC 9728 section 5.1). */
export function bearerChallenge(
  resource: string,
  error?: { readonly code: string; readonly description: string },
): string {
  const parameters = [
    `resource_metadata="${metadataUrl(resource)}"`,
    ...(error ? [`error="${error.code}"`, `error_description="${quotable(error.description)}"`] : []),
  ];
  return `Bearer ${parameters.join(', ')}`;
}

/** RFC 6750 allows neither quotes nor backslashes nor anything beyond ASCII in a description. */
function quotable(text: string): string {
  return text.replaceAll('"', "'").replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?');
}
