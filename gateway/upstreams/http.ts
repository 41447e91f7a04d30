import { Pool } from 'undici';
import type { HttpConnectionSettings } from '../settings.ts';
import { guardedLookup, refuseAddressOf } from './address-guard.ts';
import { createHttpSession, type HttpEndpoint } from './http-session.ts';
import { secretRemover } from './own-secrets.ts';
import type { Upstream } from './upstream.ts';
import type { UpstreamLimits } from './limits.ts';

/**
 * An upstream over streamable HTTP: one pool of kept-alive connections to one origin. Redirects are never followed,
 * and nothing that a client sent becomes a header here but the MCP headers that the line puts in.
 * @throws Error when the URL names an address that is never an upstream (link-local, unspecified)
 */
export function createHttpUpstream(
  connection: string,
  settings: HttpConnectionSettings,
  limits: UpstreamLimits,
): Upstream {
  const url = new URL(settings.url);
  refuseAddressOf(url);
  const pool = new Pool(url.origin, {
    pipelining: 1,
    connectTimeout: settings.connectTimeoutMs,
    connect: { lookup: guardedLookup(url), timeout: settings.connectTimeoutMs },
  });
  const endpoint: HttpEndpoint = {
    name: `upstream "${connection}"`,
    pool,
    path: url.pathname + url.search,
    headers: lowerCased({
      ...settings.headers,
      ...(settings.credentials && { [settings.credentials.header]: settings.credentials.value }),
    }),
    withoutSecrets: secretRemover(settings.credentials ? [settings.credentials.value] : []),
    limits,
  };
  return {
    connection,
    open: async ({ stateless = false }) => createHttpSession(endpoint, null, stateless),
    resume: (_context, resumable) => createHttpSession(endpoint, resumable === '' ? null : resumable, false),
    close: () => pool.destroy(),
  };
}

function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
