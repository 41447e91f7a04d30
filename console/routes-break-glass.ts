import type { FastifyInstance } from 'fastify';
import { deskFor } from './api/break-glass.ts';
import { callerOfVisit } from './api/caller.ts';
import { ApiProblem } from './api/endpoint.ts';
import { operations, streams } from './api/operations.ts';
import { performStream } from './api/perform.ts';
import { type BreakGlassDesk, BreakGlassError, found, listBreakGlass } from './break-glass.ts';
import type { BreakGlass } from './break-glass-request.ts';
import type { ConsoleContext, Visit } from './deps.ts';
import { actOrPage, filled, pageOf } from './page-acts.ts';
import { breakGlassPage, type Copy, openedPage, requestPage } from './pages/break-glass.ts';
import { formOf } from './requests.ts';
import { may } from './roles.ts';
import { visitOf } from './sign-in.ts';

const listedAtMost = 200;
const mostCopies = 200;
const mostBytes = 4 * 1024 * 1024;

/** Asking for what masking took out, agreeing, and looking. Nothing is opened by following a link. */
export function breakGlassRoutes(app: FastifyInstance, context: ConsoleContext): void {
  app.get<{ Querystring: { session?: unknown; call?: unknown } }>('/break-glass', async (request, reply) => {
    const visit = visitOf(request);
    const desk = deskOf(context, visit);
    const text = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 300) : '');
    const { session, call } = request.query;
    const requests = await listBreakGlass(desk, listedAtMost);
    reply.type('text/html');
    const asking = { session: text(session), call: text(call), mayAsk: mayAsk(context, visit) };
    return breakGlassPage(requests, asking, visit).toString();
  });

  app.post('/break-glass', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    const body = {
      session: form['session']?.trim() ?? '',
      call: filled(form['call']) ?? null,
      reason: filled(form['reason']) ?? '',
      minutes: Number(form['minutes']),
    };
    const asked = await actOrPage(context, visit, operations.askBreakGlass, { body });
    return reply.redirect(`/break-glass/${asked.id}`, 303);
  });

  app.get<{ Params: { id: string } }>('/break-glass/:id', async (request, reply) => {
    const visit = visitOf(request);
    const asked = await found(deskOf(context, visit), request.params.id).catch(refused);
    reply.type('text/html');
    return requestPage(asked, standingOf(context, asked, visit), visit).toString();
  });

  app.post<{ Params: { id: string } }>('/break-glass/:id', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    const { id } = request.params;
    const params = { id };
    const answer = form['act'];
    if (answer === 'view') {
      const asked = await found(deskOf(context, visit), id).catch(refused);
      const shown = await copiesOf(context, visit, id);
      reply.type('text/html');
      return openedPage(asked, shown, visit).toString();
    }
    if (answer === 'agree' || answer === 'refuse')
      await actOrPage(context, visit, operations.answerBreakGlass, { params, body: { answer } });
    else if (answer === 'revoke') await actOrPage(context, visit, operations.revokeBreakGlass, { params });
    return reply.redirect(`/break-glass/${encodeURIComponent(id)}`, 303);
  });
}

/** The desk, for whoever takes part in it at all. @throws PageError otherwise */
function deskOf(context: ConsoleContext, visit: Visit): BreakGlassDesk {
  try {
    return deskFor(context, visit.identity);
  } catch (error) {
    throw pageOf(error);
  }
}

/** @throws PageError in place of what it was refused with */
function refused(error: unknown): never {
  if (!(error instanceof BreakGlassError)) throw error;
  throw pageOf(new ApiProblem('not_found', error.message, { cause: error }));
}

/** What a person may do with a request, for its page. */
export interface BreakGlassStanding {
  readonly mayAnswer: boolean;
  readonly mayRevoke: boolean;
  readonly mayView: boolean;
  /** Whether this console holds the key. */
  readonly hasKey: boolean;
}

function standingOf(context: ConsoleContext, asked: BreakGlass, { identity }: Visit): BreakGlassStanding {
  const own = asked.person.keys.some((key) => identity.person.keys.includes(key));
  const agrees = may(identity, context.roles, 'unmasked.agree');
  const { state } = asked;
  return {
    mayAnswer: state === 'waiting' && agrees && !own,
    mayRevoke: (state === 'waiting' || state === 'open') && (own || agrees),
    mayView: state === 'open' && own,
    hasKey: context.breakGlass?.privateKey !== null,
  };
}

function mayAsk({ roles }: ConsoleContext, { identity }: Visit): boolean {
  return may(identity, roles, 'unmasked.ask');
}

/** What one page shows of it: recorded as a view before anything is opened. */
async function copiesOf(
  context: ConsoleContext,
  visit: Visit,
  id: string,
): Promise<{ copies: readonly Copy[]; whole: boolean }> {
  const stopped = new AbortController();
  const by = { caller: callerOfVisit(context, visit), context, signal: stopped.signal };
  const copies: Copy[] = [];
  let bytes = 0;
  try {
    for await (const copy of await performStream(streams.viewBreakGlass, by, { params: { id } })) {
      bytes += copy.text?.length ?? 0;
      if (copies.length === mostCopies || (copies.length > 0 && bytes > mostBytes))
        return { copies, whole: false };
      copies.push(copy);
    }
    return { copies, whole: true };
  } catch (error) {
    throw pageOf(error);
  } finally {
    stopped.abort();
  }
}
