import { apiScope } from '../console/api/scope.ts';
import { scopesOf } from '../gateway/identify/scopes.ts';
import type { Config } from './config/config.ts';

/** Every scope that the configured connections have, and that of the API for administration. */
export function knownScopes({
  connections,
  identity,
}: Pick<Config, 'connections' | 'identity'>): readonly string[] {
  const ofConnections = Object.keys(connections).flatMap((name) =>
    scopesOf(name, identity.toolClasses[name]),
  );
  return [...ofConnections, apiScope];
}
