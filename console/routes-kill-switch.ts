import type { FastifyInstance } from 'fastify';
import { freezeInForce } from '../db/kill-switch.ts';
import type { ConsoleContext, Visit } from './deps.ts';
import { askToLift, mayTurn, type Turned, turnOn } from './kill-switch.ts';
import { killSwitchPage } from './pages/kill-switch.ts';
import { formOf } from './requests.ts';
import { visitOf } from './sign-in.ts';

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
  const again = await context.login.lookAgain(visit, context);
  if ('signInAgain' in again) return { done: false, text: again.signInAgain };
  const ask = { identity: again.identity, via: 'console' } as const;
  return form['turn'] === 'on' ? turnOn(context, ask, form['reason'] ?? '') : askToLift(context, ask);
}
