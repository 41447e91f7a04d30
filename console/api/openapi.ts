import { z } from 'zod';
import type { Operation } from './endpoint.ts';
import { endpoints, files, streamings } from './operations.ts';
import { problem } from './schemas.ts';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of the API, made from what requests and answers are checked against. */
export function openApiDocument(version: string): Json {
  const paths: Record<string, Json> = {};
  for (const one of endpoints)
    (paths[`/api/v1${one.path}`] ??= {})[one.method.toLowerCase()] = operationOf(one, {
      [one.status]: {
        description: 'Done.',
        content: { 'application/json': { schema: schemaOf(one.response, 'output') } },
      },
    });
  for (const one of streamings)
    (paths[`/api/v1${one.path}`] ??= {})[one.method.toLowerCase()] = operationOf(one, {
      200: {
        description: `Server-sent events: \`data\` of each is JSON as in \`x-item\`; \`event: end\` comes last, \`event: problem\` in its place when it broke off.`,
        content: { 'text/event-stream': {} },
        'x-item': schemaOf(one.response, 'output'),
      },
    });
  for (const one of files)
    (paths[`/api/v1${one.path}`] ??= {})[one.method.toLowerCase()] = operationOf(one, {
      200: { description: `The file; ${one.closes}.`, content: { [one.type]: {} } },
    });
  return {
    openapi: '3.1.0',
    info: {
      title: 'Holdpoint',
      version,
      description: 'Administration of Holdpoint. Errors are problem documents (RFC 9457).',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }, { session: [], csrf: [] }],
    paths,
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description:
            'An access token (`hpat_…`) with the scope `holdpoint:api`, or one of `holdpoint login` (OAuth 2.1).',
        },
        session: { type: 'apiKey', in: 'cookie', name: 'holdpoint', description: "A browser's session." },
        csrf: {
          type: 'apiKey',
          in: 'header',
          name: 'x-csrf-token',
          description: 'With a session, for whatever is no GET.',
        },
      },
      responses: {
        problem: {
          description: 'Why nothing was done.',
          content: { 'application/problem+json': { schema: schemaOf(problem, 'output') } },
        },
      },
    },
  };
}

function operationOf(one: Operation, done: Json): Json {
  return {
    operationId: one.id,
    summary: one.summary,
    ...descriptionOf(one),
    parameters: [...parametersOf(one.params, 'path'), ...parametersOf(one.query, 'query')],
    ...(one.body && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: schemaOf(one.body, 'input') } },
      },
    }),
    responses: {
      ...done,
      default: { $ref: '#/components/responses/problem' },
    },
  };
}

function descriptionOf({ permission, again }: Operation): Json {
  const sentences = [
    ...(permission ? [`Needs the permission \`${permission}\`.`] : []),
    ...(again === undefined ? [] : [`Where no answer came, it may have been done. ${again}.`]),
  ];
  return sentences.length === 0 ? {} : { description: sentences.join(' ') };
}

function parametersOf(schema: z.ZodType, where: 'path' | 'query'): Json[] {
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    ...(typeof description === 'string' && { description }),
    schema: rest,
  }));
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return rest;
}
