import type { ApiProblem, Endpoint, Operation, Streaming } from '../../console/api/endpoint.ts';
import { downloads, operations, streams } from '../../console/api/operations.ts';
import type { Answer, Api, Item } from './api.ts';
import { brokenOff, notHoldpoint, problemIn, refusalIn, unanswered, unreadable } from './no-answer.ts';
import { eventsIn, type ServerSent, TooLongError } from './server-sent.ts';

/** What a Holdpoint is asked with over the network. */
export interface RemoteDeps {
  /** Where its console is. */
  readonly server: string;
  /** The secret to show. Asked for each request: it may have been renewed. */
  readonly bearer: () => Promise<string>;
  readonly version: string;
  readonly fetch?: typeof fetch;
}

const answerWithinMs = 60_000;

/** The operations of a Holdpoint that runs elsewhere, by its HTTP API. Answers that are not as described are refused. */
export function remoteApi(deps: RemoteDeps): Api {
  const send = async (
    one: Operation,
    asked: { readonly params?: unknown; readonly query?: unknown; readonly body?: unknown },
    signal: AbortSignal,
  ): Promise<Response> => {
    const url = new URL(`/api/v1${pathOf(one.path, asked.params)}`, deps.server);
    for (const [name, value] of Object.entries(asked.query ?? {}))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const headers: Record<string, string> = {
      authorization: `Bearer ${await deps.bearer()}`,
      accept: 'application/json, text/event-stream, application/zip, application/problem+json',
      'user-agent': `holdpoint/${deps.version}`,
      ...(one.body && { 'content-type': 'application/json' }),
    };
    const init: RequestInit = {
      method: one.method,
      headers,
      // An answer that leads elsewhere would take the secret there.
      redirect: 'error',
      signal,
      ...(one.body && { body: JSON.stringify(asked.body ?? {}) }),
    };
    const reply = await (deps.fetch ?? fetch)(url, init).catch((error: unknown) => {
      throw unanswered(deps.server, one, error);
    });
    if (!reply.ok) throw await refusalIn(reply, deps.server, one);
    return reply;
  };
  return {
    async call(id, asked = {}) {
      const one: Endpoint = operations[id];
      const reply = await send(one, asked, AbortSignal.timeout(answerWithinMs));
      const text = await reply.text().catch((error: unknown) => {
        throw unanswered(deps.server, one, error);
      });
      const parsed = one.response.safeParse(jsonIn(text));
      if (parsed.success) return parsed.data as Answer<typeof id>;
      throw notHoldpoint(deps.server);
    },
    async *stream(id, asked = {}) {
      const one: Streaming = streams[id];
      const stopped = new AbortController();
      try {
        const { body } = await send(one, asked, stopped.signal);
        if (!body) throw notHoldpoint(deps.server);
        for await (const { event, data } of partsOf(body, deps.server, one)) {
          if (event === 'end') return;
          if (event === 'problem') throw problemIn(data) ?? unreadable(deps.server, one, data);
          const parsed = one.response.safeParse(jsonIn(data));
          if (!parsed.success) throw unreadable(deps.server, one, parsed.error);
          yield parsed.data as Item<typeof id>;
        }
        throw brokenOff(deps.server);
      } finally {
        stopped.abort();
      }
    },
    async *download(id, asked = {}) {
      const one = downloads[id];
      const stopped = new AbortController();
      try {
        const { body, headers } = await send(one, asked, stopped.signal);
        if (!body || headers.get('content-type') !== one.type) throw notHoldpoint(deps.server);
        yield* failing(body, (error) => brokenOff(deps.server, error));
      } finally {
        stopped.abort();
      }
    },
  };
}

function pathOf(path: string, params: unknown): string {
  const given = params as Readonly<Record<string, string | undefined>> | undefined;
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(given?.[name] ?? ''));
}

/** The events of an answer. @throws ApiProblem where it breaks off */
function partsOf(
  body: ReadableStream<Uint8Array>,
  server: string,
  one: Streaming,
): AsyncGenerator<ServerSent> {
  return failing(eventsIn(body), (error) =>
    error instanceof TooLongError ? unreadable(server, one, error) : brokenOff(server, error),
  );
}

/** What an iterator gives; what goes wrong in it, and not in whoever reads, in words. */
async function* failing<T>(
  given: AsyncIterable<T>,
  words: (error: unknown) => ApiProblem,
): AsyncGenerator<T> {
  const iterator = given[Symbol.asyncIterator]();
  try {
    while (true) {
      const next = await iterator.next().catch((error: unknown) => {
        throw words(error);
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.().catch(() => {});
  }
}

/** undefined when it is no JSON, which no answer is. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
