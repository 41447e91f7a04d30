import type { z } from 'zod';
import { callerOfVisit } from './api/caller.ts';
import { ApiProblem, type Endpoint } from './api/endpoint.ts';
import { type Asked, perform } from './api/perform.ts';
import type { ConsoleContext, Visit } from './deps.ts';
import { PageError } from './errors.ts';

/**
 * Does what a form of a page asks for, by the operation that the API and the commands do it by too.
 * @throws ApiProblem
 */
export function act<O extends Endpoint>(
  context: ConsoleContext,
  visit: Visit,
  one: O,
  asked: Asked,
): Promise<z.output<O['response']>> {
  return perform(one, { caller: callerOfVisit(context, visit), context }, asked);
}

/** The same for forms whose page has no place for a refusal. @throws PageError in place of ApiProblem */
export async function actOrPage<O extends Endpoint>(
  context: ConsoleContext,
  visit: Visit,
  one: O,
  asked: Asked,
): Promise<z.output<O['response']>> {
  try {
    return await act(context, visit, one, asked);
  } catch (error) {
    throw pageOf(error);
  }
}

/** A refusal as a page of its own; whatever else was thrown, as it was. */
export function pageOf(error: unknown): unknown {
  if (!(error instanceof ApiProblem)) return error;
  if (error.code === 'unauthorized')
    return new PageError(401, 'Sign in again', error.message, 'Sign in, then do it once more.');
  return new PageError(
    error.status,
    'Nothing was done',
    sentence(error.message),
    'Go back, look at it as it is now, and try again if it still makes sense.',
  );
}

/** A refusal as a sentence. */
export function sentence(message: string): string {
  const said = `${message.charAt(0).toUpperCase()}${message.slice(1)}`;
  return /[.!?]$/.test(said) ? said : `${said}.`;
}

/** A field of a form, where something is in it. */
export function filled(value: string | undefined): string | undefined {
  const text = value?.trim() ?? '';
  return text === '' ? undefined : text;
}
