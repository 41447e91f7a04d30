import { listTokens, revokeTokens } from '../../db/access-tokens.ts';
import { revokeGrant, shownGrant, shownGrants } from '../../db/grants.ts';
import { pendingCalls } from '../../db/held-calls-shown.ts';
import { aliveGateways, revocationsInForce } from '../../db/revocations.ts';
import { waitingDefinitions } from '../../db/tool-definitions-shown.ts';
import type { ConsoleContext } from '../deps.ts';
import { may, rolesOf } from '../roles.ts';
import { ApiProblem, endpoint } from './endpoint.ts';
import * as schema from './schemas.ts';

/** Grants, access tokens, tool definitions, policy, and how things stand. */
export const administrationEndpoints = [
  endpoint({
    id: 'status',
    method: 'GET',
    path: '/status',
    summary: 'Who you are here, and how things stand.',
    permission: null,
    params: schema.none,
    query: schema.none,
    body: null,
    status: 200,
    response: schema.status,
    async run({ caller, context }) {
      const { identity } = caller;
      const [pending, revocations, gateways] = await Promise.all([
        pendingCalls(context.pool, 10_000),
        revocationsInForce(context.pool),
        aliveGateways(context.pool),
      ]);
      return {
        me: {
          name: identity.person.name,
          subject: identity.subject,
          roles: rolesOf(identity, context.roles),
        },
        pendingApprovals: pending.length,
        revocationsInForce: revocations.length,
        gateways,
        policyVersion: context.rules?.policy().version ?? null,
      };
    },
  }),
  endpoint({
    id: 'listGrants',
    method: 'GET',
    path: '/grants',
    summary: 'Grants: calls that are approved ahead, for a while.',
    permission: 'requests.see',
    params: schema.none,
    query: schema.grantsQuery,
    body: null,
    status: 200,
    response: schema.grants,
    async run({ query, context }) {
      const found = await shownGrants(context.pool, { open: query.open === 'true', limit: query.limit });
      return {
        // What the answer's schema does not name is left out of it.
        grants: found.map((one) => ({
          ...one,
          id: one.grantId,
          givenBy: [...one.givenBy],
          createdAt: one.createdAt.toISOString(),
          expiresAt: one.expiresAt.toISOString(),
          revokedAt: one.revokedAt?.toISOString() ?? null,
        })),
      };
    },
  }),
  endpoint({
    id: 'revokeGrant',
    method: 'DELETE',
    path: '/grants/{id}',
    summary: 'Ends a grant at once and for good.',
    permission: 'containment.act',
    params: schema.idParam,
    query: schema.none,
    body: null,
    status: 200,
    response: schema.done,
    async run({ params, caller, context }) {
      if (!(await shownGrant(context.pool, params.id)))
        throw new ApiProblem('not_found', 'there is no grant of this id');
      const { person } = caller.identity;
      await recorded(context, 'grants.revoke', { grant: params.id, person: person.keys[0] ?? '' });
      return { done: await revokeGrant(context.pool, params.id, { person, via: caller.via }) };
    },
  }),
  endpoint({
    id: 'listTokens',
    method: 'GET',
    path: '/tokens',
    summary: 'Access tokens: your own, or all for operators. Never their secrets.',
    permission: null,
    params: schema.none,
    query: schema.none,
    body: null,
    status: 200,
    response: schema.tokens,
    async run({ caller, context }) {
      const { identity } = caller;
      const all = may(identity, context.roles, 'containment.act');
      const found = await listTokens(context.pool, all ? null : identity.person.keys);
      return {
        tokens: found.map((one) => ({
          id: one.id,
          name: one.name,
          kind: one.kind,
          owner: one.personKey,
          scopes: one.scopes && [...one.scopes],
          createdAt: one.createdAt.toISOString(),
          expiresAt: one.expiresAt.toISOString(),
          lastUsedAt: one.lastUsedAt?.toISOString() ?? null,
          revokedAt: one.revokedAt?.toISOString() ?? null,
        })),
      };
    },
  }),
  endpoint({
    id: 'revokeToken',
    method: 'DELETE',
    path: '/tokens/{id}',
    summary: 'Revokes an access token for good: your own, or any for operators.',
    permission: null,
    params: schema.idParam,
    query: schema.none,
    body: null,
    status: 200,
    response: schema.done,
    async run({ params, caller, context }) {
      const { identity } = caller;
      const any = may(identity, context.roles, 'containment.act');
      const by = identity.person.keys[0] ?? identity.subject;
      await recorded(context, 'tokens.revoke', { id: params.id, by });
      const which = any ? { id: params.id } : { id: params.id, personKeys: identity.person.keys };
      const count = await revokeTokens(context.pool, which, by);
      if (count === 0) throw new ApiProblem('not_found', 'there is no such token of yours that stands');
      return { done: true };
    },
  }),
  endpoint({
    id: 'listDefinitions',
    method: 'GET',
    path: '/definitions',
    summary: 'Tool definitions that wait for somebody to accept them.',
    permission: 'requests.see',
    params: schema.none,
    query: schema.definitionsQuery,
    body: null,
    status: 200,
    response: schema.definitions,
    async run({ query, context }) {
      const found = await waitingDefinitions(context.pool, query.limit);
      return {
        definitions: found.map(
          ({ definitionId, connection, tool, hash, version, state, definition, foundAt }) => ({
            id: definitionId,
            connection,
            tool,
            hash,
            version,
            state,
            definitionJson: definition,
            foundAt: foundAt.toISOString(),
          }),
        ),
      };
    },
  }),
  endpoint({
    id: 'checkPolicy',
    method: 'POST',
    path: '/policy/check',
    summary: 'Says what is wrong with a policy, as `holdpoint policy check` does. Nothing is changed.',
    permission: 'requests.see',
    params: schema.none,
    query: schema.none,
    body: schema.policyCheckBody,
    status: 200,
    response: schema.policyChecked,
    async run({ body, context }) {
      if (!context.checkPolicy)
        throw new ApiProblem('unavailable', 'this console knows no connections to check a policy against');
      const problems = context.checkPolicy(body.text);
      return { valid: problems.length === 0, problems: [...problems] };
    },
  }),
];

/** @throws ApiProblem where nothing can be recorded: the act must not happen then */
async function recorded(
  { recordings }: ConsoleContext,
  act: string,
  details: Readonly<Record<string, string>>,
): Promise<void> {
  if (!recordings) throw new ApiProblem('unavailable', 'acts cannot be recorded here, so none is done here');
  await recordings.recordAct(act, { ...details, via: 'api' });
}
