import {
  settledDefinitions,
  type ShownDefinition,
  shownDefinition,
  waitingDefinitions,
} from '../../db/tool-definitions-shown.ts';
import { decideOnDefinition, objectionTo } from '../definition-decision.ts';
import type { ActContext } from '../deps.ts';
import type { Identity } from '../identity.ts';
import { may } from '../roles.ts';
import { isAuditor } from '../sight.ts';
import { ApiProblem, endpoint } from './endpoint.ts';
import * as schema from './schemas-approvals.ts';
import { idParam, none } from './schemas.ts';

/** Definitions of tools, and deciding on those that wait. */
export const definitions = {
  listDefinitions: endpoint({
    id: 'listDefinitions',
    method: 'GET',
    path: '/definitions',
    summary: 'Tool definitions that wait for somebody to accept them, oldest first; settled ones after them.',
    permission: null,
    params: none,
    query: schema.definitionsQuery,
    body: null,
    status: 200,
    response: schema.definitions,
    async run({ query, identity, context }) {
      const { limit, settled } = query;
      const found = [
        ...(await waitingDefinitions(context.pool, limit)),
        ...(settled === 'true' ? await settledDefinitions(context.pool, limit) : []),
      ];
      return { definitions: found.filter((one) => maySee(context, one, identity)).map(shown) };
    },
  }),
  showDefinition: endpoint({
    id: 'showDefinition',
    method: 'GET',
    path: '/definitions/{id}',
    summary: 'One tool definition, with the one before it.',
    permission: null,
    params: idParam,
    query: none,
    body: null,
    status: 200,
    response: schema.definition,
    run: async ({ params, identity, context }) => shown(await definitionFor(context, params.id, identity)),
  }),
  decideDefinition: endpoint({
    id: 'decideDefinition',
    method: 'POST',
    path: '/definitions/{id}/decision',
    summary: 'Accepts or rejects a tool definition, on every gateway at once.',
    permission: null,
    params: idParam,
    query: none,
    body: schema.definitionDecisionBody,
    status: 200,
    response: schema.definitionDecided,
    async run({ params, body, identity, caller, context }) {
      const definition = await definitionFor(context, params.id, identity);
      const { decision, hash, reason = null } = body;
      if (hash !== definition.hash)
        throw new ApiProblem('conflict', 'the definition has changed since it was shown: read it again');
      const objection = objectionTo(definition, identity);
      if (objection !== null) throw new ApiProblem('forbidden', objection);
      if (!context.definitions)
        throw new ApiProblem('unavailable', 'decisions on definitions cannot be signed here');
      const desk = { pool: context.pool, ...context.definitions };
      const act = { decision, reason, via: caller.via };
      const told = await decideOnDefinition(desk, identity, definition, act);
      const after = (await shownDefinition(context.pool, definition.definitionId)) ?? definition;
      return { ...told, definition: shown(after) };
    },
  }),
};

/** Whether somebody may look at a definition. */
export function maySee(context: ActContext, definition: ShownDefinition, identity: Identity): boolean {
  return (
    objectionTo(definition, identity) === null ||
    isAuditor(identity, context.auditors) ||
    may(identity, context.roles, 'requests.see')
  );
}

async function definitionFor(context: ActContext, id: string, identity: Identity): Promise<ShownDefinition> {
  const definition = await shownDefinition(context.pool, id);
  if (definition && maySee(context, definition, identity)) return definition;
  throw new ApiProblem('not_found', 'there is no definition of this id that you may see');
}

function shown(one: ShownDefinition) {
  const { definitionId: id, connection, tool, hash, version, state, before } = one;
  return {
    id,
    state,
    connection,
    tool,
    version,
    hash,
    definitionJson: one.definition,
    before: before && { version: before.version, hash: before.hash, definitionJson: before.definition },
    approvers: one.approvers.map(({ name }) => name),
    foundAt: one.foundAt.toISOString(),
    decidedBy: one.decision?.person.name ?? null,
    decidedAt: one.decidedAt?.toISOString() ?? null,
  };
}
