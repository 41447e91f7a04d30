import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { Pool } from 'undici';
import type { Caller } from '../../policy/caller.ts';
import { elicitationId } from '../connect/elicitation.ts';
import { createSignInSession, notBegun } from '../connect/sign-in-session.ts';
import { type CredentialDeps, injectorFor, tokenWanted } from '../credentials/inject.ts';
import type { HttpConnectionSettings, HttpTls } from '../settings.ts';
import { guardedLookup, refuseAddressOf } from './address-guard.ts';
import { createDetectingSession } from './detecting-session.ts';
import { createHttpSession, type HttpEndpoint } from './http-session.ts';
import { createLegacySse } from './legacy-sse.ts';
import { secretRemover } from './own-secrets.ts';
import { createSharedSession } from './shared-session.ts';
import type { TextReader } from './text-reader.ts';
import { createBridgedSession } from './translate/bridged-session.ts';
import { createModernSession } from './translate/modern-session.ts';
import type { Upstream, UpstreamContext, UpstreamSession } from './upstream.ts';
import type { UpstreamLimits } from './limits.ts';

export interface HttpUpstreamDeps {
  readonly log: Logger;
  readonly injecting: CredentialDeps;
  readonly reader: TextReader;
}

/**
 * An upstream over streamable HTTP: one pool of kept-alive connections to one origin. Redirects are never followed,
 * and nothing that a client sent becomes a header here but the MCP headers that the line puts in.
 * @throws Error when the URL names an address that is never an upstream (link-local, unspecified)
 */
export function createHttpUpstream(
  connection: string,
  settings: HttpConnectionSettings,
  limits: UpstreamLimits,
  { log, injecting, reader }: HttpUpstreamDeps,
): Upstream {
  const url = new URL(settings.url);
  refuseAddressOf(url);
  const pool = new Pool(url.origin, {
    pipelining: 1,
    connectTimeout: settings.connectTimeoutMs,
    connect: { lookup: guardedLookup(url), timeout: settings.connectTimeoutMs, ...tlsOptions(settings.tls) },
  });
  const shared: HttpEndpoint = {
    name: `upstream "${connection}"`,
    pool,
    origin: url.origin,
    path: url.pathname + url.search,
    headers: lowerCased(settings.headers),
    injector: null,
    withoutSecrets: secretRemover([]),
    reader,
    limits,
    onInvalid: (because) => log.warn({ connection, because }, 'an upstream sent what is no valid message'),
  };
  const { credentials } = settings;
  /** What is injected may be another thing for each caller, and so is what must not come back. */
  const endpointOf = (caller: Caller): HttpEndpoint =>
    credentials === null
      ? shared
      : {
          ...shared,
          injector: injectorFor({ connection, url: settings.url, caller }, credentials, injecting),
          withoutSecrets: secretRemover([]),
        };
  const personal = personalSignIns(connection, settings, injecting);
  const signedInSession = (
    { caller, sessionId }: UpstreamContext,
    inner: UpstreamSession,
    resumable: string | null,
  ): UpstreamSession => {
    if (!personal) return inner;
    const signedIn = (): Promise<boolean> => personal.signedIn(caller);
    const parts = { connection, elicitationId: elicitationId(sessionId), inner, signedIn };
    return createSignInSession(parts, resumable);
  };
  const open = ({ stateless = false, caller }: UpstreamContext): UpstreamSession => {
    const endpoint = endpointOf(caller);
    const { name } = endpoint;
    const modern = createHttpSession(endpoint, null, true);
    const legacy = (): UpstreamSession =>
      createDetectingSession({
        streamable: createHttpSession(endpoint, null, false),
        oldest: () => legacySession(endpoint),
        newest: () => createModernSession(modern, name),
      });
    return stateless ? createBridgedSession({ modern, legacy }, name) : legacy();
  };
  return {
    connection,
    ...(personal && {
      personal,
      // What is offered to one person need not be what is offered to another.
      credentialContext: ({ key }: Caller) => createHash('sha256').update(key).digest('hex').slice(0, 16),
    }),
    open: async (context) => signedInSession(context, open(context), null),
    resume(context, resumable) {
      if (notBegun(resumable)) return signedInSession(context, open(context), resumable);
      const endpoint = endpointOf(context.caller);
      const session = createHttpSession(endpoint, resumable === '' ? null : resumable, false);
      return signedInSession(context, session, null);
    },
    close: () => pool.destroy(),
  };
}

/** Where people sign in themselves; null on other connections. */
function personalSignIns(
  connection: string,
  { url, credentials }: HttpConnectionSettings,
  { userTokens }: CredentialDeps,
): NonNullable<Upstream['personal']> | null {
  if (credentials?.source.kind !== 'authorizationCode' || !userTokens) return null;
  const { client } = credentials.source;
  return {
    signedIn: (caller) => userTokens.has(tokenWanted({ connection, url }, client, caller)),
    wantsMore: (caller) => userTokens.wantsMore(tokenWanted({ connection, url }, client, caller)),
  };
}

function legacySession(endpoint: HttpEndpoint): UpstreamSession {
  const { name, limits, withoutSecrets, reader } = endpoint;
  return createSharedSession(createLegacySse(endpoint), {
    name,
    depth: limits.depth,
    idleTimeoutMs: limits.idleTimeoutMs,
    withoutSecrets,
    reader,
    onInvalid: endpoint.onInvalid,
    onClose: () => {},
  });
}

/** PEM texts as TLS takes them. */
function tlsOptions(tls: HttpTls | null | undefined): Record<string, string> {
  if (!tls) return {};
  const { ca, cert, key, serverName } = tls;
  return {
    ...(ca !== null && { ca }),
    ...(cert !== null && { cert }),
    ...(key !== null && { key }),
    ...(serverName !== null && { servername: serverName }),
  };
}

function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
