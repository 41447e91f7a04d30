import { encodeHeaderValue } from '../../mcp/mirror-headers.ts';

/** Arguments that a tool wants mirrored into headers (`x-mcp-header`, 2026-07-28): header name and the way to each. */
export type ToolMirrors = ReadonlyMap<
  string,
  readonly { readonly header: string; readonly path: readonly string[] }[]
>;

/** Deepest nesting of `properties` that is followed. */
const maxDepth = 16;

/** Reads the mirrors of all tools in the result of a `tools/list`. */
export function mirrorsOf(result: unknown): ToolMirrors {
  const { tools } = result as { tools?: { name?: unknown; inputSchema?: unknown }[] };
  const mirrors = new Map<string, { header: string; path: string[] }[]>();
  for (const { name, inputSchema } of Array.isArray(tools) ? tools : [])
    if (typeof name === 'string') mirrors.set(name, collect(inputSchema, []));
  return mirrors;
}

function collect(schema: unknown, path: string[]): { header: string; path: string[] }[] {
  const { properties } = (schema ?? {}) as { properties?: Record<string, unknown> };
  if (typeof properties !== 'object' || properties === null || path.length > maxDepth) return [];
  return Object.entries(properties).flatMap(([key, property]) => {
    const header = (property as Record<string, unknown> | null)?.['x-mcp-header'];
    const here =
      typeof header === 'string' && /^[\w-]+$/.test(header) ? [{ header, path: [...path, key] }] : [];
    return [...here, ...collect(property, [...path, key])];
  });
}

/** The `Mcp-Param-…` headers of a call with these arguments. */
export function parameterHeaders(mirrors: ToolMirrors, tool: string, args: unknown): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { header, path } of mirrors.get(tool) ?? []) {
    const value = path.reduce<unknown>(
      (at, key) => (at as Record<string, unknown> | null | undefined)?.[key],
      args,
    );
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      headers[`mcp-param-${header.toLowerCase()}`] = encodeHeaderValue(String(value));
  }
  return headers;
}
