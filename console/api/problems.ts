import { PageError } from '../errors.ts';
import { ApiProblem, type ProblemCode } from './endpoint.ts';

/** A refusal as it is told (RFC 9457). */
export function problemDocument({
  code,
  status,
  message,
}: Pick<ApiProblem, 'code' | 'status' | 'message'>): Readonly<Record<string, unknown>> {
  return { type: 'about:blank', title: code.replaceAll('_', ' '), status, code, detail: message };
}

/** What somebody is told of whatever was thrown. */
export function problemOf(error: unknown): ApiProblem {
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
