import type { FastifyInstance } from 'fastify';
import { revokeGrant, shownGrant, shownGrants } from '../db/grants.ts';
import { shownCall, type ShownCall } from '../db/held-calls-shown.ts';
import { markOutcome, takeTask, wantReadBack } from '../db/unknown-tasks.ts';
import type { ConsoleContext, Visit } from './deps.ts';
import { PageError } from './errors.ts';
import { groupsOf, type Identity } from './identity.ts';
import { grantsPage } from './pages/grants.ts';
import { formOf, returnTo } from './requests.ts';
import { may } from './roles.ts';
import { maySee } from './sight.ts';
import { visitOf } from './sign-in.ts';
import { isRequester } from './standing.ts';

const listedAtMost = 200;
const longestReason = 1000;

/** Grants: listed and revoked; and what people find out about calls that were sent and never answered. */
export function grantRoutes(app: FastifyInstance, context: ConsoleContext): void {
  app.get('/grants', async (request, reply) => {
    const visit = visitOf(request);
    const seen = [];
    for (const grant of await shownGrants(context.pool, { open: false, limit: listedAtMost })) {
      const call = await shownCall(context.pool, grant.callId);
      if (call && maySee(call, visit.identity, context.viewers)) seen.push(grant);
    }
    reply.type('text/html');
    return grantsPage(seen, null, visit).toString();
  });

  app.post<{ Params: { id: string } }>('/grants/:id/revoke', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    const grant = await shownGrant(context.pool, request.params.id);
    const call = grant && (await shownCall(context.pool, grant.callId));
    if (!grant || !call) throw notYours();
    const { person } = await approverOf(context, visit, call);
    await revokeGrant(context.pool, grant.grantId, { person, via: 'console' });
    return reply.redirect(returnTo(form['back'] ?? '/grants'), 303);
  });

  app.post<{ Params: { id: string } }>('/approvals/:id/outcome', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    const call = await shownCall(context.pool, request.params.id);
    if (!call) throw notYours();
    const { person } = await approverOf(context, visit, call);
    await judge(context, call.callId, { person, via: 'console' }, form);
    return reply.redirect(`/approvals/${encodeURIComponent(call.callId)}`, 303);
  });
}

async function judge(
  { pool, maskText }: ConsoleContext,
  callId: string,
  by: { person: Identity['person']; via: string },
  form: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const act = form['act'];
  if (act === 'take') return void (await takeTask(pool, callId, by));
  if (act === 'read-back') return void (await wantReadBack(pool, callId, by));
  const reason = form['reason']?.trim() ?? '';
  if ((act !== 'happened' && act !== 'did-not-happen') || reason === '' || reason.length > longestReason)
    throw new PageError(
      422,
      'Nothing was written down',
      'Say whether it happened, and how you know, in at most 1000 characters.',
      'Go back, fill the form in, and send it again.',
    );
  await markOutcome(pool, callId, { ...by, mark: act, reason: maskText(reason) });
}

/** Whoever may decide on a call, looked up again right now. @throws PageError when they may not */
async function approverOf(context: ConsoleContext, visit: Visit, call: ShownCall): Promise<Identity> {
  if (!maySee(call, visit.identity, context.viewers)) throw notYours();
  const again = await context.login.lookAgain(visit, context);
  if ('signInAgain' in again)
    throw new PageError(401, 'Sign in again', again.signInAgain, 'Sign in, then do it once more.');
  const { identity } = again;
  if (!mayJudge(call, identity) || !may(identity, context.roles, 'requests.decide'))
    throw new PageError(
      403,
      'Nothing was done',
      'Only those who may decide on this call can do this, and not whoever asked for it.',
      'Ask one of its approvers.',
    );
  return identity;
}

/** Whether somebody is among those who may decide on a call, whatever they decided. */
export function mayJudge(call: ShownCall, identity: Identity): boolean {
  return !isRequester(call, identity.person.keys) && groupsOf(identity, call.approvers).length > 0;
}

function notYours(): PageError {
  return new PageError(
    404,
    'There is no such grant or call for you',
    'Nothing has this id, or you are not among those who may see it.',
    'Look for it in the list of grants or approvals.',
  );
}
