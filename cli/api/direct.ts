import type { ApiCaller, Endpoint, Operation, Streaming } from '../../console/api/endpoint.ts';
import { ApiProblem } from '../../console/api/endpoint.ts';
import { downloads, operations, streams } from '../../console/api/operations.ts';
import { perform, performDownload, performStream } from '../../console/api/perform.ts';
import type { ActContext } from '../../console/deps.ts';
import type { Identity } from '../../console/identity.ts';
import type { Answer, Api, Item } from './api.ts';

/** Who is at a command line beside the database. */
export interface DirectCaller {
  /** Whoever has proven who they are; throws, saying how to prove it, when nobody is. */
  readonly proven: () => Promise<Identity>;
  /** Names the operating system's user, who has the database and its keys, and so sees what is in it. */
  readonly operator: string;
}

/**
 * The operations in this process, on the database itself.
 *
 * What everybody signed in may see is shown to whoever has the database, without proof of who they are; so are access
 * tokens of services made and revoked, since somebody must make the first. All else takes a proven person.
 */
export function directApi(context: ActContext, who: DirectCaller): Api {
  let known: Promise<ApiCaller> | undefined;
  const proven = (): Promise<ApiCaller> => (known ??= who.proven().then(callerFor, refused));
  const callerOf = async (one: Operation, asked: { readonly body?: unknown }): Promise<ApiCaller> => {
    if (one.method === 'GET' && one.permission === null) return operatorOf(who.operator);
    const bare = one.id === 'revokeToken' || (one.id === 'createToken' && isForService(asked.body));
    return bare ? proven().catch(() => operatorOf(who.operator)) : proven();
  };
  return {
    async call(id, asked = {}) {
      const one: Endpoint = operations[id];
      const answer = await perform(one, { caller: await callerOf(one, asked), context }, asked);
      return answer as Answer<typeof id>;
    },
    async *stream(id, asked = {}) {
      const one: Streaming = streams[id];
      const stopped = new AbortController();
      const by = { caller: await callerOf(one, asked), context, signal: stopped.signal };
      try {
        yield* (await performStream(one, by, asked)) as AsyncIterable<Item<typeof id>>;
      } finally {
        stopped.abort();
      }
    },
    async *download(id, asked = {}) {
      const one = downloads[id];
      const stopped = new AbortController();
      try {
        const by = { caller: await callerOf(one, asked), context, signal: stopped.signal };
        yield* await performDownload(one, by, asked);
      } finally {
        stopped.abort();
      }
    },
  };
}

function isForService(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'service' in body && body.service !== undefined;
}

function callerFor(identity: Identity): ApiCaller {
  return {
    identity,
    via: 'cli',
    lookAgain: async () => identity,
    // A proof takes a browser.
    proofFor: async () => null,
    stands: async () => true,
  };
}

function operatorOf(name: string): ApiCaller {
  return callerFor({ person: { keys: [name], name }, subject: name, email: null, groups: [], local: true });
}

function refused(error: unknown): never {
  const why = error instanceof Error ? error.message : String(error);
  throw new ApiProblem('unauthorized', why, { cause: error });
}
