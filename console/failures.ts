import type { FastifyInstance } from 'fastify';
import { PageError } from './errors.ts';
import { errorPage } from './pages/error.ts';
import { visitIfAny } from './sign-in.ts';

/** Answers whatever goes wrong with a page that says what to do; what is not the person's doing is logged. */
export function failures(app: FastifyInstance): void {
  app.setErrorHandler(async (error, request, reply) => {
    const shown = shownOf(error);
    const known = error instanceof PageError;
    if (!known && shown.status >= 500) request.log.error({ err: error }, 'a console page failed');
    reply.code(shown.status).type('text/html');
    return errorPage(
      shown,
      !known && shown.status >= 500 ? request.id : null,
      visitIfAny(request),
    ).toString();
  });
  app.setNotFoundHandler(async (request, reply) => {
    reply.code(404).type('text/html');
    const missing = {
      title: 'There is no such page',
      message: 'The address leads nowhere on this console.',
      advice: 'Start from the list of approvals.',
    };
    return errorPage(missing, null, visitIfAny(request)).toString();
  });
}

function shownOf(error: unknown): { status: number; title: string; message: string; advice: string } {
  if (error instanceof PageError)
    return { status: error.status, title: error.title, message: error.message, advice: error.advice };
  const status = statusOf(error);
  if (status === 413)
    return {
      status,
      title: 'That is too much text',
      message: 'The form is larger than the console takes.',
      advice: 'Shorten the text and send it again.',
    };
  if (status < 500)
    return {
      status,
      title: 'The request was not understood',
      message: 'It is not one that this console’s own pages send.',
      advice: 'Open the page again and try once more.',
    };
  return {
    status: 503,
    title: 'The console cannot answer right now',
    message:
      'The database or another part that it needs did not answer. Whether a decision counted is shown on the request’s page.',
    advice:
      'Try again in a moment; if it stays so, look into the log of the console for the reference below.',
  };
}

function statusOf(error: unknown): number {
  const status = (error as { statusCode?: unknown }).statusCode;
  return typeof status === 'number' ? status : 500;
}
