import type { FastifyInstance } from 'fastify';
import { newSecret } from '../db/console-sessions.ts';
import { answerSignIn, openSignInRequest, type SignedInPerson } from '../db/oauth-sign-ins.ts';
import type { ConsoleContext, Visit } from './deps.ts';
import { PageError } from './errors.ts';
import { type Identity, issuerOf, ownKey } from './identity.ts';
import { authorizePage, continuePage } from './pages/authorize.ts';
import { formOf } from './requests.ts';
import { visitOf } from './sign-in.ts';

/**
 * Where people answer for a program that wants to call for them (the built-in authorization server, which the gateways
 * are, sends their browser here and gets it back).
 */
export function authorizeRoutes(app: FastifyInstance, context: ConsoleContext): void {
  app.get<{ Querystring: { request?: unknown } }>('/authorize', async (request, reply) => {
    const { request: secret } = request.query;
    const asked = typeof secret === 'string' ? await openSignInRequest(context.pool, secret) : null;
    if (!asked || typeof secret !== 'string') throw noRequest();
    reply.type('text/html');
    return authorizePage(asked, secret, visitOf(request)).toString();
  });

  app.post('/authorize', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    const secret = form['request'] ?? '';
    const asked = await openSignInRequest(context.pool, secret);
    if (!asked) throw noRequest();
    const again = await context.login.lookAgain(visit, context);
    reply.type('text/html');
    if ('signInAgain' in again) {
      const back = encodeURIComponent(`/authorize?request=${secret}`);
      return continuePage(`/login/start?to=${back}`, visit).toString();
    }
    const person = form['answer'] === 'agree' ? personOf(again.identity, visit) : null;
    await context.recordings?.recordAct(person ? 'clients.allow' : 'clients.refuse', {
      client: asked.client.id,
      connection: asked.connection,
      scopes: asked.scopes.join(' '),
      by: visit.identity.person.keys[0] ?? '',
    });
    const proof = newSecret();
    if (!(await answerSignIn(context.pool, secret, { person, proof }))) throw noRequest();
    const back = new URL(asked.returnTo);
    back.searchParams.set('proof', proof);
    return continuePage(back.toString(), visit).toString();
  });
}

/** Who agrees, as the identity provider knows them at this moment. */
function personOf(identity: Identity, { authentication }: Visit): SignedInPerson {
  const key = ownKey(identity);
  const { acr, amr, at } = authentication;
  return {
    key,
    subject: identity.subject,
    issuer: issuerOf(key) ?? 'holdpoint',
    email: identity.email,
    name: identity.person.name,
    groups: identity.groups,
    acr,
    amr,
    authenticatedAtMs: at?.getTime() ?? null,
  };
}

function noRequest(): PageError {
  return new PageError(
    403,
    'There is nothing to answer here',
    'No program waits for this answer: it was given before, or the program gave up waiting.',
    'Start again in the program that sent you here.',
  );
}
