import type { FastifyInstance, FastifyReply } from 'fastify';
import { recentRevocations, revocationKinds } from '../db/revocations.ts';
import { ApiProblem } from './api/endpoint.ts';
import { operations } from './api/operations.ts';
import type { ConsoleContext, Visit } from './deps.ts';
import { PageError } from './errors.ts';
import type { Identity } from './identity.ts';
import { act, filled, pageOf } from './page-acts.ts';
import { type Answered, containmentPage } from './pages/containment.ts';
import { formOf } from './requests.ts';
import { may, rolesThatMay } from './roles.ts';
import { visitOf } from './sign-in.ts';

const shown = 200;

/** What is revoked, and revoking. Whoever acts is looked up again first, and what they do is recorded first. */
export function containmentRoutes(app: FastifyInstance, context: ConsoleContext): void {
  const { containment } = context;
  if (!containment) return;

  app.get('/containment', async (request, reply) => {
    const visit = visitOf(request);
    if (!maySee(context, visit.identity))
      throw new PageError(
        403,
        'Containment is not yours to see',
        'You are signed in, but have no role that may look at what is revoked.',
        `Whoever runs this console gives roles in the setting \`roles\`: ${rolesThatMay('containment.act').join(', ')}, auditor.`,
      );
    return answer(reply, 200, visit, { done: null, refused: null });
  });

  app.post('/containment/revoke', async (request, reply) => {
    const { visit, body } = asked(request);
    return tried(reply, visit, () => act(context, visit, operations.revoke, { body }));
  });

  app.post('/containment/lift', async (request, reply) => {
    const { visit, body } = asked(request);
    return tried(reply, visit, async () => {
      await act(context, visit, operations.unrevoke, { body });
      return null;
    });
  });

  function asked(request: Parameters<typeof visitOf>[0]) {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    const kind = revocationKinds.find((known) => known === form['kind']);
    if (!kind)
      throw new PageError(
        422,
        'Choose what to revoke',
        'The form names no known kind.',
        'Open the page again.',
      );
    return {
      visit,
      body: { kind, value: filled(form['value']) ?? '', reason: filled(form['reason']) ?? '' },
    };
  }

  async function tried(
    reply: FastifyReply,
    visit: Visit,
    work: () => Promise<Answered | null>,
  ): Promise<string> {
    try {
      return await answer(reply, 200, visit, { done: await work(), refused: null });
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      if (error.code !== 'conflict' && error.code !== 'invalid' && error.code !== 'bad_request')
        throw pageOf(error);
      const why = error.code === 'bad_request' ? 'Name what to revoke, and say why.' : error.message;
      return answer(reply, 422, visit, { done: null, refused: why });
    }
  }

  async function answer(
    reply: FastifyReply,
    status: number,
    visit: Visit,
    told: { readonly done: Answered | null; readonly refused: string | null },
  ): Promise<string> {
    const revocations = await recentRevocations(context.pool, shown);
    const mayAct = may(visit.identity, context.roles, 'containment.act');
    reply.code(status).type('text/html');
    return containmentPage({ revocations, mayAct, ...told }, visit).toString();
  }
}

/** Whether somebody may look at what is revoked. */
export function maySee(context: Pick<ConsoleContext, 'roles'>, identity: Identity): boolean {
  return may(identity, context.roles, 'containment.see');
}
