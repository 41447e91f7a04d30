import { pendingCalls, recentCalls, type ShownCall, shownCall } from '../../db/held-calls-shown.ts';
import { tell, voteOf } from '../answer.ts';
import type { ConsoleContext } from '../deps.ts';
import type { Identity } from '../identity.ts';
import { maySee } from '../sight.ts';
import { standingOf } from '../standing.ts';
import { stepUpWords } from '../../workflows/quorum.ts';
import { ApiProblem, endpoint, type ApiRequest } from './endpoint.ts';
import * as schema from './schemas.ts';

/** Approval requests: those that somebody may see, and deciding on one. */
export const approvalEndpoints = [
  endpoint({
    id: 'listApprovals',
    method: 'GET',
    path: '/approvals',
    summary: 'Approval requests that you may see: those that wait, or with `state` any, latest first.',
    permission: null,
    params: schema.none,
    query: schema.approvalsQuery,
    body: null,
    status: 200,
    response: schema.approvals,
    async run({ query, caller, context }) {
      const { limit, before, ...filter } = query;
      const found =
        query.state === undefined && before === undefined && !filter.connection && !filter.text
          ? await pendingCalls(context.pool, limit)
          : await recentCalls(
              context.pool,
              { ...filterOf(filter), ...(before !== undefined && { before: new Date(before) }) },
              limit,
            );
      const seen = found.filter((call) => maySee(call, caller.identity, context.viewers));
      const last = found.at(-1);
      return {
        approvals: seen.map(shown),
        next: found.length === limit && last ? last.createdAt.toISOString() : null,
      };
    },
  }),
  endpoint({
    id: 'showApproval',
    method: 'GET',
    path: '/approvals/{id}',
    summary: 'One approval request, whole.',
    permission: null,
    params: schema.idParam,
    query: schema.none,
    body: null,
    status: 200,
    response: schema.approval,
    run: async ({ params, caller, context }) => shown(await found(context, params.id, caller.identity)),
  }),
  endpoint({
    id: 'decide',
    method: 'POST',
    path: '/approvals/{id}/decision',
    summary: 'Approves or denies. Whether it counted is in the answer; a decision never counts twice.',
    permission: 'requests.decide',
    params: schema.idParam,
    query: schema.none,
    body: schema.decisionBody,
    status: 200,
    response: schema.decided,
    run: decide,
  }),
];

function filterOf(filter: {
  readonly state?: ShownCall['state'] | undefined;
  readonly connection?: string | undefined;
  readonly text?: string | undefined;
}) {
  const { state, connection, text } = filter;
  return {
    ...(state !== undefined && { state }),
    ...(connection !== undefined && { connection }),
    ...(text !== undefined && { text }),
  };
}

async function found(context: ConsoleContext, id: string, identity: Identity): Promise<ShownCall> {
  const call = await shownCall(context.pool, id);
  if (call && maySee(call, identity, context.viewers)) return call;
  // One answer for both, so that ids tell nothing.
  throw new ApiProblem('not_found', 'there is no approval request of this id that you may see');
}

interface DecisionBody {
  readonly decision: 'approve' | 'deny';
  readonly reason?: string | undefined;
  readonly digest: string;
  readonly tool?: string | undefined;
}

async function decide({
  params,
  body,
  caller,
  context,
}: ApiRequest<{ id: string }, unknown, DecisionBody>): Promise<{
  counted: boolean;
  text: string;
  approval: ReturnType<typeof shown>;
}> {
  const call = await found(context, params.id, caller.identity);
  const { decision, digest, tool } = body;
  const reason = body.reason?.trim() ?? null;
  if (digest !== call.digest)
    throw new ApiProblem('conflict', 'the digest is of other content than this request has: read it again');
  if (decision === 'deny' && reason === null)
    throw new ApiProblem('invalid', 'denying needs a reason: the agent reads it');
  if (decision === 'approve' && call.risk === 'critical' && tool !== call.tool)
    throw new ApiProblem(
      'invalid',
      'this request is critical: approving it needs the exact name of its tool',
    );
  if (decision === 'approve' && call.stepUp)
    throw new ApiProblem(
      'forbidden',
      `approving this request takes ${stepUpWords(call.stepUp)}: open it on the console`,
    );
  const identity = await lookedAgain(context, caller);
  const standing = standingOf(call, identity);
  if (!standing.may && call.state === 'pending') throw new ApiProblem('forbidden', standing.because);
  const groups = standing.may ? standing.groups : [];
  const answer = await context.approvals
    .decide(voteOf(call, identity, { decision, reason, groups }, caller.via))
    .catch((cause: unknown) => {
      context.log.error({ err: cause, callId: call.callId }, 'no answer to a decision');
      throw new ApiProblem(
        'unavailable',
        'there was no answer: your decision may or may not have counted. Sending it again is safe',
        { cause },
      );
    });
  const after = (await shownCall(context.pool, call.callId)) ?? call;
  return { ...tell(answer, after), approval: shown(after) };
}

/** A browser's person is looked up anew before each act; a token's was, when the request came. */
export async function lookedAgain(
  context: ConsoleContext,
  { identity, visit }: ApiRequest<unknown, unknown, unknown>['caller'],
): Promise<Identity> {
  if (!visit) return identity;
  const again = await context.login.lookAgain(visit, context);
  if ('signInAgain' in again) throw new ApiProblem('unauthorized', again.signInAgain);
  return again.identity;
}

function shown(call: ShownCall) {
  return {
    id: call.callId,
    state: call.state,
    connection: call.connection,
    method: call.method,
    tool: call.tool,
    subject: call.caller.subject,
    client: call.caller.client,
    rule: call.rule,
    reason: call.reason,
    risk: call.risk,
    policyVersion: call.policyVersion,
    digest: call.digest,
    argumentsJson: call.shownArgs,
    approvers: call.approvers.map(({ name }) => name),
    approvalsNeeded: call.approvalsNeeded,
    decisions: call.votes.map(({ person, decision, reason, via, atMs }) => ({
      name: person.name,
      decision,
      reason,
      via,
      at: new Date(atMs).toISOString(),
    })),
    createdAt: call.createdAt.toISOString(),
    expiresAt: call.expiresAt.toISOString(),
    endedAt: call.endedAt?.toISOString() ?? null,
    endedBecause: call.endedBecause,
  };
}
