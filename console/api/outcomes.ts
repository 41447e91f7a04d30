import { revokeGrant, shownGrant, shownGrants } from '../../db/grants.ts';
import { type ShownCall, shownCall, shownCalls } from '../../db/held-calls-shown.ts';
import { markOutcome, takeTask, unknownCalls, wantReadBack } from '../../db/unknown-tasks.ts';
import type { ActContext } from '../deps.ts';
import type { Identity } from '../identity.ts';
import { groupsOf } from '../identity.ts';
import { may } from '../roles.ts';
import { maySee } from '../sight.ts';
import { isRequester } from '../standing.ts';
import { ApiProblem, endpoint } from './endpoint.ts';
import * as schema from './schemas-approvals.ts';
import { done, idParam, none } from './schemas.ts';

const mostUnknown = 500;

/** What people find out about calls that were sent and never answered; each finding is recorded with the call. */
export const outcomes = {
  listOutcomes: endpoint({
    id: 'listOutcomes',
    method: 'GET',
    path: '/outcomes',
    summary: 'Calls that were sent and never answered, that you may see: oldest first.',
    permission: null,
    params: none,
    query: none,
    body: null,
    status: 200,
    response: schema.outcomes,
    async run({ identity, context }) {
      const unknown = await unknownCalls(context.pool, mostUnknown);
      const calls = await callsOf(context, unknown);
      const seen = [];
      for (const { endedAt, ...one } of unknown) {
        const call = calls.get(one.callId);
        if (call && maySee(call, identity, context.viewers))
          seen.push({ ...one, endedAt: endedAt?.toISOString() ?? null });
      }
      return { outcomes: seen };
    },
  }),
  takeOutcome: endpoint({
    id: 'takeOutcome',
    method: 'POST',
    path: '/outcomes/{id}/take',
    summary: 'Says that you look into it.',
    permission: 'requests.decide',
    params: idParam,
    query: none,
    body: null,
    status: 200,
    response: done,
    async run({ params, identity, caller, context }) {
      await judged(context, params.id, identity);
      return { done: await takeTask(context.pool, params.id, { person: identity.person, via: caller.via }) };
    },
  }),
  readBackOutcome: endpoint({
    id: 'readBackOutcome',
    method: 'POST',
    path: '/outcomes/{id}/read-back',
    summary: 'Asks the server again, where the rule names a read-back.',
    permission: 'requests.decide',
    params: idParam,
    query: none,
    body: null,
    status: 200,
    response: done,
    async run({ params, identity, caller, context }) {
      await judged(context, params.id, identity);
      const by = { person: identity.person, via: caller.via };
      return { done: await wantReadBack(context.pool, params.id, by) };
    },
  }),
  markOutcome: endpoint({
    id: 'markOutcome',
    method: 'POST',
    path: '/outcomes/{id}/mark',
    summary: 'Writes down what became of it, for good. The agent is told; nothing is sent again.',
    permission: 'requests.decide',
    params: idParam,
    query: none,
    body: schema.markBody,
    status: 200,
    response: done,
    async run({ params, body, identity, caller, context }) {
      await judged(context, params.id, identity);
      const { mark, reason } = body;
      const marked = await markOutcome(context.pool, params.id, {
        person: identity.person,
        via: caller.via,
        mark,
        reason: context.maskText(reason.trim()),
      });
      return { done: marked };
    },
  }),
};

/** Calls that are approved ahead. */
export const grants = {
  listGrants: endpoint({
    id: 'listGrants',
    method: 'GET',
    path: '/grants',
    summary: 'Grants that you may see: calls that are approved ahead, for a while.',
    permission: null,
    params: none,
    query: schema.grantsQuery,
    body: null,
    status: 200,
    response: schema.grants,
    async run({ query, identity, context }) {
      const found = await shownGrants(context.pool, { open: query.open === 'true', limit: query.limit });
      const calls = await callsOf(context, found);
      const seen = [];
      for (const one of found) {
        const call = calls.get(one.callId);
        if (
          !may(identity, context.roles, 'requests.see') &&
          !(call && maySee(call, identity, context.viewers))
        )
          continue;
        seen.push({
          // What the answer's schema does not name is left out of it.
          ...one,
          id: one.grantId,
          givenBy: [...one.givenBy],
          createdAt: one.createdAt.toISOString(),
          expiresAt: one.expiresAt.toISOString(),
          revokedAt: one.revokedAt?.toISOString() ?? null,
        });
      }
      return { grants: seen };
    },
  }),
  revokeGrant: endpoint({
    id: 'revokeGrant',
    method: 'DELETE',
    path: '/grants/{id}',
    summary: 'Ends a grant at once and for good: by those who may decide on its call, and operators.',
    permission: null,
    params: idParam,
    query: none,
    body: null,
    status: 200,
    response: done,
    async run({ params, identity, caller, context }) {
      const grant = await shownGrant(context.pool, params.id);
      const call = grant && (await shownCall(context.pool, grant.callId));
      const operator = may(identity, context.roles, 'containment.act');
      if (!grant || !call || (!operator && !maySee(call, identity, context.viewers)))
        throw new ApiProblem('not_found', 'there is no grant of this id that you may see');
      const approves = may(identity, context.roles, 'requests.decide') && mayJudge(call, identity);
      if (!operator && !approves) throw notYours();
      const { person } = identity;
      return { done: await revokeGrant(context.pool, grant.grantId, { person, via: caller.via }) };
    },
  }),
};

function callsOf({ pool }: ActContext, about: readonly { readonly callId: string }[]) {
  return shownCalls(
    pool,
    about.map(({ callId }) => callId),
  );
}

/** Whether somebody is among those who may decide on a call, whatever they decided. */
export function mayJudge(call: ShownCall, identity: Identity): boolean {
  return !isRequester(call, identity.person.keys) && groupsOf(identity, call.approvers).length > 0;
}

/** A call whose outcome somebody may find out about. @throws ApiProblem */
async function judged(context: ActContext, id: string, identity: Identity): Promise<void> {
  const call = await shownCall(context.pool, id);
  if (!call?.task || !maySee(call, identity, context.viewers))
    throw new ApiProblem(
      'not_found',
      'there is nothing to find out about a call of this id that you may see',
    );
  if (!mayJudge(call, identity)) throw notYours();
}

function notYours(): ApiProblem {
  return new ApiProblem(
    'forbidden',
    'only those who may decide on the call can do this, and not whoever asked for it',
  );
}
