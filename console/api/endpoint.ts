import type { z } from 'zod';
import type { ConsoleContext, Visit } from '../deps.ts';
import type { Identity } from '../identity.ts';
import type { Permission } from '../roles.ts';

/** Who calls the API. */
export interface ApiCaller {
  readonly identity: Identity;
  /** `console` for a browser's session, `api` for a token. */
  readonly via: 'console' | 'api';
  /** The browser's session; null for a token. */
  readonly visit: Visit | null;
}

/** A request that was let in and checked. */
export interface ApiRequest<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly caller: ApiCaller;
  readonly context: ConsoleContext;
}

/** One operation of the API: what it takes, what it gives, who may, and what it does. */
export interface Endpoint<P = unknown, Q = unknown, B = unknown, R = unknown> {
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below `/api/v1`, parameters as `{name}`. */
  readonly path: string;
  readonly summary: string;
  /** null: whoever is signed in; what they are shown depends on who they are. */
  readonly permission: Permission | null;
  readonly params: z.ZodType<P>;
  readonly query: z.ZodType<Q>;
  readonly body: z.ZodType<B> | null;
  readonly status: 200 | 201;
  readonly response: z.ZodType<R>;
  run(request: ApiRequest<P, Q, B>): Promise<R>;
}

/** Keeps the types of one operation together. */
export function endpoint<P, Q, B, R>(one: Endpoint<P, Q, B, R>): Endpoint {
  return one;
}

/** Every way in which the API refuses. */
export type ProblemCode =
  | 'bad_request'
  | 'unauthorized'
  | 'forbidden'
  | 'revoked'
  | 'not_found'
  | 'method_not_allowed'
  | 'conflict'
  | 'too_large'
  | 'unsupported_media_type'
  | 'invalid'
  | 'unavailable'
  | 'internal';

const statuses: Readonly<Record<ProblemCode, number>> = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  revoked: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  too_large: 413,
  unsupported_media_type: 415,
  invalid: 422,
  unavailable: 503,
  internal: 500,
};

/** A refusal; becomes `application/problem+json` (RFC 9457). */
export class ApiProblem extends Error {
  readonly code: ProblemCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  constructor(
    code: ProblemCode,
    message: string,
    options: ErrorOptions & { readonly headers?: Record<string, string> } = {},
  ) {
    super(message, options);
    this.code = code;
    this.status = statuses[code];
    this.headers = options.headers ?? {};
  }
}
