import type { Logger } from 'pino';
import { Pool } from 'undici';
import type { HttpConnectionSettings } from '../settings.ts';
import { guardedLookup, refuseAddressOf } from './address-guard.ts';
import { createDetectingSession } from './detecting-session.ts';
import { createHttpSession, type HttpEndpoint } from './http-session.ts';
import { createLegacySse } from './legacy-sse.ts';
import { secretRemover } from './own-secrets.ts';
import { createSharedSession } from './shared-session.ts';
import { createBridgedSession } from './translate/bridged-session.ts';
import { createModernSession } from './translate/modern-session.ts';
import type { Upstream, UpstreamSession } from './upstream.ts';
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
  log: Logger,
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
    origin: url.origin,
    path: url.pathname + url.search,
    headers: lowerCased({
      ...settings.headers,
      ...(settings.credentials && { [settings.credentials.header]: settings.credentials.value }),
    }),
    withoutSecrets: secretRemover(settings.credentials ? [settings.credentials.value] : []),
    limits,
    onInvalid: (because) => log.warn({ connection, because }, 'an upstream sent what is no valid message'),
  };
  return {
    connection,
    open: async ({ stateless = false }) => {
      const { name } = endpoint;
      const modern = createHttpSession(endpoint, null, true);
      const legacy = (): UpstreamSession =>
        createDetectingSession({
          streamable: createHttpSession(endpoint, null, false),
          oldest: () => legacySession(endpoint),
          newest: () => createModernSession(modern, name),
        });
      return stateless ? createBridgedSession({ modern, legacy }, name) : legacy();
    },
    resume: (_context, resumable) => createHttpSession(endpoint, resumable === '' ? null : resumable, false),
    close: () => pool.destroy(),
  };
}

function legacySession(endpoint: HttpEndpoint): UpstreamSession {
  const { name, limits, withoutSecrets } = endpoint;
  return createSharedSession(createLegacySse(endpoint), {
    name,
    depth: limits.depth,
    idleTimeoutMs: limits.idleTimeoutMs,
    withoutSecrets,
    onInvalid: endpoint.onInvalid,
    onClose: () => {},
  });
}

function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
