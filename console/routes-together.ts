import type { FastifyInstance } from 'fastify';
import { pendingCalls, shownCall, type ShownCall } from '../db/held-calls-shown.ts';
import { tell, voteOf } from './answer.ts';
import type { ConsoleContext, Visit } from './deps.ts';
import { findCall } from './find-call.ts';
import type { Identity } from './identity.ts';
import { togetherPage, type TogetherView } from './pages/together.ts';
import { formOf } from './requests.ts';
import { may } from './roles.ts';
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
  const again = await context.login.lookAgain(visit, context);
  if ('signInAgain' in again) return stay(401, again.signInAgain);
  if (!may(again.identity, context.roles, 'requests.decide'))
    return stay(403, 'Deciding takes the role approver, which you do not have.');
  const ticked = tickedIn(form);
  const decision = form['decision'] === 'deny' ? 'deny' : 'approve';
  const reason = typed.reason.trim() === '' ? null : typed.reason.trim();
  const told = await Promise.all(
    ticked.map(([callId, digest]) =>
      decideOnOne(context, again.identity, { callId, digest, like: first, decision, reason }),
    ),
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

/** One call of those that were ticked: looked up, compared with what was shown, and voted on. */
async function decideOnOne(
  context: ConsoleContext,
  identity: Identity,
  act: {
    callId: string;
    digest: string;
    like: ShownCall;
    decision: 'approve' | 'deny';
    reason: string | null;
  },
): Promise<TogetherView['told'][number]> {
  const { callId, digest, like, decision, reason } = act;
  const not = (text: string) => ({ callId, counted: false, text });
  const call = await shownCall(context.pool, callId);
  if (!call || !maySee(call, identity, context.viewers)) return not('There is no such request for you.');
  if (digest !== call.digest) return not('The form was made for other content than this request has.');
  const standing = standingOf(call, identity);
  if (!standing.may && call.state === 'pending') return not(standing.because);
  // What was asked for (a typed name, a proof) was asked for the calls that were shown.
  const typed = like.risk === 'critical' && call.tool === like.tool;
  if (decision === 'approve' && (call.stepUp || (call.risk === 'critical' && !typed)))
    return not('Approving it takes more than this form asked for: open it alone.');
  const groups = standing.may ? standing.groups : [];
  try {
    const answer = await context.approvals.decide(
      voteOf(call, identity, { decision, reason, groups }, 'console'),
    );
    return { callId, ...tell(answer, (await shownCall(context.pool, callId)) ?? call) };
  } catch (error) {
    context.log.error({ err: error, callId }, 'no answer to a decision');
    return not('There was no answer. Decide again if it still waits: a decision never counts twice.');
  }
}
