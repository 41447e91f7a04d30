import type { AuthorizationSettings } from './settings.ts';

/** The connection that a resource indicator (RFC 8707) names exactly; null when there is none. */
export function connectionOfResource(
  { issuer, connections }: Pick<AuthorizationSettings, 'issuer' | 'connections'>,
  resource: string,
): string | null {
  return connections.find((name) => resource === `${issuer}/mcp/${name}`) ?? null;
}
