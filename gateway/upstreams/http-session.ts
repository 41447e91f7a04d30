import type { Dispatcher } from 'undici';
import { UpstreamError } from '../errors.ts';
import { exchange, type HttpReply } from './http-exchange.ts';
import { readAnswer, readEvents, refusalOf, type AnswerContext } from './http-answer.ts';
import { scopesInChallenge } from '../connect/challenge.ts';
import type { Injected, Injector } from '../credentials/inject.ts';
import type { UpstreamLimits } from './limits.ts';
import type { SecretRemover } from './own-secrets.ts';
import type { TextReader } from './text-reader.ts';
import type { SendOptions, UpstreamMessage, UpstreamSession } from './upstream.ts';

/** Where and how an HTTP upstream is spoken to; shared by its sessions. */
export interface HttpEndpoint {
  /** How messages name it. */
  readonly name: string;
  readonly pool: Dispatcher;
  readonly origin: string;
  readonly path: string;
  /** Configured headers, lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Gives the credential for each request; null where there is none. */
  readonly injector: Injector | null;
  readonly withoutSecrets: SecretRemover;
  readonly reader: TextReader;
  readonly limits: UpstreamLimits;
  /** Tells of messages that are left out since they are none. */
  readonly onInvalid: (because: string) => void;
}

const both = 'application/json, text/event-stream';

/** One session with an HTTP upstream: remembers upstream's session id and where its streams stood. */
export function createHttpSession(
  endpoint: HttpEndpoint,
  resumable: string | null,
  stateless: boolean,
): UpstreamSession {
  let sessionId = resumable;
  let lastEventId: string | null = null;
  /** The version header of the last message: what follows on the session (GET, DELETE) says the same. */
  let versionHeaders: Record<string, string> = {};
  let closed = false;
  const bounded = { idleTimeoutMs: endpoint.limits.idleTimeoutMs };

  async function request(
    method: 'GET' | 'POST' | 'DELETE',
    body: string | null,
    signal: AbortSignal,
    more: Readonly<Record<string, string>>,
    { onSent, idleTimeoutMs }: { onSent?: (() => void) | undefined; idleTimeoutMs: number },
  ): Promise<HttpReply> {
    let told = onSent;
    return oncePerCredential(endpoint, (injected) => {
      const headers: Record<string, string> = { ...more, ...endpoint.headers, ...injected?.headers };
      headers['accept'] = method === 'GET' ? 'text/event-stream' : both;
      if (body !== null) headers['content-type'] = 'application/json';
      if (sessionId !== null) headers['mcp-session-id'] = sessionId;
      const path = withQuery(endpoint.path, injected);
      const { pool, name } = endpoint;
      const first = told;
      told = undefined;
      return exchange(pool, { method, path, headers, body, signal, idleTimeoutMs, onSent: first, name });
    });
  }

  function resume(eventId: string, signal: AbortSignal): Promise<HttpReply> {
    return request('GET', null, signal, { ...versionHeaders, 'last-event-id': eventId }, bounded);
  }

  async function* send(json: string, options: SendOptions): AsyncGenerator<UpstreamMessage, void, void> {
    const { idJson, signal, onSent, headers = {} } = options;
    const idleTimeoutMs = options.mayBeSilent ? 0 : endpoint.limits.idleTimeoutMs;
    const version = headers['mcp-protocol-version'];
    if (version !== undefined) versionHeaders = { 'mcp-protocol-version': version };
    const reply = await request('POST', json, signal, headers, { onSent, idleTimeoutMs });
    const given = reply.headers['mcp-session-id'];
    if (typeof given === 'string' && given !== '' && !stateless) sessionId ??= given;
    if (reply.status === 200 && idJson !== null && isStream(reply)) options.onStream?.();
    const context: AnswerContext = { ...endpoint, idJson, signal, resume, inSession: sessionId !== null };
    yield* readAnswer(reply, context);
  }

  return {
    send,
    get resumable() {
      return sessionId ?? '';
    },
    async events(signal) {
      const more =
        lastEventId === null ? versionHeaders : { ...versionHeaders, 'last-event-id': lastEventId };
      const reply = await request('GET', null, signal, more, { idleTimeoutMs: 0 });
      if (reply.status === 200 && isStream(reply))
        return readEvents(reply, endpoint, (id) => {
          lastEventId = id;
        });
      reply.abort();
      if (reply.status === 200 || reply.status === 405)
        throw new UpstreamError('upstream_no_events', `${endpoint.name} offers no stream of its own`, {
          sent: true,
        });
      throw refusalOf(reply.status, endpoint.name, sessionId !== null);
    },
    async close() {
      if (closed || sessionId === null) return;
      closed = true;
      const signal = AbortSignal.timeout(5000);
      // Ending is a courtesy: an upstream that is gone, or knows no DELETE (405), forgets the session by itself.
      await request('DELETE', null, signal, versionHeaders, bounded).then(
        (reply) => reply.text(64 * 1024),
        (error: UpstreamError) => {
          if (!(error instanceof UpstreamError)) throw error;
        },
      );
    },
  };
}

/**
 * One exchange under the credential of this moment. Where upstream refuses that with 401, which is before it does
 * anything (RFC 9110 section 15.5.2), or says that the credential's scope is too narrow, and there is another one now:
 * once more.
 */
export async function oncePerCredential(
  endpoint: HttpEndpoint,
  attempt: (injected: Injected | null) => Promise<HttpReply>,
): Promise<HttpReply> {
  const injected = await injectedInto(endpoint);
  const reply = await attempt(injected);
  if (injected === null || endpoint.injector === null) return reply;
  const narrow = reply.status === 403 ? scopesLacking(reply.headers['www-authenticate']) : null;
  if (reply.status !== 401 && narrow === null) return reply;
  const { injector } = endpoint;
  try {
    const another =
      narrow === null
        ? await injector.rejected(injected.secret)
        : await injector.tooNarrow?.(injected.secret, narrow);
    if (!another) return reply;
  } catch (error) {
    reply.abort();
    throw error;
  }
  reply.abort();
  return attempt(await injectedInto(endpoint));
}

/** The scopes that a challenge says are lacking (RFC 6750 section 3.1); null where it says nothing of the kind. */
function scopesLacking(challenge: string | undefined): readonly string[] | null {
  if (challenge === undefined || challenge.length > 8_192) return null;
  if (!/\berror="?insufficient_scope\b/i.test(challenge)) return null;
  return scopesInChallenge(challenge);
}

/** The credential for one request, which from now on is taken out of what comes back. */
async function injectedInto(endpoint: HttpEndpoint): Promise<Injected | null> {
  if (endpoint.injector === null) return null;
  const injected = await endpoint.injector.inject();
  endpoint.withoutSecrets.know(injected.secret);
  return injected;
}

/** A path with what is injected into its query. */
export function withQuery(path: string, injected: Injected | null): string {
  if (injected === null || injected.query === '') return path;
  return `${path}${path.includes('?') ? '&' : '?'}${injected.query}`;
}

function isStream(reply: HttpReply): boolean {
  return reply.headers['content-type']?.startsWith('text/event-stream') ?? false;
}
