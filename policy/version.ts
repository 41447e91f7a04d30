import { createHash } from 'node:crypto';

/**
 * Names what a policy means: the hash of its content with keys sorted. Comments, quoting and the order of keys do
 * not change it; the order of rules does.
 */
export function versionOf(content: unknown): string {
  return `sha256:${createHash('sha256').update(canonical(content)).digest('hex')}`;
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
}
