import { startRawUpstream, type TestUpstream } from './upstream.ts';

/** A legacy and stateless MCP server whose tools a test chooses, byte for byte, page by page. */
export interface ListingUpstream extends TestUpstream {
  /** Raw definitions of the tools, one list a page. */
  pages: string[][];
  /** Bodies of the calls that arrived. */
  readonly calls: string[];
  /** How many lists were asked for. */
  lists: number;
}

/** Starts it; every call is answered with the text `done`. */
export async function startListingUpstream(): Promise<ListingUpstream> {
  const state = { pages: [[]] as string[][], calls: [] as string[], lists: 0 };
  const raw = await startRawUpstream((request, reply) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const result = request.method === 'POST' ? answerTo(body) : null;
      if (result === null) {
        reply.writeHead(request.method === 'POST' ? 202 : 405).end();
        return;
      }
      const id = JSON.stringify((JSON.parse(body) as { id: unknown }).id);
      reply.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'upstream-session' });
      reply.end(`{"jsonrpc":"2.0","id":${id},"result":${result}}`);
    });
  });
  function answerTo(body: string): string | null {
    const { method, params } = JSON.parse(body) as {
      method: string;
      params?: { cursor?: string; protocolVersion?: string };
    };
    if (method === 'initialize')
      return `{"protocolVersion":"${params?.protocolVersion ?? ''}","capabilities":{"tools":{}},"serverInfo":{"name":"listing","version":"1"}}`;
    if (method === 'tools/list') {
      state.lists++;
      const page = Number(params?.cursor ?? 0);
      const next = page + 1 < state.pages.length ? `,"nextCursor":"${page + 1}"` : '';
      return `{"tools":[${(state.pages[page] ?? []).join(', ')}]${next},"big":12345678901234567890}`;
    }
    if (method === 'tools/call') {
      state.calls.push(body);
      return '{"content":[{"type":"text","text":"done"}]}';
    }
    return null;
  }
  return Object.assign(state, { url: raw.url, [Symbol.asyncDispose]: () => raw[Symbol.asyncDispose]() });
}
