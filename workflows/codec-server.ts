import { isIP } from 'node:net';
import type { Payload, PayloadCodec } from '@temporalio/common';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';

/** What the codec server needs. */
export interface CodecServerDeps {
  readonly listen: { readonly host: string; readonly port: number };
  readonly codec: PayloadCodec;
  readonly namespace: string;
  /** Exact origin of the Temporal UI that may ask, such as `https://temporal.example`. */
  readonly uiOrigin: string;
  /**
   * Whether the bearer of this token (the UI passes its user's on) may read payloads. Null asks nobody: only for a
   * listener on loopback, where whoever could ask can read the key's file as well.
   */
  readonly authorize: ((token: string) => Promise<boolean>) | null;
}

/** A codec server that answers. */
export interface RunningCodecServer {
  /** What the UI is given as its codec endpoint. */
  readonly url: string;
  stop(): Promise<void>;
}

/** The codec server cannot be started in this shape. */
export class CodecServerError extends Error {
  readonly code = 'codec_server_open';
}

const largestBodyBytes = 8 * 1024 * 1024;

/**
 * Decodes payloads for the Temporal UI, so that summaries, details and votes can be read there by those who may. It
 * decodes only: what people send from the UI is never encrypted in Holdpoint's name.
 * @throws CodecServerError when it would answer anybody beyond this machine
 */
export async function startCodecServer(deps: CodecServerDeps): Promise<RunningCodecServer> {
  const { host, port } = deps.listen;
  if (deps.authorize === null && !isLoopback(host))
    throw new CodecServerError(
      `the codec server on ${host} needs a way to check who asks; listen on loopback or give one`,
    );
  const app = fastify({ bodyLimit: largestBodyBytes, logger: false });
  app.addHook('onRequest', async (request, reply) => guard(deps, request, reply));
  app.options('/decode', async (_request, reply) => reply.code(204).send());
  app.post('/decode', async (request, reply) => {
    const payloads = payloadsOf(request.body);
    if (!payloads)
      return reply.code(400).send({ error: 'the body must be {"payloads": [{"metadata", "data"}]}' });
    try {
      return { payloads: (await deps.codec.decode(payloads)).map(toJson) };
    } catch {
      return reply.code(422).send({ error: 'a payload is not encrypted with a key that is known here' });
    }
  });
  await app.listen({ host, port });
  const address = app.server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`, stop: () => app.close() };
}

async function guard(deps: CodecServerDeps, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  reply.header('cache-control', 'no-store').header('vary', 'origin');
  if (request.headers.origin !== deps.uiOrigin)
    return reply.code(403).send({ error: 'only the configured Temporal UI may ask' });
  reply
    .header('access-control-allow-origin', deps.uiOrigin)
    .header('access-control-allow-credentials', 'true')
    .header('access-control-allow-methods', 'POST, OPTIONS')
    .header('access-control-allow-headers', 'authorization, content-type, x-namespace');
  if (request.method === 'OPTIONS') return undefined;
  // A page that made its own name point here (DNS rebinding) is stopped by the name it asks for.
  if (deps.authorize === null && !isLoopback(hostOf(request.headers.host ?? '')))
    return reply.code(403).send({ error: 'ask by the loopback address' });
  if (request.headers['x-namespace'] !== deps.namespace)
    return reply.code(403).send({ error: 'payloads of another namespace are not decoded here' });
  if (deps.authorize === null) return undefined;
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined || !(await deps.authorize(token)))
    return reply
      .code(401)
      .header('www-authenticate', 'Bearer')
      .send({ error: 'sign in to the Temporal UI as somebody who may read approvals' });
  return undefined;
}

function payloadsOf(body: unknown): Payload[] | null {
  const list = isRecord(body) ? body['payloads'] : null;
  if (!Array.isArray(list)) return null;
  const payloads: Payload[] = [];
  for (const item of list as unknown[]) {
    if (!isRecord(item)) return null;
    const { metadata = {}, data = '' } = item;
    if (!isRecord(metadata) || typeof data !== 'string') return null;
    const entries = Object.entries(metadata);
    if (!entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) return null;
    payloads.push({
      metadata: Object.fromEntries(entries.map(([name, value]) => [name, Buffer.from(value, 'base64')])),
      data: Buffer.from(data, 'base64'),
    });
  }
  return payloads;
}

function toJson({ metadata, data }: Payload): object {
  const base64 = (bytes: Uint8Array | null | undefined): string =>
    Buffer.from(bytes ?? []).toString('base64');
  return {
    metadata: Object.fromEntries(
      Object.entries(metadata ?? {}).map(([name, value]) => [name, base64(value)]),
    ),
    data: base64(data),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hostOf(header: string): string {
  return header.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
