import type { IncomingHttpHeaders } from 'node:http';
import type { RpcMessage } from './rpc-message.ts';

/** Which parameter the Mcp-Name header mirrors (2026-07-28, streamable HTTP). */
const named: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

/** What the Mcp-Name header of a message must say; null when it has none. */
export function nameOf(message: Exclude<RpcMessage, { kind: 'response' }>): string | null {
  const parameter = Object.hasOwn(named, message.method) ? named[message.method] : undefined;
  const value = parameter === undefined ? null : message.params?.[parameter];
  return typeof value === 'string' ? value : null;
}

const encoded = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/;

/** A mirrored value as it was before it was made fit for a header; null when it is no valid encoding. */
export function decodeHeaderValue(value: string): string | null {
  const match = encoded.exec(value);
  if (!match) return value;
  const bytes = Buffer.from(match[1] ?? '', 'base64');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** A value made fit for a header: as it is where it can be, else in base64. */
export function encodeHeaderValue(value: string): string {
  const plain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !encoded.test(value);
  return plain ? value : `=?base64?${Buffer.from(value).toString('base64')}?=`;
}

/** The headers of a 2026-07-28 request that go upstream with it: the mirrors, and nothing else. */
export function mirrorHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const mirrors: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    if (
      typeof value === 'string' &&
      (name === 'mcp-method' || name === 'mcp-name' || name.startsWith('mcp-param-'))
    )
      mirrors[name] = value;
  return mirrors;
}
