import type { z } from 'zod';
import type { ShownCall } from '../../db/held-calls-shown.ts';
import type { VoteProof } from '../../workflows/contract.ts';
import type { ActContext } from '../deps.ts';
import type { Identity } from '../identity.ts';
import type { Permission } from '../roles.ts';

/** Who calls, wherever they do: on a page of the console, by the HTTP API, or at a command line. */
export interface ApiCaller {
  /** As they were known when they signed in or made their token; what they act as is asked anew. */
  readonly identity: Identity;
  readonly via: 'console' | 'api' | 'cli';
  /**
   * Who it is at this moment; asked before each act.
   * @throws ApiProblem `unauthorized` when that cannot be said without signing in again
   */
  readonly lookAgain: () => Promise<Identity>;
  /** The proof that approving a call takes; null when there is none that suffices. */
  readonly proofFor: (call: ShownCall, passkey: string | undefined) => Promise<VoteProof | null>;
  /** Whether a stream that was begun may go on: the caller's credential still stands. */
  readonly stands: () => Promise<boolean>;
}

/** A request that was let in and checked. */
export interface ApiRequest<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Who it is: at this moment, where something is done. */
  readonly identity: Identity;
  readonly caller: ApiCaller;
  readonly context: ActContext;
}

type Schema = z.ZodType;
type BodyOf<B extends Schema | null> = B extends Schema ? z.output<B> : undefined;

interface Described<P extends Schema, Q extends Schema, B extends Schema | null> {
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below `/api/v1`, parameters as `{name}`. */
  readonly path: string;
  readonly summary: string;
  /** null: whoever is signed in; what they are shown depends on who they are. */
  readonly permission: Permission | null;
  /** Of another method than GET, but nothing is done: the person is not looked up anew for it. */
  readonly looks?: true;
  /**
   * For what is not the same when it is asked for twice: what to do where no answer came, as a sentence. Left out: asking
   * again is safe.
   */
  readonly again?: string;
  /** How much a body may hold, where that is more than usual. */
  readonly bodyLimitBytes?: number;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
}

/** One operation of the API: what it takes, what it gives, who may, and what it does. */
export interface Endpoint<
  P extends Schema = Schema,
  Q extends Schema = Schema,
  B extends Schema | null = Schema | null,
  R extends Schema = Schema,
> extends Described<P, Q, B> {
  readonly response: R;
  readonly status: 200 | 201;
  run(request: ApiRequest<z.output<P>, z.output<Q>, BodyOf<B>>): Promise<z.input<R>>;
}

/** An operation that answers with one thing after the other, for as long as there are more (server-sent events). */
export interface Streaming<
  P extends Schema = Schema,
  Q extends Schema = Schema,
  B extends Schema | null = Schema | null,
  R extends Schema = Schema,
> extends Described<P, Q, B> {
  readonly response: R;
  /** Whoever may not is refused before the first item. Ends early once the signal is aborted. */
  open(
    request: ApiRequest<z.output<P>, z.output<Q>, BodyOf<B>> & { readonly signal: AbortSignal },
  ): Promise<AsyncIterable<z.input<R>>>;
}

/** An operation that answers with a file, made while it is sent. */
export interface Download<
  P extends Schema = Schema,
  Q extends Schema = Schema,
  B extends Schema | null = Schema | null,
> extends Described<P, Q, B> {
  /** Its media type. */
  readonly type: string;
  /** What to call it. */
  readonly fileName: string;
  /** By what a reader knows that the file is whole; its length is not known before. */
  readonly closes: string;
  /**
   * Whoever may not is refused before the first byte. The signal is aborted once nobody reads any more, however it ended,
   * also after a refusal.
   */
  open(
    request: ApiRequest<z.output<P>, z.output<Q>, BodyOf<B>> & { readonly signal: AbortSignal },
  ): Promise<AsyncIterable<Uint8Array>>;
}

/** Whatever the API offers. */
export type Operation = Endpoint | Streaming | Download;

/** Keeps the types of one operation together. */
export function endpoint<P extends Schema, Q extends Schema, B extends Schema | null, R extends Schema>(
  one: Endpoint<P, Q, B, R>,
): Endpoint<P, Q, B, R> {
  return one;
}

/** The same of one that streams. */
export function streaming<P extends Schema, Q extends Schema, B extends Schema | null, R extends Schema>(
  one: Streaming<P, Q, B, R>,
): Streaming<P, Q, B, R> {
  return one;
}

/** The same of one that answers with a file. */
export function download<P extends Schema, Q extends Schema, B extends Schema | null>(
  one: Download<P, Q, B>,
): Download<P, Q, B> {
  return one;
}

/** Every way in which the API refuses. */
export type ProblemCode =
  | 'bad_request'
  | 'unauthorized'
  | 'forbidden'
  | 'step_up' // approving takes a proof that was not given
  | 'revoked'
  | 'not_found'
  | 'method_not_allowed'
  | 'not_acceptable'
  | 'conflict'
  | 'too_large'
  | 'unsupported_media_type'
  | 'invalid'
  | 'too_many'
  | 'unavailable'
  | 'internal';

const statuses: Readonly<Record<ProblemCode, number>> = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  step_up: 403,
  revoked: 403,
  not_found: 404,
  method_not_allowed: 405,
  not_acceptable: 406,
  conflict: 409,
  too_large: 413,
  unsupported_media_type: 415,
  invalid: 422,
  too_many: 429,
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
