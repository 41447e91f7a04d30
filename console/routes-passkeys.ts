import type { FastifyInstance, FastifyReply } from 'fastify';
import { shownCall } from '../db/held-calls-shown.ts';
import { passkeysOf } from '../db/passkeys.ts';
import { operations } from './api/operations.ts';
import type { ConsoleContext, Visit } from './deps.ts';
import { actOrPage } from './page-acts.ts';
import { passkeysPage } from './pages/passkeys.ts';
import { approving, enrol, enrolmentOptions, proofOptions } from './passkeys.ts';
import { formOf } from './requests.ts';
import { visitOf } from './sign-in.ts';
import { freshSignIn, signedInJustNow } from './step-up.ts';

/** One's own passkeys, and the challenges that a browser answers with them. */
export function passkeyRoutes(app: FastifyInstance, context: ConsoleContext): void {
  app.get('/passkeys', async (request, reply) => page(reply, 200, visitOf(request), null));

  app.get('/passkeys/enrol', async (request, reply) => {
    const visit = visitOf(request);
    if (!signedInJustNow(visit, context.now())) return reply.code(403).send({ error: 'sign in again first' });
    return reply.send(await enrolmentOptions(context, visit));
  });

  app.get<{ Querystring: { call?: unknown } }>('/passkeys/approve', async (request, reply) => {
    const visit = visitOf(request);
    const { call: callId } = request.query;
    const call = typeof callId === 'string' ? await shownCall(context.pool, callId) : null;
    const options = call && (await proofOptions(context, visit, approving(call)));
    return options ? reply.send(options) : reply.code(404).send({ error: 'you have no passkey here' });
  });

  app.post('/passkeys', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    const name = (form['name'] ?? '').trim();
    if (!signedInJustNow(visit, context.now()) || name === '' || name.length > 100)
      return page(reply, 403, visit, 'Nothing was added: it takes a name, and a sign-in just before.');
    if (!(await enrol(context, visit, { name, response: form['passkey'] ?? '{}' })))
      return page(
        reply,
        403,
        visit,
        'Nothing was added: the browser’s answer did not pass the checks. Try again.',
      );
    await context.recordings?.recordAct('passkeys.add', { name, by: visit.identity.person.keys[0] ?? '' });
    return reply.redirect('/passkeys', 303);
  });

  app.post('/passkeys/remove', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    await actOrPage(context, visit, operations.removePasskey, { params: { id: form['id'] } });
    return reply.redirect('/passkeys', 303);
  });

  async function page(
    reply: FastifyReply,
    status: number,
    visit: Visit,
    told: string | null,
  ): Promise<string> {
    const passkeys = await passkeysOf(context.pool, visit.identity.person.keys);
    const signInFirst = signedInJustNow(visit, context.now()) ? null : freshSignIn(visit, '/passkeys');
    reply.code(status).type('text/html');
    return passkeysPage({ passkeys, signInFirst, told }, visit).toString();
  }
}
