import type { FastifyInstance } from 'fastify';
import { linkCodeOwner, linkKeys, useLinkCode } from '../db/people.ts';
import type { ConsoleContext } from './deps.ts';
import { PageError } from './errors.ts';
import { linkedPage, linkPage } from './pages/link.ts';
import { formOf } from './requests.ts';
import { visitOf } from './sign-in.ts';

/**
 * Linking a Slack account to the person who is signed in: the code proves the account, the session proves the person.
 * From then on both count as one, and membership of either is membership of the person.
 */
export function linkRoutes(app: FastifyInstance, context: ConsoleContext): void {
  app.get<{ Querystring: { code?: unknown } }>('/link', async (request, reply) => {
    const { code } = request.query;
    const owner = typeof code === 'string' ? await linkCodeOwner(context.pool, code) : null;
    if (!owner || typeof code !== 'string') throw noCode();
    reply.type('text/html');
    return linkPage(owner, code, visitOf(request)).toString();
  });
  app.post('/link', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    const [to] = visit.identity.person.keys.filter((key) => !key.startsWith('email:'));
    const owner = await useLinkCode(context.pool, form['code'] ?? '');
    if (!owner || to === undefined) throw noCode();
    await context.recordings?.recordAct('people.link', { key: owner.key, to, via: 'console' });
    await linkKeys(context.pool, { key: owner.key, to, by: 'a link code from Slack, used in the console' });
    reply.type('text/html');
    return linkedPage(owner, visit).toString();
  });
}

function noCode(): PageError {
  return new PageError(
    403,
    'This link does not work any more',
    'A link code works once, for a short time.',
    'Ask for a new one in Slack with /holdpoint link.',
  );
}
