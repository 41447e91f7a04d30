import { ApiProblem, type Endpoint, type ProblemCode, type Streaming } from '../../console/api/endpoint.ts';
import { operations, streams } from '../../console/api/operations.ts';
import { problem } from '../../console/api/schemas.ts';
import type { Answer, Api, Item } from './api.ts';
import { eventsIn } from './server-sent.ts';

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
    one: Endpoint | Streaming,
    asked: { readonly params?: unknown; readonly query?: unknown; readonly body?: unknown },
    signal: AbortSignal,
  ): Promise<Response> => {
    const url = new URL(`/api/v1${pathOf(one.path, asked.params)}`, deps.server);
    for (const [name, value] of Object.entries(asked.query ?? {}))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const headers: Record<string, string> = {
      authorization: `Bearer ${await deps.bearer()}`,
      accept: 'application/json, text/event-stream, application/problem+json',
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
    const reply = await (deps.fetch ?? fetch)(url, init).catch((error: unknown) =>
      unreachable(deps.server, error),
    );
    if (!reply.ok) throw await problemIn(reply, deps.server);
    return reply;
  };
  return {
    async call(id, asked = {}) {
      const one: Endpoint = operations[id];
      const reply = await send(one, asked, AbortSignal.timeout(answerWithinMs));
      const parsed = one.response.safeParse(await reply.json().catch(() => undefined));
      if (parsed.success) return parsed.data as Answer<typeof id>;
      throw notHoldpoint(deps.server);
    },
    async *stream(id, asked = {}) {
      const one: Streaming = streams[id];
      const stopped = new AbortController();
      try {
        const { body } = await send(one, asked, stopped.signal);
        if (!body) throw notHoldpoint(deps.server);
        for await (const { event, data } of eventsIn(body)) {
          if (event === 'end') return;
          if (event === 'problem') throw problemOf(data, deps.server);
          yield one.response.parse(JSON.parse(data)) as Item<typeof id>;
        }
        throw new ApiProblem(
          'unavailable',
          `${deps.server} ended the answer before it was whole: it was stopped, or your access was ended`,
        );
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

async function problemIn(reply: Response, server: string): Promise<ApiProblem> {
  return problemOf(await reply.text().catch(() => ''), server);
}

function problemOf(text: string, server: string): ApiProblem {
  try {
    const { code, detail } = problem.parse(JSON.parse(text));
    return new ApiProblem(code as ProblemCode, detail);
  } catch {
    return notHoldpoint(server);
  }
}

function notHoldpoint(server: string): ApiProblem {
  return new ApiProblem(
    'unavailable',
    `what answers at ${server} is no Holdpoint console of this version: give the console's address, not that of the agents`,
  );
}

function unreachable(server: string, error: unknown): never {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
  const timedOut = error instanceof Error && error.name === 'TimeoutError';
  throw new ApiProblem(
    'unavailable',
    timedOut
      ? `${server} did not answer in time: what you asked for may or may not have been done; asking again is safe`
      : `${server} cannot be reached${cause === '' ? '' : ` (${cause})`}: is it running, and is the address right? With the database and its keys at hand, --database does without it`,
    { cause: error },
  );
}
