import type { FastifyInstance, FastifyReply } from 'fastify';
import { listTokens } from '../db/access-tokens.ts';
import { signInsOf } from '../db/oauth-sign-ins.ts';
import { ApiProblem } from './api/endpoint.ts';
import { operations } from './api/operations.ts';
import type { ConsoleContext, TokenRules, Visit } from './deps.ts';
import { act, filled, pageOf } from './page-acts.ts';
import { tokensPage, type TokensView } from './pages/tokens.ts';
import { formOf } from './requests.ts';
import { visitOf } from './sign-in.ts';

const dayMs = 86_400_000;

/** One's own access tokens. Each is made and revoked by its owner; making and revoking is recorded. */
export function tokenRoutes(app: FastifyInstance, context: ConsoleContext): void {
  const { tokens: rules } = context;
  if (!rules) return;

  app.get('/tokens', async (request, reply) => answer(reply, 200, visitOf(request), {}));

  app.post('/tokens', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    try {
      const body = bodyOf(form, rules);
      const { secret, token } = await act(context, visit, operations.createToken, { body });
      return await answer(reply, 201, visit, { made: { secret, name: token.name } });
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      if (error.code !== 'invalid' && error.code !== 'bad_request') throw pageOf(error);
      const why =
        error.code === 'bad_request' ? 'a token needs a name of 1 to 100 characters' : error.message;
      return answer(reply, 422, visit, { refused: why });
    }
  });

  app.post('/tokens/revoke', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    await ended(context, visit, operations.revokeToken, form['id']);
    return reply.redirect('/tokens', 303);
  });

  app.post('/tokens/end', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    await ended(context, visit, operations.endSignIn, form['grant']);
    return reply.redirect('/tokens', 303);
  });

  async function answer(
    reply: FastifyReply,
    status: number,
    visit: Visit,
    told: Partial<Pick<TokensView, 'made' | 'refused'>>,
  ): Promise<string> {
    const { keys } = visit.identity.person;
    const [tokens, signIns] = [await listTokens(context.pool, keys), await signInsOf(context.pool, keys)];
    const { scopes, longestMs } = rules as TokenRules;
    reply.code(status).type('text/html');
    const view = {
      tokens,
      signIns,
      scopes,
      longestDays: Math.max(1, Math.floor(longestMs / dayMs)),
      now: context.now(),
      made: null,
      refused: null,
      ...told,
    };
    return tokensPage(view, visit).toString();
  }
}

/** What is not there, or not theirs, has ended already. */
async function ended(
  context: ConsoleContext,
  visit: Visit,
  one: typeof operations.revokeToken,
  id = '',
): Promise<void> {
  try {
    await act(context, visit, one, { params: { id } });
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.code !== 'not_found') throw pageOf(error);
  }
}

function bodyOf(form: Readonly<Record<string, string | undefined>>, { scopes }: TokenRules) {
  const named = (prefix: string): string[] => Object.keys(form).filter((field) => field.startsWith(prefix));
  return {
    name: filled(form['name']) ?? '',
    lifeMs: Number(form['days']) * dayMs,
    scopes: form['everything'] === 'yes' ? null : scopes.filter((scope) => form[`scope.${scope}`] === 'yes'),
    groups: named('group.').flatMap((field) => form[field] ?? []),
  };
}
