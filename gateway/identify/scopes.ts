import type { CallerProof } from '../../policy/caller.ts';
import { compileGlobs } from '../../policy/globs.ts';
import type { ToolClasses } from './settings.ts';

/** The scope that covers everything of a connection. */
export function connectionScope(connection: string): string {
  return `mcp:${connection}`;
}

/** Every scope of a connection: the whole of it, then one for each class of its tools. */
export function scopesOf(connection: string, classes: ToolClasses | undefined): readonly string[] {
  const whole = connectionScope(connection);
  return [whole, ...Object.keys(classes ?? {}).map((name) => `${whole}:${name}`)];
}

/** The least that a client should ask for at first: the first class of tools, or the connection where it has none. */
export function firstScope(connection: string, classes: ToolClasses | undefined): string {
  const [whole = '', first] = scopesOf(connection, classes);
  return first ?? whole;
}

/** Whether a credential is for this connection at all. */
export function coversConnection(proof: CallerProof | undefined, connection: string): boolean {
  if (!proof?.scopes) return true;
  const whole = connectionScope(connection);
  return proof.scopes.some((scope) => scope === whole || scope.startsWith(`${whole}:`));
}

/** What a message asks for: a tool by name, or null for everything that is no tool call. */
export type AskedTool = string | null;

/**
 * Which scope a credential lacks for a message.
 * @returns every scope that it needs now (what it has for this connection, and the missing one), or null when it has all
 */
export function missingScopes(
  proof: CallerProof | undefined,
  { connection, classes, tool }: { connection: string; classes: ToolClasses | undefined; tool: AskedTool },
): readonly string[] | null {
  if (!proof?.scopes) return null;
  const whole = connectionScope(connection);
  if (proof.scopes.includes(whole)) return null;
  const held = proof.scopes.filter((scope) => scope.startsWith(`${whole}:`));
  if (tool === null) return held.length > 0 ? null : [firstScope(connection, classes)];
  const needed = scopeOfTool(tool, whole, classes);
  return proof.scopes.includes(needed) ? null : [...held, needed];
}

/** A tool that is in no class needs the whole connection. */
function scopeOfTool(tool: string, whole: string, classes: ToolClasses | undefined): string {
  for (const [name, globs] of Object.entries(classes ?? {}))
    if (compileGlobs(globs)(tool)) return `${whole}:${name}`;
  return whole;
}

/** The scopes that a token's claims list: `scope` (RFC 9068), or `scp` as Entra ID and Okta write it. */
export function scopesClaim(claims: Readonly<Record<string, unknown>>): readonly string[] {
  const said = claims['scope'] ?? claims['scp'];
  if (typeof said === 'string') return said.split(' ').filter((scope) => scope !== '');
  return Array.isArray(said) ? said.filter((scope): scope is string => typeof scope === 'string') : [];
}
