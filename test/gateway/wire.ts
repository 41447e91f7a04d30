import { Agent, request } from 'undici';

/** One HTTP reply, read whole. */
export interface WireReply {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  /** The body, or the last event's data, as JSON; null when it is none. */
  readonly json: {
    id?: unknown;
    result?: Record<string, unknown>;
    error?: { code: number; message: string; data?: Record<string, unknown> };
  } | null;
}

// A dispatcher of its own: no keep-alive state is shared between tests.
const agent = new Agent({ keepAliveTimeout: 1, keepAliveMaxTimeout: 1 });

/** Sends a request byte for byte as given, with the headers that MCP wants unless told otherwise. */
export async function wire(
  url: string,
  body: string | Buffer | null,
  headers: Record<string, string> = {},
  method: 'POST' | 'GET' | 'DELETE' = 'POST',
): Promise<WireReply> {
  const reply = await request(url, {
    dispatcher: agent,
    method,
    headers: {
      ...(method === 'POST' && { 'content-type': 'application/json' }),
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body,
  });
  const text = await reply.body.text();
  return { status: reply.statusCode, headers: reply.headers, text, json: asJson(text) };
}

function asJson(text: string): WireReply['json'] {
  try {
    const events = [...text.matchAll(/^data: (\{.*)$/gm)];
    return JSON.parse(events.at(-1)?.[1] ?? text) as WireReply['json'];
  } catch {
    return null;
  }
}

/** Shakes hands and returns the headers that the session's further requests need. */
export async function handshake(
  url: string,
  version = '2025-11-25',
  headers: Record<string, string> = {},
): Promise<Record<string, string>> {
  const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: 'wire', version: '1' } };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
  const reply = await wire(url, body, headers);
  const id = reply.headers['mcp-session-id'];
  if (typeof id !== 'string' || reply.status !== 200 || reply.json?.error)
    throw new Error(`no session: ${reply.status} ${reply.text}`);
  return { ...headers, 'mcp-session-id': id, 'mcp-protocol-version': version };
}
