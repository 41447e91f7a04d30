import { createHash, timingSafeEqual } from 'node:crypto';

/** A key service did not do what was asked: nothing can be sealed or opened with it now. */
export class KeyServiceError extends Error {
  readonly code: 'key_service_unavailable' | 'key_service_refused';
  constructor(code: KeyServiceError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'KeyServiceError';
    this.code = code;
  }
}

const timeoutMs = 5000;
const retryAfterMs = 250;
const answerLimitChars = 64 * 1024;

/** One request to a key service, or to whoever gives tokens for it. */
export interface ServiceRequest {
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends one request; `fetch`, or something that signs first. */
export type Send = (url: string, init: RequestInit) => Promise<Response>;

/**
 * Asks a key service, once more when it could not be reached or was too busy: wrapping and unwrapping change nothing.
 * @returns its answer, a JSON object
 * @throws KeyServiceError
 */
export async function askService(
  service: string,
  request: ServiceRequest,
  send: Send = fetch,
): Promise<Record<string, unknown>> {
  try {
    return await askOnce(service, request, send);
  } catch (error) {
    if (!(error instanceof KeyServiceError) || error.code !== 'key_service_unavailable') throw error;
    await new Promise((resolve) => setTimeout(resolve, retryAfterMs));
    return askOnce(service, request, send);
  }
}

async function askOnce(
  service: string,
  { url, method = 'POST', headers = {}, body }: ServiceRequest,
  send: Send,
): Promise<Record<string, unknown>> {
  let status: number;
  let text: string;
  try {
    const answer = await send(url, {
      method,
      headers,
      ...(body !== undefined && { body }),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    status = answer.status;
    text = await answer.text();
  } catch (cause) {
    const why = (cause as Error).name === 'TimeoutError' ? `no answer in ${timeoutMs} ms` : reasonOf(cause);
    throw new KeyServiceError('key_service_unavailable', `${service} cannot be reached: ${why}`, { cause });
  }
  if (status === 429 || status >= 500)
    throw new KeyServiceError('key_service_unavailable', `${service} answered ${status}`);
  if (status < 200 || status > 299)
    throw new KeyServiceError('key_service_refused', `${service} answered ${status}: ${saidBy(text)}`);
  const parsed: unknown = text.length > answerLimitChars ? null : parse(text);
  if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>;
  throw new KeyServiceError('key_service_refused', `${service} did not answer with a JSON object`);
}

function reasonOf(cause: unknown): string {
  const inner = (cause as { cause?: { code?: string; message?: string } }).cause;
  return inner?.code ?? inner?.message ?? (cause as Error).message;
}

/** What an error answer says, short and on one line. It is the operator's own service that said it. */
function saidBy(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 200);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A member of an answer that must be text. @throws KeyServiceError */
export function textIn(service: string, answer: unknown, name: string): string {
  const value =
    typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>)[name] : null;
  if (typeof value === 'string' && value !== '') return value;
  throw new KeyServiceError('key_service_refused', `${service} answered without ${name}`);
}

/**
 * What a key service is given to wrap: the data key, and the hash of what it belongs to. Not every service
 * authenticates a context of ours, and a wrapped key must not open under another's name.
 */
export function boundTo(dataKey: Uint8Array, context: string): Buffer {
  return Buffer.concat([dataKey, contextHash(context)]);
}

/** @throws Error when it was wrapped for something else */
export function unboundFrom(bytes: Uint8Array, context: string): Buffer {
  const [key, bound] = [bytes.subarray(0, 32), bytes.subarray(32)];
  if (bound.length !== 32 || !timingSafeEqual(bound, contextHash(context)))
    throw new Error('the wrapped key belongs to something else');
  return Buffer.from(key);
}

function contextHash(context: string): Buffer {
  return createHash('sha256').update('holdpoint key context\0').update(context).digest();
}

/** A token of one service for another, fetched anew a minute before it expires, once however many ask. */
export function expiringToken(
  fetchToken: () => Promise<{ readonly token: string; readonly livesMs: number }>,
): { get(): Promise<string>; forget(): void } {
  let held: { readonly token: Promise<string>; staleAtMs: number } | null = null;
  return {
    get() {
      if (held && Date.now() < held.staleAtMs) return held.token;
      const mine: { token: Promise<string>; staleAtMs: number } = {
        staleAtMs: Infinity,
        token: fetchToken().then(
          ({ token, livesMs }) => {
            mine.staleAtMs = Date.now() + Math.max(livesMs / 2, livesMs - 60_000);
            return token;
          },
          (error: unknown) => {
            if (held === mine) held = null;
            throw error;
          },
        ),
      };
      held = mine;
      return mine.token;
    },
    forget() {
      held = null;
    },
  };
}
