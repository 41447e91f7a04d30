import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that a stand-in got. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What a stand-in answers: a status and a JSON value. */
export type Answer = readonly [status: number, body: unknown];

/** A server of a published HTTP API, as far as it is used. */
export interface StandIn extends AsyncDisposable {
  readonly url: string;
  readonly asked: Asked[];
  answer: (asked: Asked) => Answer;
}

export async function standIn(answer: (asked: Asked) => Answer): Promise<StandIn> {
  const asked: Asked[] = [];
  const server = createServer((request, reply) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => (body += part));
    request.on('end', () => {
      const one = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
      asked.push(one);
      const [status, value] = made.answer(one);
      reply.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const made: StandIn = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
  return made;
}

/** An MCP server whose every tool tells, in many encodings, the credential that it was called with. */
export async function echoingUpstream(): Promise<StandIn> {
  return standIn(({ headers, path, body }) => {
    if (body === '') return [200, {}];
    const { id, method } = JSON.parse(body) as { id?: number; method: string };
    const result = (value: object): Answer => [200, { jsonrpc: '2.0', id, result: value }];
    if (method === 'initialize')
      return result({
        protocolVersion: '2025-06-18',
        capabilities: { tools: {} },
        serverInfo: { name: 'e', version: '1' },
      });
    const got = headers.authorization ?? new URL(path, 'http://x').searchParams.get('api_key') ?? '';
    const bare = got.replace(/^Bearer /, '');
    const texts = [
      got,
      bare,
      encodeURIComponent(bare),
      Buffer.from(bare).toString('base64'),
      Buffer.from(bare).toString('base64url'),
      Buffer.from(`user:${bare}`).toString('base64'),
      Buffer.from(`ab${bare}!`).toString('base64'),
      Buffer.from(bare).toString('hex'),
      JSON.stringify({ header: got }),
    ];
    return result({ content: texts.map((text) => ({ type: 'text', text })) });
  });
}
