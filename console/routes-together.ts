import type { FastifyInstance } from 'fastify';
import { pendingCalls, type ShownCall } from '../db/held-calls-shown.ts';
import { ApiProblem } from './api/endpoint.ts';
import { operations } from './api/operations.ts';
import type { ConsoleContext, Visit } from './deps.ts';
import { findCall } from './find-call.ts';
import type { Identity } from './identity.ts';
import { act, filled, sentence } from './page-acts.ts';
import { togetherPage, type TogetherView } from './pages/together.ts';
import { formOf } from './requests.ts';
import { maySee } from './sight.ts';
import { visitOf } from './sign-in.ts';
import { standingOf } from './standing.ts';
import { alike } from './together.ts';

const pendingLimit = 500;
const longestReason = 1000;

type Form = Readonly<Record<string, string | undefined>>;

/** Similar calls that wait, decided on together: each call that was ticked by a vote of its own. */
export function togetherRoutes(app: FastifyInstance, context: ConsoleContext): void {
  const page = async (
    visit: Visit,
    first: ShownCall,
    done: Partial<Pick<TogetherView, 'told' | 'problem' | 'typed'>> = {},
  ): Promise<string> => {
    const now = context.now();
    const pending = await pendingCalls(context.pool, pendingLimit);
    const seen = pending.filter((call) => maySee(call, visit.identity, context.viewers));
    const calls = alike(first, seen, now).map((call) => ({
      call,
      standing: standingOf(call, visit.identity),
    }));
    const view = { first, calls, told: [], problem: null, typed: { reason: '', tool: '' }, now };
    return togetherPage({ ...view, ...done }, visit).toString();
  };

  app.get<{ Params: { id: string } }>('/together/:id', async (request, reply) => {
    const visit = visitOf(request);
    const first = await findCall(context, request.params.id, visit.identity);
    reply.type('text/html');
    // Where the call that the address names was decided, the others are found by it all the same.
    return page(visit, await stillWaiting(context, first, visit.identity));
  });

  app.post<{ Params: { id: string } }>('/together/:id', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    const first = await findCall(context, request.params.id, visit.identity);
    const done = await decideOnAll(context, visit, first, form);
    reply.code(done.status).type('text/html');
    return page(visit, await stillWaiting(context, first, visit.identity), done);
  });
}

/** A call like the given one that waits, where the given one does not any more. */
async function stillWaiting(
  context: ConsoleContext,
  first: ShownCall,
  identity: Identity,
): Promise<ShownCall> {
  if (first.state === 'pending') return first;
  const now = context.now();
  const waits = { ...first, state: 'pending' as const, votes: [], expiresAt: new Date(now.getTime() + 1) };
  const pending = await pendingCalls(context.pool, pendingLimit);
  const seen = pending.filter((call) => maySee(call, identity, context.viewers));
  return alike(waits, seen, now)[0] ?? first;
}

interface Done {
  readonly status: number;
  readonly told: TogetherView['told'];
  readonly problem: string | null;
  readonly typed: TogetherView['typed'];
}

async function decideOnAll(
  context: ConsoleContext,
  visit: Visit,
  first: ShownCall,
  form: Form,
): Promise<Done> {
  const typed = { reason: form['reason'] ?? '', tool: form['tool'] ?? '' };
  const stay = (status: number, problem: string): Done => ({ status, told: [], problem, typed });
  const wrong = mistakeIn(form, first, typed);
  if (wrong !== null) return stay(422, wrong);
  const ticked = tickedIn(form);
  const decision = form['decision'] === 'deny' ? 'deny' : 'approve';
  const body = { decision, tool: typed.tool, reason: filled(typed.reason) };
  const told = await Promise.all(
    ticked.map(([callId, digest]) => decideOnOne(context, visit, callId, { ...body, digest })),
  );
  const status = told.every(({ counted }) => counted) ? 200 : 409;
  return { status, told, problem: null, typed: { reason: '', tool: '' } };
}

function tickedIn(form: Form): readonly (readonly [callId: string, digest: string])[] {
  return Object.entries(form).flatMap(([name, digest]) =>
    name.startsWith('call-') && digest !== undefined ? [[name.slice('call-'.length), digest] as const] : [],
  );
}

function mistakeIn(form: Form, first: ShownCall, { reason, tool }: TogetherView['typed']): string | null {
  const { decision } = form;
  if (decision !== 'approve' && decision !== 'deny') return 'Choose Deny or Approve.';
  if (tickedIn(form).length === 0) return 'Tick the calls that you decide on.';
  if (decision === 'deny' && reason.trim() === '')
    return 'Say why you deny them: the agent reads the reason.';
  if (reason.length > longestReason) return `A reason has at most ${longestReason} characters.`;
  if (decision === 'approve' && first.stepUp) return 'Approving these takes a proof for each: open it alone.';
  if (decision === 'approve' && first.risk === 'critical' && tool.trim() !== first.tool.trim())
    return 'These calls are critical: to approve them, type the tool’s name exactly.';
  return null;
}

/** One call of those that were ticked: a decision of its own, bound to what was shown of it. */
async function decideOnOne(
  context: ConsoleContext,
  visit: Visit,
  callId: string,
  body: Readonly<Record<string, unknown>>,
): Promise<TogetherView['told'][number]> {
  try {
    const { counted, text } = await act(context, visit, operations.decide, { params: { id: callId }, body });
    return { callId, counted, text };
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    return { callId, counted: false, text: sentence(error.message) };
  }
}
