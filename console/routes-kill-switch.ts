import type { FastifyInstance } from 'fastify';
import { freezeInForce } from '../db/kill-switch.ts';
import type { ConsoleContext, Visit } from './deps.ts';
import { ApiProblem } from './api/endpoint.ts';
import { operations } from './api/operations.ts';
import { mayTurn, type Turned } from './kill-switch.ts';
import { act, filled, sentence } from './page-acts.ts';
import { killSwitchPage } from './pages/kill-switch.ts';
import { formOf } from './requests.ts';
import { visitOf } from './sign-in.ts';

/** What is longer is cut, once it is masked: nobody who stops everything is sent back to be brief. */
const longestReason = 1000;

/** Freezing all calls, and lifting the freeze. */
export function killSwitchRoutes(app: FastifyInstance, context: ConsoleContext): void {
  const page = async (visit: Visit, told: Turned | null): Promise<string> => {
    const freeze = await freezeInForce(context.pool);
    const may = await mayTurn(context, visit.identity);
    return killSwitchPage({ freeze, may, told }, { ...visit, freeze }).toString();
  };
  app.get('/kill-switch', async (request, reply) => {
    reply.type('text/html');
    return page(visitOf(request), null);
  });
  app.post('/kill-switch', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    const told = await turned(context, visit, form);
    reply.code(told.done ? 200 : 409).type('text/html');
    return page(visit, told);
  });
}

async function turned(
  context: ConsoleContext,
  visit: Visit,
  form: Readonly<Record<string, string | undefined>>,
): Promise<Turned> {
  const reason = filled(context.maskText(form['reason'] ?? '').slice(0, longestReason));
  try {
    if (form['turn'] !== 'on') return await act(context, visit, operations.unfreeze, {});
    return await act(context, visit, operations.freeze, { body: { reason } });
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    return { done: false, text: sentence(error.message) };
  }
}
