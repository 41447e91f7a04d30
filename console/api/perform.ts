import type { z } from 'zod';
import type { ActContext } from '../deps.ts';
import type { Identity } from '../identity.ts';
import { may, rolesThatMay } from '../roles.ts';
import {
  type ApiCaller,
  ApiProblem,
  type Download,
  type Endpoint,
  type Operation,
  type Streaming,
} from './endpoint.ts';

/** What an operation is asked with, before anything of it was checked. */
export interface Asked {
  readonly params?: unknown;
  readonly query?: unknown;
  readonly body?: unknown;
}

/**
 * Carries out an operation for somebody: who they are at this moment, whether they may, whether what they ask is as
 * described, then the operation itself. The API, the pages of the console and the commands all come through here, so
 * that nobody can do on one what they could not on another.
 * @throws ApiProblem
 */
export async function perform<O extends Endpoint>(
  one: O,
  by: { readonly caller: ApiCaller; readonly context: ActContext },
  asked: Asked,
): Promise<z.output<O['response']>> {
  const request = await admitted(one, by, asked);
  return one.response.parse(await one.run(request)) as z.output<O['response']>;
}

/** The same of an operation that streams: it is refused, or begins. @throws ApiProblem */
export async function performStream<O extends Streaming>(
  one: O,
  by: { readonly caller: ApiCaller; readonly context: ActContext; readonly signal: AbortSignal },
  asked: Asked,
): Promise<AsyncIterable<z.output<O['response']>>> {
  const request = await admitted(one, by, asked);
  const items = await one.open({ ...request, signal: by.signal });
  return (async function* () {
    for await (const item of items) yield one.response.parse(item) as z.output<O['response']>;
  })();
}

/** The same of an operation that answers with a file. @throws ApiProblem */
export async function performDownload(
  one: Download,
  by: { readonly caller: ApiCaller; readonly context: ActContext; readonly signal: AbortSignal },
  asked: Asked,
): Promise<AsyncIterable<Uint8Array>> {
  const request = await admitted(one, by, asked);
  return one.open({ ...request, signal: by.signal });
}

async function admitted(
  one: Operation,
  { caller, context }: { readonly caller: ApiCaller; readonly context: ActContext },
  asked: Asked,
) {
  // Whoever has no such role is told so first, and not what was wrong with what they asked.
  if (one.permission) demand(caller.identity, context, one.permission);
  const checkedRequest = {
    params: checked(one.params, asked.params ?? {}, 'path'),
    query: checked(one.query, asked.query ?? {}, 'query'),
    body: one.body === null ? undefined : checked(one.body, asked.body, 'body'),
  };
  const acts = one.method !== 'GET' && one.looks !== true;
  const identity = acts ? await caller.lookAgain() : caller.identity;
  if (acts && one.permission) demand(identity, context, one.permission);
  return { ...checkedRequest, identity, caller, context };
}

function demand(identity: Identity, context: ActContext, permission: NonNullable<Endpoint['permission']>) {
  if (!may(identity, context.roles, permission))
    throw new ApiProblem(
      'forbidden',
      `${identity.person.name} has none of the roles ${rolesThatMay(permission).join(', ')}; the setting \`roles\` gives them`,
    );
}

function checked(schema: z.ZodType, value: unknown, where: 'path' | 'query' | 'body'): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.map(String).join('.') ?? '';
  // Never the value itself, which may be anything.
  throw new ApiProblem(
    where === 'path' ? 'not_found' : 'bad_request',
    `the ${where}${path === '' ? '' : ` member ${path}`} is not as the API describes it (${issue?.code ?? 'invalid'})`,
  );
}
