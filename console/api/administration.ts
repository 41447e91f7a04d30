import { pendingCalls } from '../../db/held-calls-shown.ts';
import { isFrozen } from '../../db/kill-switch.ts';
import { aliveGateways, revocationsInForce } from '../../db/revocations.ts';
import { rolesOf } from '../roles.ts';
import { ApiProblem, endpoint } from './endpoint.ts';
import * as schema from './schemas-administration.ts';
import { none } from './schemas.ts';

/** How things stand, and what is wrong with a policy. */
export const administration = {
  status: endpoint({
    id: 'status',
    method: 'GET',
    path: '/status',
    summary: 'Who you are here, and how things stand.',
    permission: null,
    params: none,
    query: none,
    body: null,
    status: 200,
    response: schema.status,
    async run({ identity, context }) {
      const [pending, revocations, gateways, frozen] = await Promise.all([
        pendingCalls(context.pool, 10_000),
        revocationsInForce(context.pool),
        aliveGateways(context.pool),
        isFrozen(context.pool),
      ]);
      return {
        me: {
          name: identity.person.name,
          subject: identity.subject,
          groups: [...identity.groups],
          roles: rolesOf(identity, context.roles),
        },
        pendingApprovals: pending.length,
        revocationsInForce: revocations.length,
        frozen,
        gateways,
        policyVersion: context.rules?.policy().version ?? null,
        version: context.version,
      };
    },
  }),
  checkPolicy: endpoint({
    id: 'checkPolicy',
    method: 'POST',
    path: '/policy/check',
    summary: 'Says what is wrong with a policy, as `holdpoint policy check` does. Nothing is changed.',
    permission: 'requests.see',
    looks: true,
    params: none,
    query: none,
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
};
