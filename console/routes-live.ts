import type { FastifyInstance } from 'fastify';
import { callsVersion, shownCall } from '../db/held-calls-shown.ts';
import type { ConsoleContext, Visit } from './deps.ts';
import { callVersion } from './routes-approvals.ts';
import { allowed, sessionVersion } from './routes-sessions.ts';
import { maySee } from './sight.ts';
import { visitOf } from './sign-in.ts';

const askEveryMs = 1000;
const aliveEveryMs = 15_000;
const mostStreams = 200;

/**
 * Server-sent events that say when a page would look different: `version` events, nothing else. The page then fetches
 * itself again, so that what people see always comes from one place. A stream ends when its session does.
 * @returns ends all streams, so that the listener can close
 */
export function liveRoutes(app: FastifyInstance, context: ConsoleContext): () => void {
  const open = new Set<() => void>();
  const stream = (path: string, version: (id: string, visit: Visit) => Promise<string>): void => {
    app.get<{ Params: { id?: string } }>(path, async (request, reply) => {
      const visit = visitOf(request);
      if (open.size >= mostStreams)
        return reply.code(503).header('retry-after', '30').send('too many open pages');
      reply.hijack();
      const { raw } = reply;
      raw.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        'content-type': 'text/event-stream',
      });
      const stopped = new AbortController();
      const stop = (): void => {
        stopped.abort();
        open.delete(stop);
        raw.end();
      };
      open.add(stop);
      raw.on('close', stop);
      raw.on('error', stop);
      await follow({
        raw,
        signal: stopped.signal,
        version: () => version(request.params.id ?? '', visit),
        alive: () => context.visits.isAlive(visit.secret),
      })
        .catch((error: unknown) =>
          context.log.warn({ err: error }, 'a live page lost its stream; it connects again'),
        )
        .finally(stop);
      return reply;
    });
  };
  const listVersion = shared(() => callsVersion(context.pool));
  stream('/live', listVersion);
  stream('/live/:id', async (id, visit) => {
    const call = await shownCall(context.pool, id);
    return call && maySee(call, visit.identity, context.viewers) ? callVersion(call, context.now()) : 'gone';
  });
  stream('/live/sessions/:id', async (id, visit) => {
    const session = await allowed(context, visit).reader.session(id);
    return session ? sessionVersion(session) : 'gone';
  });
  return () => {
    for (const stop of open) stop();
  };
}

/** Asks at most once a moment, however many pages are open. */
function shared(ask: () => Promise<string>): () => Promise<string> {
  let asked: { readonly atMs: number; readonly answer: Promise<string> } | null = null;
  return () => {
    const nowMs = Date.now();
    if (!asked || nowMs - asked.atMs >= askEveryMs / 2) asked = { atMs: nowMs, answer: ask() };
    return asked.answer;
  };
}

interface Followed {
  readonly raw: NodeJS.WritableStream;
  readonly signal: AbortSignal;
  readonly version: () => Promise<string>;
  readonly alive: () => Promise<boolean>;
}

async function follow({ raw, signal, version, alive }: Followed): Promise<void> {
  let last: string | null = null;
  let aliveAtMs = Date.now();
  while (!signal.aborted) {
    const now = await version();
    if (now !== last) raw.write(`event: version\ndata: ${JSON.stringify(now)}\n\n`);
    last = now;
    if (Date.now() - aliveAtMs > aliveEveryMs) {
      aliveAtMs = Date.now();
      if (!(await alive())) return;
      raw.write(': alive\n\n');
    }
    await new Promise((resolve) => setTimeout(resolve, askEveryMs));
  }
}
