import type { FastifyInstance, FastifyReply } from 'fastify';
import { type Actor, recentRevocations, RevocationError, revocationKinds } from '../db/revocations.ts';
import { revoke, type Revoked, unrevoke } from '../db/revoke.ts';
import type { ConsoleContext, Containment, Visit } from './deps.ts';
import { PageError } from './errors.ts';
import type { Identity } from './identity.ts';
import { containmentPage } from './pages/containment.ts';
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
    const { visit, identity, ask } = await asked(request);
    return tried(reply, visit, async () =>
      revoke(context.pool, { ...ask, by: actorOf(identity, 'console') }, depsOf(context, containment)),
    );
  });

  app.post('/containment/lift', async (request, reply) => {
    const { visit, identity, ask } = await asked(request);
    return tried(reply, visit, async () => {
      await unrevoke(
        context.pool,
        { ...ask, by: actorOf(identity, 'console') },
        depsOf(context, containment),
      );
      return null;
    });
  });

  async function asked(request: Parameters<typeof visitOf>[0]) {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    const again = await context.login.lookAgain(visit, context);
    if ('signInAgain' in again)
      throw new PageError(401, 'Sign in again', again.signInAgain, 'Sign in, then try once more.');
    if (!may(again.identity, context.roles, 'containment.act'))
      throw new PageError(
        403,
        'Revoking is not yours to do',
        'You are signed in, but have no role that may revoke.',
        `It takes one of the roles ${rolesThatMay('containment.act').join(', ')}; the setting \`roles\` gives them.`,
      );
    const kind = revocationKinds.find((known) => known === form['kind']);
    if (!kind)
      throw new PageError(
        422,
        'Choose what to revoke',
        'The form names no known kind.',
        'Open the page again.',
      );
    const ask = { kind, value: form['value'] ?? '', reason: form['reason'] ?? '' };
    return { visit, identity: again.identity, ask };
  }

  async function tried(
    reply: FastifyReply,
    visit: Visit,
    act: () => Promise<Revoked | null>,
  ): Promise<string> {
    try {
      return await answer(reply, 200, visit, { done: await act(), refused: null });
    } catch (error) {
      if (!(error instanceof RevocationError)) throw error;
      return answer(reply, 422, visit, { done: null, refused: error.message });
    }
  }

  async function answer(
    reply: FastifyReply,
    status: number,
    visit: Visit,
    told: { readonly done: Revoked | null; readonly refused: string | null },
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

/** Somebody as the acts of containment name them. */
export function actorOf({ person, subject }: Identity, via: string): Actor {
  return { key: person.keys[0] ?? subject, name: person.name, via };
}

/** What revoking needs, with the record of acts. @throws PageError where this process keeps none */
export function depsOf({ recordings }: ConsoleContext, containment: Containment) {
  if (recordings) return { ...containment, recordAct: recordings.recordAct };
  throw new PageError(
    503,
    'Nothing can be recorded here',
    'What is revoked is recorded first, and this process was started without the keys for that.',
    'Set keys.encryption for the console, as it is set for the gateway, or use `holdpoint revoke`.',
  );
}
