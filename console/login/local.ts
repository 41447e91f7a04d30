import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { ConsoleContext, Login } from '../deps.ts';
import { ConsoleError, PageError } from '../errors.ts';
import { localLoginPage } from '../pages/login.ts';
import { formOf, returnTo } from '../requests.ts';
import { localPerson } from './person.ts';
import { isCommandToken, redeemToken, sameText } from './link.ts';

/**
 * Signing in by the credential in the data directory: pasted, or by a one-time link made with it. Opening a link
 * (as link previews do) uses nothing up; only the form on its page does.
 * @throws ConsoleError when the credential is shorter than a secret should be
 */
export function localLogin(credential: string): Login {
  if (credential.length < 32)
    throw new ConsoleError(
      'credential_too_short',
      'the console credential in the data directory is shorter than 32 characters; delete the file and start again to make a new one',
    );
  const binding = `local:${createHash('sha256').update(`holdpoint session ${credential}`).digest('hex').slice(0, 32)}`;
  return {
    mode: 'local',
    binding,
    routes: (app, context) => addRoutes(app, context, credential, binding),
    lookAgain: async (_, { pool }) => ({ identity: await localPerson(pool) }),
    atCommandLine: async (secret, { pool, now }) =>
      isCommandToken(credential, secret, now()) ? localPerson(pool) : null,
  };
}

function addRoutes(app: FastifyInstance, context: ConsoleContext, credential: string, binding: string): void {
  app.get<{ Querystring: { token?: unknown; to?: unknown } }>('/login', async (request, reply) => {
    const { token, to } = request.query;
    reply.type('text/html');
    return localLoginPage(typeof token === 'string' ? token : null, returnTo(to)).toString();
  });
  app.post('/login', async (request, reply) => {
    const form = formOf(request);
    const { token, credential: pasted } = form;
    const proven =
      token === undefined
        ? pasted !== undefined && sameText(pasted.trim(), credential)
        : await redeemToken(context.pool, credential, token, context.now());
    if (!proven) throw refused(token !== undefined);
    const { person, subject, email, groups } = await localPerson(context.pool);
    const now = context.now();
    await context.visits.begin(request, reply, {
      binding,
      personKeys: person.keys,
      name: person.name,
      subject,
      email,
      groups,
      sealedTokens: null,
      acr: null,
      amr: [],
      authenticatedAt: now,
      provenAt: now,
      signedInAt: now,
      seenAt: now,
    });
    return reply.redirect(returnTo(form['to']), 303);
  });
}

function refused(byLink: boolean): PageError {
  return byLink
    ? new PageError(
        403,
        'This login link does not work any more',
        'A login link works once, for ten minutes.',
        'Start Holdpoint again for a new link, or sign in with the credential in the data directory.',
      )
    : new PageError(
        403,
        'That is not the credential',
        'The text is not the one in the data directory of this console.',
        'Copy the whole content of the file console-credential in the data directory (.holdpoint unless set otherwise).',
      );
}
