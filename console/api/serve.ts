import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ConsoleContext } from '../deps.ts';
import { callerOf } from './caller.ts';
import { ApiProblem, type Endpoint, type Operation } from './endpoint.ts';
import { openApiDocument } from './openapi.ts';
import { endpoints, files, streamings } from './operations.ts';
import { perform } from './perform.ts';
import { problemDocument, problemOf } from './problems.ts';
import { sendFile } from './send-file.ts';
import { sendStream, type Streams } from './send-stream.ts';

/** Where the API begins. */
export const apiPrefix = '/api/v1';

/**
 * The HTTP API for administration, on the console's listener and behind its login. JSON in, JSON out; every refusal is
 * a problem document. What the pages do, it does by the same functions.
 */
export function apiRoutes(app: FastifyInstance, context: ConsoleContext, streams: Streams): void {
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
  const add = (one: Operation, handler: Handler): void => {
    const url = one.path.replace(/\{(\w+)\}/g, ':$1');
    methods.set(url, [...(methods.get(url) ?? []), one.method]);
    const { method, bodyLimitBytes: bodyLimit } = one;
    app.route({
      method,
      url,
      handler,
      exposeHeadRoute: method === 'GET',
      ...(bodyLimit !== undefined && { bodyLimit }),
    });
  };
  for (const one of endpoints) add(one, async (request, reply) => serve(one, context, request, reply));
  for (const one of streamings)
    add(one, async (request, reply) => sendStream(one, context, streams, request, reply));
  for (const one of files)
    add(one, async (request, reply) => sendFile(one, context, streams, request, reply));
  for (const [url, allowed] of methods) refuseOthers(app, url, allowed);
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

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
  const { params, query, body } = request;
  const answer = await perform(one, { caller, context }, { params, query, body });
  return reply.code(one.status).type('application/json').send(answer);
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
    .send(problemDocument({ code, status, message }));
}
