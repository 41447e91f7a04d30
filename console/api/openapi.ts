import { z } from 'zod';
import { administrationEndpoints } from './administration.ts';
import { approvalEndpoints } from './approvals.ts';
import { containmentEndpoints } from './containment.ts';
import type { Endpoint } from './endpoint.ts';
import { recordingEndpoints } from './recordings.ts';
import { problem } from './schemas.ts';

/** Every operation of the API. */
export const endpoints: readonly Endpoint[] = [
  ...approvalEndpoints,
  ...recordingEndpoints,
  ...containmentEndpoints,
  ...administrationEndpoints,
];

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of the API, made from what requests and answers are checked against. */
export function openApiDocument(version: string): Json {
  const paths: Record<string, Json> = {};
  for (const one of endpoints)
    (paths[`/api/v1${one.path}`] ??= {})[one.method.toLowerCase()] = operationOf(one);
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
          description: 'An access token (`hpat_…`) with the scope `holdpoint:api`.',
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

function operationOf(one: Endpoint): Json {
  return {
    operationId: one.id,
    summary: one.summary,
    ...(one.permission && { description: `Needs the permission \`${one.permission}\`.` }),
    parameters: [...parametersOf(one.params, 'path'), ...parametersOf(one.query, 'query')],
    ...(one.body && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: schemaOf(one.body, 'input') } },
      },
    }),
    responses: {
      [one.status]: {
        description: 'Done.',
        content: { 'application/json': { schema: schemaOf(one.response, 'output') } },
      },
      default: { $ref: '#/components/responses/problem' },
    },
  };
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
