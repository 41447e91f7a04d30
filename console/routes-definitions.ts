import type { FastifyInstance } from 'fastify';
import {
  settledDefinitions,
  type ShownDefinition,
  shownDefinition,
  waitingDefinitions,
} from '../db/tool-definitions-shown.ts';
import { maySee } from './api/definitions.ts';
import { ApiProblem } from './api/endpoint.ts';
import { operations } from './api/operations.ts';
import { type DefinitionTold, objectionTo } from './definition-decision.ts';
import type { ConsoleContext, Visit } from './deps.ts';
import { PageError } from './errors.ts';
import { act, filled, sentence } from './page-acts.ts';
import { definitionPage, definitionsPage } from './pages/definitions.ts';
import { formOf } from './requests.ts';
import { visitOf } from './sign-in.ts';

const listLimit = 500;

/** The definitions of tools, and deciding on those that wait. */
export function definitionRoutes(app: FastifyInstance, context: ConsoleContext): void {
  app.get('/definitions', async (request, reply) => {
    const visit = visitOf(request);
    const seen = (all: readonly ShownDefinition[]): ShownDefinition[] =>
      all.filter((definition) => maySee(context, definition, visit.identity));
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
  const { decision, hash, state } = form;
  const refused = (text: string): DefinitionTold => ({ counted: false, text });
  if (decision !== 'approve' && decision !== 'deny') return refused('Choose Reject or Accept.');
  if (state !== definition.state) return refused('It has changed since this page was made. Read it again.');
  try {
    const asked = {
      params: { id: definition.definitionId },
      body: { decision, hash, reason: filled(form['reason']) },
    };
    const { counted, text } = await act(context, visit, operations.decideDefinition, asked);
    return { counted, text };
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    return refused(sentence(error.message));
  }
}

async function find(context: ConsoleContext, id: string, visit: Visit): Promise<ShownDefinition> {
  const definition = await shownDefinition(context.pool, id);
  if (definition && maySee(context, definition, visit.identity)) return definition;
  throw new PageError(
    404,
    'There is no such definition for you',
    'No definition has this id any more, or you are not among those who may see it: its approvers and auditors.',
    'The server may have changed it again: look at what waits in the list of definitions.',
  );
}
