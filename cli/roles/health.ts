import { createServer } from 'node:http';
import type { Listen } from '../config/config.ts';
import type { Stoppable } from '../stopping.ts';

/** `GET /healthz` for roles that listen nowhere else: answers as long as the process's event loop turns. */
export async function startHealth({ host, port }: Listen, role: string): Promise<Stoppable> {
  const server = createServer((request, response) => {
    const found = request.method === 'GET' && request.url === '/healthz';
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify(found ? { status: 'ok', role } : { error: 'there is only GET /healthz here' }),
    );
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
