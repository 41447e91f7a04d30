import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';

const types: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** The only files that are served; read once at start. */
const names = ['console.css', 'live.js', 'replay.js', 'passkey.js', 'holdpoint.svg'] as const;

/** Serves the style sheet, the scripts and the mark, to be checked by ETag. */
export async function assetRoutes(app: FastifyInstance): Promise<void> {
  for (const name of names) {
    const bytes = await readFile(new URL(`./assets/${name}`, import.meta.url));
    const etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}"`;
    const type = types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
    app.get(`/assets/${name}`, async (request, reply) => {
      reply.headers({ etag, 'cache-control': 'no-cache', 'content-type': type });
      if (request.headers['if-none-match'] === etag) return reply.code(304).send();
      return bytes;
    });
  }
}
