import type { FastifyInstance } from 'fastify';
import {
  settledDefinitions,
  type ShownDefinition,
  shownDefinition,
  waitingDefinitions,
} from '../db/tool-definitions-shown.ts';
import { decideOnDefinition, type DefinitionTold, objectionTo } from './definition-decision.ts';
import type { ConsoleContext, Visit } from './deps.ts';
import { PageError } from './errors.ts';
import { definitionPage, definitionsPage } from './pages/definitions.ts';
import { formOf } from './requests.ts';
import { isAuditor } from './sight.ts';
import { visitOf } from './sign-in.ts';

const listLimit = 500;

/** The definitions of tools, and deciding on those that wait. */
export function definitionRoutes(app: FastifyInstance, context: ConsoleContext): void {
  app.get('/definitions', async (request, reply) => {
    const visit = visitOf(request);
    const seen = (all: readonly ShownDefinition[]): ShownDefinition[] =>
      all.filter((definition) => maySee(context, definition, visit));
    const [waiting, settled] = await Promise.all([
      waitingDefinitions(context.pool, listLimit),
      settledDefinitions(context.pool, listLimit),
    ]);
    reply.type('text/html');
    return definitionsPage(seen(waiting), seen(settled), visit).toString();
  });

  app.get<{ Params: { id: string } }>('/definitions/:id', async (request, reply) => {
    const visit = visitOf(request);
    const definition = await find(context, request.params.id, visit);
    reply.type('text/html');
    const objection = objectionTo(definition, visit.identity);
    return definitionPage(definition, { objection, told: null, reason: '' }, visit).toString();
  });

  app.post<{ Params: { id: string } }>('/definitions/:id', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    const definition = await find(context, request.params.id, visit);
    const told = await decide(context, visit, definition, form);
    const after = (await shownDefinition(context.pool, definition.definitionId)) ?? definition;
    reply.code(told.counted ? 200 : 409).type('text/html');
    const reason = told.counted ? '' : (form['reason'] ?? '');
    return definitionPage(
      after,
      { objection: objectionTo(after, visit.identity), told, reason },
      visit,
    ).toString();
  });
}

async function decide(
  context: ConsoleContext,
  visit: Visit,
  definition: ShownDefinition,
  form: Readonly<Record<string, string | undefined>>,
): Promise<DefinitionTold> {
  const { decision, hash, state, reason = '' } = form;
  const refused = (text: string): DefinitionTold => ({ counted: false, text });
  if (decision !== 'approve' && decision !== 'deny') return refused('Choose Reject or Accept.');
  if (hash !== definition.hash || state !== definition.state)
    return refused('It has changed since this page was made. Read it again.');
  if (!context.definitions) return refused('This console cannot sign decisions on definitions.');
  const again = await context.login.lookAgain(visit, context);
  if ('signInAgain' in again) return refused(again.signInAgain);
  return decideOnDefinition({ pool: context.pool, ...context.definitions }, again.identity, definition, {
    decision,
    reason: reason.trim() === '' ? null : reason.trim(),
    via: 'console',
  });
}

async function find(context: ConsoleContext, id: string, visit: Visit): Promise<ShownDefinition> {
  const definition = await shownDefinition(context.pool, id);
  if (definition && maySee(context, definition, visit)) return definition;
  throw new PageError(
    404,
    'There is no such definition for you',
    'No definition has this id any more, or you are not among those who may see it: its approvers and auditors.',
    'The server may have changed it again: look at what waits in the list of definitions.',
  );
}

function maySee({ auditors }: ConsoleContext, definition: ShownDefinition, { identity }: Visit): boolean {
  return objectionTo(definition, identity) === null || isAuditor(identity, auditors);
}
