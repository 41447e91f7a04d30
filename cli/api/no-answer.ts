import { ApiProblem, type Operation, type ProblemCode, type Streaming } from '../../console/api/endpoint.ts';
import { problem } from '../../console/api/schemas.ts';

type Described = Pick<Operation, 'method' | 'looks' | 'again'>;

/** What went wrong once a request may have arrived: it may have been done. */
const afterArrival = new Set([
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);

/** Why a request got no answer, and whether it can simply be sent again. */
export function unanswered(server: string, one: Described, error: unknown): ApiProblem {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : null;
  const code = cause && 'code' in cause ? String(cause.code) : '';
  if (error instanceof Error && error.name === 'TimeoutError')
    return problemOf(`${server} did not answer in time: ${uncertainty(one)}`, error);
  if (afterArrival.has(code) || (error instanceof Error && error.message === 'terminated'))
    return problemOf(`${server} broke off before its answer was there: ${uncertainty(one)}`, error);
  return problemOf(
    `${server} cannot be reached${cause ? ` (${cause.message})` : ''}: is it running, and is the address right? With the database and its keys at hand, --database does without it`,
    error,
  );
}

/** What is known where an answer did not come, and what to do: by what the operation does when it is asked again. */
function uncertainty(one: Described): string {
  if (one.again !== undefined) return `what you asked for may or may not have been done. ${one.again}`;
  if (one.method === 'GET' || one.looks === true) return 'nothing was changed, and asking again is safe';
  return 'what you asked for may or may not have been done; asking again is safe, it is not done twice';
}

/** A refusal, as the server has put it. */
export async function refusalIn(reply: Response, server: string, one: Described): Promise<ApiProblem> {
  const text = await reply.text().catch(() => '');
  const told = problemIn(text);
  if (told) return told;
  return reply.status < 500
    ? notHoldpoint(server)
    : problemOf(
        `what answers at ${server} says ${reply.status} and no more, as a proxy does whose console does not answer: ${uncertainty(one)}`,
      );
}

/** The problem document in a text; null when there is none. */
export function problemIn(text: string): ApiProblem | null {
  try {
    const { code, detail } = problem.parse(JSON.parse(text));
    return new ApiProblem(code as ProblemCode, detail);
  } catch {
    return null;
  }
}

/** What answered is something else. */
export function notHoldpoint(server: string): ApiProblem {
  return problemOf(
    `what answers at ${server} is no Holdpoint console of this version: give the console's address, not that of the agents`,
  );
}

/** An answer that came in parts, and not all of them. */
export function brokenOff(server: string, cause?: unknown): ApiProblem {
  return problemOf(
    `${server} ended the answer before it was whole: it was stopped, or your access was ended`,
    cause,
  );
}

/** A part of an answer that cannot be read: something in between changes it, or is of another version. */
export function unreadable(server: string, one: Pick<Streaming, 'id'>, cause: unknown): ApiProblem {
  return problemOf(
    `a part of ${server}'s answer to ${one.id} is not what a Holdpoint of this version sends, and what came before it is not whole: something in between alters answers, or the console is of another version (holdpoint whoami says which)`,
    cause,
  );
}

function problemOf(message: string, cause?: unknown): ApiProblem {
  return new ApiProblem('unavailable', message, { cause });
}
