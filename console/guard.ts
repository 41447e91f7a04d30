import type { FastifyInstance } from 'fastify';
import { PageError } from './errors.ts';

/** Everything comes from here; nothing inline, nothing framed, nothing sent elsewhere. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types holdpoint-page',
].join('; ');

const headers: Readonly<Record<string, string>> = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // Not `no-referrer`: browsers then send `Origin: null` with our own forms.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'cache-control': 'no-store',
};

/**
 * Refuses what does not come from the console's own pages: a Host that is not ours (DNS rebinding), and a POST whose
 * Origin is not ours. Puts the security headers on every answer.
 * @param ours hosts (`name:port`) and origins by which browsers may reach the console; asked at each request
 */
export function guard(
  app: FastifyInstance,
  ours: () => { readonly hosts: ReadonlySet<string>; readonly origins: ReadonlySet<string> },
  {
    secure,
    fromElsewhere,
  }: {
    readonly secure: boolean;
    /** The one path whose POST comes from another site, and proves itself by what it carries; null where there is none. */
    readonly fromElsewhere: string | null;
  },
): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headers);
    if (secure) reply.header('strict-transport-security', 'max-age=31536000');
    const { hosts, origins } = ours();
    if (!hosts.has((request.headers.host ?? '').toLowerCase()))
      throw new PageError(
        421,
        'This address is not the console',
        'The request names a host that this console does not answer to.',
        'Use the address in the setting console.publicUrl.',
      );
    if (request.method === 'GET' || request.method === 'HEAD') return;
    if (request.method === 'POST' && request.url === fromElsewhere) return;
    // A page of another site cannot send this header without asking, and nothing here answers that it may.
    if (request.url.startsWith('/api/') && request.headers.authorization !== undefined) return;
    const origin = request.headers.origin;
    const site = request.headers['sec-fetch-site'];
    if (origin === undefined || !origins.has(origin) || (site !== undefined && site !== 'same-origin'))
      throw new PageError(
        403,
        'Not sent from this console',
        'The form was sent from another site, so nothing was done.',
        'Open the page on the console itself and try again.',
      );
  });
}

/**
 * The hosts and origins of a console.
 * @param publicUrl where browsers reach it
 * @param bound host and port of a loopback listener, which may also be reached by every loopback name; null otherwise
 */
export function ownNames(
  publicUrl: URL,
  bound: { readonly port: number } | null,
): { hosts: ReadonlySet<string>; origins: ReadonlySet<string> } {
  const hosts = new Set([publicUrl.host]);
  const origins = new Set([publicUrl.origin]);
  if (bound)
    for (const name of ['127.0.0.1', 'localhost', '[::1]']) {
      hosts.add(`${name}:${bound.port}`);
      origins.add(`http://${name}:${bound.port}`);
    }
  return { hosts, origins };
}

/** Whether a listener can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
