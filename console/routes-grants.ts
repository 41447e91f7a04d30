import type { FastifyInstance } from 'fastify';
import { shownGrants } from '../db/grants.ts';
import { shownCalls } from '../db/held-calls-shown.ts';
import { operations } from './api/operations.ts';
import type { ConsoleContext, Visit } from './deps.ts';
import { PageError } from './errors.ts';
import { actOrPage, filled } from './page-acts.ts';
import { grantsPage } from './pages/grants.ts';
import { formOf, returnTo } from './requests.ts';
import { maySee } from './sight.ts';
import { visitOf } from './sign-in.ts';

const listedAtMost = 200;
const longestReason = 1000;

/** Grants: listed and revoked; and what people find out about calls that were sent and never answered. */
export function grantRoutes(app: FastifyInstance, context: ConsoleContext): void {
  app.get('/grants', async (request, reply) => {
    const visit = visitOf(request);
    const grants = await shownGrants(context.pool, { open: false, limit: listedAtMost });
    const calls = await shownCalls(
      context.pool,
      grants.map(({ callId }) => callId),
    );
    const seen = grants.filter(({ callId }) => {
      const call = calls.get(callId);
      return call !== undefined && maySee(call, visit.identity, context.viewers);
    });
    reply.type('text/html');
    return grantsPage(seen, null, visit).toString();
  });

  app.post<{ Params: { id: string } }>('/grants/:id/revoke', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    await actOrPage(context, visit, operations.revokeGrant, { params: request.params });
    return reply.redirect(returnTo(form['back'] ?? '/grants'), 303);
  });

  app.post<{ Params: { id: string } }>('/approvals/:id/outcome', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    await judge(context, visit, request.params.id, form);
    return reply.redirect(`/approvals/${encodeURIComponent(request.params.id)}`, 303);
  });
}

async function judge(
  context: ConsoleContext,
  visit: Visit,
  id: string,
  { act: what, reason }: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const params = { id };
  if (what === 'take') return void (await actOrPage(context, visit, operations.takeOutcome, { params }));
  if (what === 'read-back')
    return void (await actOrPage(context, visit, operations.readBackOutcome, { params }));
  const why = filled(reason);
  if ((what !== 'happened' && what !== 'did-not-happen') || why === undefined || why.length > longestReason)
    throw new PageError(
      422,
      'Nothing was written down',
      'Say whether it happened, and how you know, in at most 1000 characters.',
      'Go back, fill the form in, and send it again.',
    );
  await actOrPage(context, visit, operations.markOutcome, { params, body: { mark: what, reason: why } });
}
