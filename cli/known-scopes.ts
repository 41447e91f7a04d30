import { scopesOf } from '../gateway/identify/scopes.ts';
import type { Config } from './config/config.ts';

/** Every scope that the configured connections have. */
export function knownScopes({
  connections,
  identity,
}: Pick<Config, 'connections' | 'identity'>): readonly string[] {
  return Object.keys(connections).flatMap((name) => scopesOf(name, identity.toolClasses[name]));
}
