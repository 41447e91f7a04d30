import { createServer, type ServerResponse } from 'node:http';
import type { Listen } from '../config/config.ts';
import type { Stoppable } from '../stopping.ts';
import type { RunningRole } from './context.ts';

/**
 * The metrics listener of roles that listen nowhere else: `GET /healthz` answers as long as the event loop turns,
 * `GET /metrics` gives Prometheus text where the role measures something.
 */
export async function startHealth({ host, port }: Listen, role: RunningRole): Promise<Stoppable> {
  const server = createServer((request, response) => {
    if (request.method === 'GET' && request.url === '/healthz')
      return send(response, 200, JSON.stringify({ status: 'ok', role: role.name }), 'application/json');
    if (request.method === 'GET' && request.url === '/metrics' && role.metrics) {
      void role.metrics().then(
        (text) => send(response, 200, text, 'text/plain; version=0.0.4'),
        () => send(response, 503, 'the database cannot be asked\n', 'text/plain'),
      );
      return;
    }
    send(response, 404, 'there is GET /healthz here, and GET /metrics on workers\n', 'text/plain');
  });
  await new Promise<void>((done, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, done);
  });
  return {
    name: 'health',
    stop: () => new Promise((done) => server.close(() => done())),
  };
}

function send(response: ServerResponse, status: number, body: string, type: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
