import { pendingCalls, recentCalls, type ShownCall } from '../../db/held-calls-shown.ts';
import { maySee } from '../sight.ts';
import { alike } from '../together.ts';
import { endpoint } from './endpoint.ts';
import * as schema from './schemas-approvals.ts';
import { idParam, none } from './schemas.ts';
import { callFor, shown } from './shown-call.ts';

const mostPending = 500;

/** Approval requests, as those who may see them see them. */
export const approvalLooks = {
  listApprovals: endpoint({
    id: 'listApprovals',
    method: 'GET',
    path: '/approvals',
    summary:
      'Approval requests that you may see: those that wait, soonest expiry first, or others, latest first.',
    permission: null,
    params: none,
    query: schema.approvalsQuery,
    body: null,
    status: 200,
    response: schema.approvals,
    async run({ query, identity, context }) {
      const { limit, before, state, connection, text } = query;
      const waiting = state === undefined && before === undefined && !connection && !text;
      const found = waiting
        ? await pendingCalls(context.pool, limit)
        : await recentCalls(
            context.pool,
            {
              ...(state !== undefined && state !== 'ended' && { state }),
              ...(connection !== undefined && { connection }),
              ...(text !== undefined && { text }),
              ...(before !== undefined && { before: new Date(before) }),
            },
            limit,
          );
      const seen = found.filter((call) => maySee(call, identity, context.viewers));
      const last = found.at(-1);
      return {
        approvals: seen.map(shown),
        // Those that wait are listed whole, but for more than anybody reads.
        next: !waiting && found.length === limit && last ? last.createdAt.toISOString() : null,
      };
    },
  }),
  showApproval: endpoint({
    id: 'showApproval',
    method: 'GET',
    path: '/approvals/{id}',
    summary: 'One approval request, whole.',
    permission: null,
    params: idParam,
    query: none,
    body: null,
    status: 200,
    response: schema.approval,
    run: async ({ params, identity, context }) => shown(await callFor(context, params.id, identity)),
  }),
  listAlike: endpoint({
    id: 'listAlike',
    method: 'GET',
    path: '/approvals/{id}/alike',
    summary:
      'The requests that wait and are like one in all but their arguments, itself included. Each is decided on by itself.',
    permission: null,
    params: idParam,
    query: none,
    body: null,
    status: 200,
    response: schema.alike,
    async run({ params, identity, context }) {
      const call: ShownCall = await callFor(context, params.id, identity);
      const pending = await pendingCalls(context.pool, mostPending);
      const seen = pending.filter((one) => maySee(one, identity, context.viewers));
      return { approvals: alike(call, seen, context.now()).map(shown) };
    },
  }),
};
