import { type AccessToken, listTokens, type NewAccessToken, revokeTokens } from '../../db/access-tokens.ts';
import { endSignIn, signInsOf } from '../../db/oauth-sign-ins.ts';
import { passkeysOf, removePasskey } from '../../db/passkeys.ts';
import type { RecordAct } from '../acts.ts';
import type { ActContext } from '../deps.ts';
import { makePersonalToken, makeServiceToken, TokenRefused } from '../make-token.ts';
import { may, rolesThatMay } from '../roles.ts';
import { ApiProblem, endpoint } from './endpoint.ts';
import * as schema from './schemas-administration.ts';
import { done, idParam, none } from './schemas.ts';

const usualLifeMs = 90 * 86_400_000;

/** Access tokens, the programs that one has let in, and passkeys: one's own, and for operators those of others. */
export const tokens = {
  listTokens: endpoint({
    id: 'listTokens',
    method: 'GET',
    path: '/tokens',
    summary: 'Access tokens: your own, or all for operators. Never their secrets.',
    permission: null,
    params: none,
    query: none,
    body: null,
    status: 200,
    response: schema.tokens,
    async run({ identity, context }) {
      const all = may(identity, context.roles, 'containment.act');
      const found = await listTokens(context.pool, all ? null : identity.person.keys);
      return {
        tokens: found.map((one: AccessToken) => ({
          ...shownToken(one),
          createdAt: one.createdAt.toISOString(),
          lastUsedAt: one.lastUsedAt?.toISOString() ?? null,
          revokedAt: one.revokedAt?.toISOString() ?? null,
        })),
      };
    },
  }),
  createToken: endpoint({
    id: 'createToken',
    method: 'POST',
    path: '/tokens',
    summary:
      'Makes an access token: your own, which gives at most your groups; or, for owners, one of a service.',
    permission: null,
    again:
      'Asking again makes a second one: look for the first in the list of tokens (holdpoint tokens list) and revoke it, since nobody has its secret',
    params: none,
    query: none,
    body: schema.tokenBody,
    status: 201,
    response: schema.madeToken,
    async run({ body, identity, context }) {
      const { name, service, scopes = null, groups } = body;
      if (service !== undefined && !may(identity, context.roles, 'tokens.serve'))
        throw new ApiProblem(
          'forbidden',
          `tokens of services are made by one of the roles ${rolesThatMay('tokens.serve').join(', ')}`,
        );
      if (service === undefined && !identity.person.keys.some((key) => /^(?:oidc|saml|local):/.test(key)))
        throw new ApiProblem(
          'invalid',
          'only people have tokens of their own; name the service with `service`',
        );
      const rules = context.tokens;
      if (!rules) throw new ApiProblem('unavailable', 'no access tokens are made here');
      const making = {
        db: context.pool,
        recordAct: recordActOf(context),
        now: context.now(),
        longestMs: rules.longestMs,
        scopes: rules.scopes,
      };
      const lifeMs = body.lifeMs ?? Math.min(usualLifeMs, rules.longestMs);
      const wish = { name, lifeMs, scopes };
      try {
        const by = identity.person.keys[0] ?? identity.subject;
        const { secret, token } =
          service === undefined
            ? await makePersonalToken(making, identity, { ...wish, groups: groups ?? identity.groups })
            : await makeServiceToken(making, { subject: service, by }, { ...wish, groups: groups ?? [] });
        return { secret, token: shownToken(token) };
      } catch (error) {
        if (!(error instanceof TokenRefused)) throw error;
        throw new ApiProblem('invalid', error.message, { cause: error });
      }
    },
  }),
  revokeToken: endpoint({
    id: 'revokeToken',
    method: 'DELETE',
    path: '/tokens/{id}',
    summary: 'Revokes an access token for good: your own, or any for operators.',
    permission: null,
    params: idParam,
    query: none,
    body: null,
    status: 200,
    response: done,
    async run({ params, identity, context }) {
      const any = may(identity, context.roles, 'containment.act');
      const by = identity.person.keys[0] ?? identity.subject;
      await recordActOf(context)('tokens.revoke', { id: params.id, by });
      const which = any ? { id: params.id } : { id: params.id, personKeys: identity.person.keys };
      const count = await revokeTokens(context.pool, which, by);
      if (count === 0) throw new ApiProblem('not_found', 'there is no such token of yours that stands');
      return { done: true };
    },
  }),
  listSignIns: endpoint({
    id: 'listSignIns',
    method: 'GET',
    path: '/sign-ins',
    summary: 'The programs with which you are signed in.',
    permission: null,
    params: none,
    query: none,
    body: null,
    status: 200,
    response: schema.signIns,
    async run({ identity, context }) {
      const found = await signInsOf(context.pool, identity.person.keys);
      return {
        signIns: found.map((one) => ({
          id: one.grantId,
          client: one.clientId,
          clientName: one.clientName,
          resource: one.resource,
          scopes: [...one.scopes],
          signedInAt: one.signedInAt.toISOString(),
          expiresAt: one.expiresAt.toISOString(),
        })),
      };
    },
  }),
  endSignIn: endpoint({
    id: 'endSignIn',
    method: 'DELETE',
    path: '/sign-ins/{id}',
    summary: 'Signs a program of yours out: nothing of it can be renewed, and its tokens are refused.',
    permission: null,
    params: idParam,
    query: none,
    body: null,
    status: 200,
    response: done,
    async run({ params, identity, context }) {
      const { keys } = identity.person;
      await recordActOf(context)('clients.end', { credential: `oauth:${params.id}`, by: keys[0] ?? '' });
      if (!(await endSignIn(context.pool, params.id, keys)))
        throw new ApiProblem('not_found', 'you are not signed in with a program under this id');
      return { done: true };
    },
  }),
  listPasskeys: endpoint({
    id: 'listPasskeys',
    method: 'GET',
    path: '/passkeys',
    summary: 'Your passkeys. They are added in the browser that is to use them.',
    permission: null,
    params: none,
    query: none,
    body: null,
    status: 200,
    response: schema.passkeys,
    async run({ identity, context }) {
      const found = await passkeysOf(context.pool, identity.person.keys);
      return {
        passkeys: found.map(({ credentialId, name, madeAt, lastUsedAt }) => ({
          id: credentialId,
          name,
          addedAt: madeAt.toISOString(),
          lastUsedAt: lastUsedAt?.toISOString() ?? null,
        })),
      };
    },
  }),
  removePasskey: endpoint({
    id: 'removePasskey',
    method: 'DELETE',
    path: '/passkeys/{id}',
    summary: 'Removes a passkey of yours.',
    permission: null,
    params: idParam,
    query: none,
    body: null,
    status: 200,
    response: done,
    async run({ params, identity, context }) {
      const { keys } = identity.person;
      await recordActOf(context)('passkeys.remove', { id: params.id, by: keys[0] ?? '' });
      await removePasskey(context.pool, keys, params.id);
      return { done: true };
    },
  }),
};

/** What answers have of any token; its secret is no part of it. */
function shownToken<T extends NewAccessToken>(token: T) {
  return {
    ...token,
    owner: token.personKey,
    groups: [...token.groups],
    scopes: token.scopes && [...token.scopes],
    expiresAt: token.expiresAt.toISOString(),
  };
}

/** @throws ApiProblem where nothing can be recorded: the act must not happen then */
export function recordActOf({ recordings }: ActContext): RecordAct {
  if (recordings) return recordings.recordAct;
  throw new ApiProblem('unavailable', 'acts cannot be recorded here, so none is done here');
}
