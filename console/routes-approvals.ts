import type { FastifyInstance, FastifyReply } from 'fastify';
import {
  callsVersion,
  type HeldState,
  pendingCalls,
  recentCalls,
  shownCall,
  type ShownCall,
  type ShownFilter,
  unjudgedShown,
} from '../db/held-calls-shown.ts';
import { shownGrant } from '../db/grants.ts';
import { decideOn } from './decision.ts';
import type { ConsoleContext } from './deps.ts';
import { findCall } from './find-call.ts';
import type { Identity } from './identity.ts';
import { approvalPage, type ApprovalView } from './pages/approval.ts';
import { approvalsPage } from './pages/approvals.ts';
import { states } from './pages/words.ts';
import { formOf } from './requests.ts';
import { mayJudge } from './api/outcomes.ts';
import { isAuditor, maySee } from './sight.ts';
import { phaseOf, standingOf } from './standing.ts';
import { visitOf } from './sign-in.ts';

const pendingLimit = 500;
const recentLimit = 50;

/** The list of approval requests, one request, and deciding on it. */
export function approvalRoutes(app: FastifyInstance, context: ConsoleContext): void {
  app.get<{ Querystring: Record<string, unknown> }>('/', async (request, reply) => {
    const filter = filterOf(request.query);
    const [pending, unjudged, recent, version] = await Promise.all([
      pendingCalls(context.pool, pendingLimit),
      unjudgedShown(context.pool, pendingLimit),
      recentCalls(context.pool, filter, recentLimit + 1),
      callsVersion(context.pool),
    ]);
    const visit = visitOf(request);
    const seen = (calls: readonly ShownCall[]): ShownCall[] =>
      calls.filter((call) => maySee(call, visit.identity, context.viewers));
    const next = recent.length > recentLimit ? olderThan(filter, recent[recentLimit - 1]) : null;
    const list = {
      pending: seen(pending),
      unjudged: unjudged.filter((call) => mayJudge(call, visit.identity)),
      recent: seen(recent.slice(0, recentLimit)),
      filter,
      next,
      now: context.now(),
      version,
    };
    return send(reply, 200, approvalsPage(list, visit));
  });

  app.get<{ Params: { id: string } }>('/approvals/:id', async (request, reply) => {
    const visit = visitOf(request);
    const call = await findCall(context, request.params.id, visit.identity);
    return send(reply, 200, approvalPage(await viewOf(context, call, visit.identity), visit));
  });

  app.post<{ Params: { id: string } }>('/approvals/:id', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    const call = await findCall(context, request.params.id, visit.identity);
    const { status, told, typed, votes } = await decideOn(context, visit, call, form);
    const row = (await shownCall(context.pool, call.callId)) ?? call;
    const after = votes.length > row.votes.length ? { ...row, votes } : row;
    return send(
      reply,
      status,
      approvalPage({ ...(await viewOf(context, after, visit.identity)), told, typed }, visit),
    );
  });
}

async function viewOf(context: ConsoleContext, call: ShownCall, identity: Identity): Promise<ApprovalView> {
  const now = context.now();
  return {
    call,
    standing: standingOf(call, identity),
    replay: context.recordings !== null && isAuditor(identity, context.auditors),
    grant: await shownGrant(context.pool, call.grantId ?? call.callId),
    mayJudge: mayJudge(call, identity),
    told: null,
    typed: { reason: '', tool: '' },
    now,
    version: callVersion(call, now),
  };
}

/** Changes whenever the page of a call would show something else than the time left. */
export function callVersion(call: ShownCall, now: Date): string {
  return [
    call.state,
    call.votes.length,
    call.extensions.length,
    call.escalated,
    call.task?.mark ?? call.task?.readBack ?? '',
    call.endedAt?.toISOString() ?? '',
    phaseOf(call, now),
  ].join(':');
}

function filterOf(query: Record<string, unknown>): ShownFilter {
  const text = (name: string): string | undefined => {
    const value = query[name];
    return typeof value === 'string' && value.trim() !== '' && value.length <= 200 ? value.trim() : undefined;
  };
  const state = text('state');
  const connection = text('connection');
  const words = text('text');
  const before = new Date(text('before') ?? '');
  return {
    ...(state !== undefined && Object.hasOwn(states, state) && { state: state as HeldState }),
    ...(connection !== undefined && { connection }),
    ...(words !== undefined && { text: words }),
    ...(!Number.isNaN(before.getTime()) && { before }),
  };
}

function olderThan(filter: ShownFilter, last: ShownCall | undefined): string | null {
  if (!last) return null;
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) if (typeof value === 'string') query.set(name, value);
  query.set('before', last.createdAt.toISOString());
  return `/?${query.toString()}`;
}

function send(reply: FastifyReply, status: number, page: { toString(): string }): string {
  reply.code(status).type('text/html');
  return page.toString();
}
