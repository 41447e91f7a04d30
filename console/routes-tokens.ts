import type { FastifyInstance, FastifyReply } from 'fastify';
import { listTokens, revokeTokens } from '../db/access-tokens.ts';
import { endSignIn, signInsOf } from '../db/oauth-sign-ins.ts';
import type { RecordAct } from './acts.ts';
import type { ConsoleContext, TokenRules, Visit } from './deps.ts';
import { PageError } from './errors.ts';
import { makePersonalToken, TokenRefused, type TokenWish } from './make-token.ts';
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
    const again = await context.login.lookAgain(visit, context);
    if ('signInAgain' in again) throw signInAgain(again.signInAgain);
    try {
      const { secret, token } = await makePersonalToken(
        {
          db: context.pool,
          recordAct: recordActOf(context),
          now: context.now(),
          longestMs: rules.longestMs,
          scopes: rules.scopes,
        },
        again.identity,
        wishOf(form, rules),
      );
      return await answer(reply, 201, visit, { made: { secret, name: token.name } });
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error;
      return answer(reply, 422, visit, { refused: error.message });
    }
  });

  app.post('/tokens/revoke', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    const id = form['id'] ?? '';
    const personKeys = visit.identity.person.keys;
    const by = personKeys[0] ?? '';
    await recordActOf(context)('tokens.revoke', { id, by });
    await revokeTokens(context.pool, { id, personKeys }, by);
    return reply.redirect('/tokens', 303);
  });

  app.post('/tokens/end', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    const { keys } = visit.identity.person;
    const grant = form['grant'] ?? '';
    await recordActOf(context)('clients.end', { credential: `oauth:${grant}`, by: keys[0] ?? '' });
    await endSignIn(context.pool, grant, keys);
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

function wishOf(form: Readonly<Record<string, string | undefined>>, { scopes }: TokenRules): TokenWish {
  const named = (prefix: string): string[] => Object.keys(form).filter((field) => field.startsWith(prefix));
  return {
    name: form['name'] ?? '',
    lifeMs: Number(form['days']) * dayMs,
    scopes: form['everything'] === 'yes' ? null : scopes.filter((scope) => form[`scope.${scope}`] === 'yes'),
    groups: named('group.').flatMap((field) => form[field] ?? []),
  };
}

function recordActOf({ recordings }: ConsoleContext): RecordAct {
  if (recordings) return recordings.recordAct;
  throw new PageError(
    503,
    'Nothing can be recorded here',
    'This console has no keys to record with, so it makes and revokes no tokens.',
    'Use `holdpoint tokens` where the keys are.',
  );
}

function signInAgain(why: string): PageError {
  return new PageError(401, 'Sign in again first', why, 'Sign out, sign in, and make the token then.');
}
