import type { Problem } from '../../policy/problems.ts';
import type { Config } from './config.ts';
import type { ConfigFile } from './schema.ts';

/** Roles are of people who log in. */
export function rolesProblems({ console, roles }: ConfigFile): readonly Problem[] {
  if (console.login !== undefined || Object.keys(roles).length === 0) return [];
  return [{ path: ['roles'], message: 'are known by their login; set `console.login` too' }];
}

/** `console.auditors` are auditors as well. */
export function rolesOf({ roles, console: { auditors } }: ConfigFile): Config['roles'] {
  const { auditor } = roles;
  const both = [auditor ?? [], auditors ?? []].flat();
  const named = Object.entries(roles).filter(([, who]) => who !== undefined);
  return {
    ...Object.fromEntries(named),
    ...(both.length > 0 && {
      auditor: {
        people: both.flatMap(({ people }) => people),
        groups: both.flatMap(({ groups }) => groups),
      },
    }),
  };
}
