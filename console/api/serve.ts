import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { PageError } from '../errors.ts';
import type { ConsoleContext } from '../deps.ts';
import { may, rolesThatMay } from '../roles.ts';
import { callerOf } from './caller.ts';
import { ApiProblem, type Endpoint, type ProblemCode } from './endpoint.ts';
import { endpoints, openApiDocument } from './openapi.ts';

/** Where the API begins. */
export const apiPrefix = '/api/v1';

/**
 * The HTTP API for administration, on the console's listener and behind its login. JSON in, JSON out; every refusal is
 * a problem document. What the pages do, it does by the same functions.
 */
export function apiRoutes(app: FastifyInstance, context: ConsoleContext): void {
  for (const method of ['TRACE', 'QUERY'])
    if (!app.supportedMethods.includes(method)) app.addHttpMethod(method);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => {
    try {
      done(null, text === '' ? undefined : JSON.parse(text as string));
    } catch {
      done(new ApiProblem('bad_request', 'the body is no JSON'), undefined);
    }
  });
  app.setErrorHandler(async (error, request, reply) => refuse(error, request, reply));
  app.setNotFoundHandler(async (request, reply) =>
    refuse(new ApiProblem('not_found', 'there is nothing at this address'), request, reply),
  );
  const document = openApiDocument(context.version);
  app.get('/openapi.json', async (_request, reply) => reply.type('application/json').send(document));
  const methods = new Map<string, string[]>([['/openapi.json', ['GET']]]);
  for (const one of endpoints) {
    const url = one.path.replace(/\{(\w+)\}/g, ':$1');
    methods.set(url, [...(methods.get(url) ?? []), one.method]);
    app.route({
      method: one.method,
      url,
      handler: async (request, reply) => serve(one, context, request, reply),
    });
  }
  for (const [url, allowed] of methods) refuseOthers(app, url, allowed);
}

/** Answers methods that an address does not know with those that it does. */
function refuseOthers(app: FastifyInstance, url: string, allowed: readonly string[]): void {
  // HEAD comes with GET.
  const known = new Set([...allowed, ...(allowed.includes('GET') ? ['HEAD'] : [])]);
  const others = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'QUERY'].filter(
    (method) => !known.has(method) && app.supportedMethods.includes(method),
  );
  app.route({
    method: others,
    url,
    exposeHeadRoute: false,
    // Before a body is looked at.
    onRequest: async () => {
      throw new ApiProblem('method_not_allowed', `this address knows ${[...known].join(', ')}`, {
        headers: { allow: [...known].join(', ') },
      });
    },
    handler: async () => undefined,
  });
}

async function serve(
  one: Endpoint,
  context: ConsoleContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const caller = await callerOf(context, request);
  const { permission } = one;
  if (permission && !may(caller.identity, context.roles, permission))
    throw new ApiProblem(
      'forbidden',
      `this takes one of the roles ${rolesThatMay(permission).join(', ')}; the setting \`roles\` gives them`,
    );
  const answer = await one.run({
    caller,
    context,
    params: checked(one.params, request.params, 'path'),
    query: checked(one.query, request.query, 'query'),
    body: one.body === null ? undefined : checked(one.body, request.body, 'body'),
  });
  return reply.code(one.status).type('application/json').send(one.response.parse(answer));
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

/** Answers an address that the router does not take, such as one with a parameter that is too long. */
export function refuseAddress(_error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  refuse(new ApiProblem('not_found', 'there is nothing at this address'), request, reply);
}

function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { code, status, message, headers } = problemOf(error);
  if (status >= 500 && !(error instanceof ApiProblem))
    request.log.error({ err: error, id: request.id }, 'the API failed');
  return reply
    .code(status)
    .headers(headers)
    .type('application/problem+json')
    .send({
      type: 'about:blank',
      title: code.replaceAll('_', ' '),
      status,
      code,
      detail: message,
    });
}

function problemOf(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  if (error instanceof PageError) {
    const code: ProblemCode =
      error.status === 421 ? 'bad_request' : error.status >= 500 ? 'unavailable' : 'forbidden';
    return new ApiProblem(code, error.message);
  }
  const status = (error as { statusCode?: unknown }).statusCode;
  if (status === 413) return new ApiProblem('too_large', 'the body is larger than is taken');
  if (status === 415) return new ApiProblem('unsupported_media_type', 'the body must be application/json');
  if (typeof status === 'number' && status < 500)
    return new ApiProblem('bad_request', 'the request cannot be read');
  return new ApiProblem(
    'unavailable',
    'the database or another part that is needed did not answer; try again, or look into the log of the console',
  );
}
