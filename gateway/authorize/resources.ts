import { scopesOf } from '../identify/scopes.ts';
import type { AuthorizationSettings } from './settings.ts';

/** What a token may be made for. */
export interface Target {
  /** The connection, or `holdpoint` for the API for administration. */
  readonly name: string;
  readonly scopes: readonly string[];
}

/** The connection that a resource indicator (RFC 8707) names exactly; null when there is none. */
export function connectionOfResource(
  { issuer, connections }: Pick<AuthorizationSettings, 'issuer' | 'connections'>,
  resource: string,
): string | null {
  return connections.find((name) => resource === `${issuer}/mcp/${name}`) ?? null;
}

/** What a resource indicator names for a client; null when there is none, or none for it. */
export function targetOfResource(
  settings: AuthorizationSettings,
  resource: string,
  clientId: string,
): Target | null {
  const { api, toolClasses } = settings;
  if (resource === api.resource)
    return clientId === api.client.id ? { name: 'holdpoint', scopes: [api.scope] } : null;
  const name = connectionOfResource(settings, resource);
  if (name === null || clientId === api.client.id) return null;
  return { name, scopes: scopesOf(name, toolClasses[name]) };
}
