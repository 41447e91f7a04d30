import { setTimeout as sleep } from 'node:timers/promises';
import { type ShownCall, shownCall } from '../../db/held-calls-shown.ts';
import { stepUpWords } from '../../workflows/quorum.ts';
import { extensionOf, tell, tellExtended, voteOf } from '../answer.ts';
import { saidOf } from '../choice.ts';
import type { ActContext } from '../deps.ts';
import type { Identity } from '../identity.ts';
import { isRequester, standingOf } from '../standing.ts';
import { type ApiCaller, ApiProblem, endpoint } from './endpoint.ts';
import * as schema from './schemas-approvals.ts';
import { idParam, none, told } from './schemas.ts';
import { callFor, shown } from './shown-call.ts';

const caughtUpWithinMs = 2_000;
const cancelledWithinMs = 10_000;
const askEveryMs = 50;

/** Deciding on a request, giving it more time, and withdrawing it. */
export const deciding = {
  decide: endpoint({
    id: 'decide',
    method: 'POST',
    path: '/approvals/{id}/decision',
    summary: 'Approves or denies. Whether it counted is in the answer; a decision never counts twice.',
    permission: 'requests.decide',
    params: idParam,
    query: none,
    body: schema.decisionBody,
    status: 200,
    response: schema.decided,
    async run({ params, body, identity, caller, context }) {
      // What they were shown they may be told about, whatever they belong to by now.
      const call = await callFor(context, params.id, caller.identity);
      const { decision, bounds = '', grant } = body;
      const reason = body.reason?.trim() ?? null;
      refuseMistakes(call, { ...body, reason });
      const said = saidOf(call, decision, {
        bounds,
        calls: grant ? String(grant.calls) : '',
        minutes: grant ? String(grant.minutes) : '',
      });
      if (typeof said === 'string') throw new ApiProblem('invalid', said);
      const groups = groupsFor(call, identity);
      const proof = await proofOf(call, caller, body);
      const act = { decision, reason, groups, ...said, ...(proof && { proof }) };
      const answer = await answered(context, call, () =>
        context.approvals.decide(voteOf(call, identity, act, caller.via)),
      );
      const votes = answer.kind === 'ended' ? [] : (answer.status?.votes ?? []);
      const after = await caughtUp(context, call, (now) => now.votes.length >= votes.length);
      // The row may still be behind: what the workflow has counted, counts.
      const now = votes.length > after.votes.length ? { ...after, votes } : after;
      return { ...tell(answer, after), approval: shown(now) };
    },
  }),
  extend: endpoint({
    id: 'extend',
    method: 'POST',
    path: '/approvals/{id}/extension',
    summary: 'Gives everybody more time to decide, where policy allows.',
    permission: 'requests.decide',
    again: 'Asking again may give more time once more: look at the request first (holdpoint approvals show)',
    params: idParam,
    query: none,
    body: schema.digestBody,
    status: 200,
    response: schema.decided,
    async run({ params, body, identity, caller, context }) {
      const call = await callFor(context, params.id, caller.identity);
      if (body.digest !== call.digest) throw otherContent();
      const groups = groupsFor(call, identity);
      const answer = await answered(context, call, () =>
        context.approvals.extend(extensionOf(call, identity, groups, caller.via)),
      );
      const counted = answer.kind === 'counted';
      const after = await caughtUp(
        context,
        call,
        (now) => !counted || now.extensions.length > call.extensions.length,
      );
      return { ...tellExtended(answer, after), approval: shown(after) };
    },
  }),
  cancel: endpoint({
    id: 'cancel',
    method: 'POST',
    path: '/approvals/{id}/cancellation',
    summary: 'Withdraws a request that waits: by whoever asked, or may decide on it.',
    permission: null,
    params: idParam,
    query: none,
    body: schema.cancelBody,
    status: 200,
    response: told,
    async run({ params, body, identity, caller, context }) {
      const call = await callFor(context, params.id, caller.identity);
      const standing = standingOf(call, identity);
      const own = isRequester(call, identity.person.keys);
      if (!standing.may && !own && call.votes.length === 0)
        throw new ApiProblem('forbidden', standing.because);
      if (call.state !== 'pending')
        return { done: false, text: `Nothing to cancel: the request is ${call.state}.` };
      const because = body.reason ? `: ${context.maskText(body.reason)}` : '';
      await answered(context, call, () =>
        context.approvals.cancel(call.workflowId, `${identity.person.name} withdrew it${because}`),
      );
      const { state } = await caughtUp(context, call, (now) => now.state !== 'pending', cancelledWithinMs);
      if (state === 'cancelled') return { done: true, text: 'Cancelled.' };
      return {
        done: false,
        text:
          state === 'pending' ? 'Asked to cancel, but it has not happened yet.' : `Not cancelled: ${state}.`,
      };
    },
  }),
};

function refuseMistakes(
  call: ShownCall,
  {
    decision,
    digest,
    reason,
    tool,
  }: { decision: string; digest: string; reason: string | null; tool?: string | undefined },
): void {
  if (digest !== call.digest) throw otherContent();
  if (decision === 'deny' && reason === null)
    throw new ApiProblem('invalid', 'denying needs a reason: the agent reads it');
  if (decision === 'approve' && call.risk === 'critical' && tool?.trim() !== call.tool.trim())
    throw new ApiProblem(
      'invalid',
      'this request is critical: approving it needs the exact name of its tool',
    );
}

function otherContent(): ApiProblem {
  return new ApiProblem('conflict', 'the digest is of other content than this request has: read it again');
}

/** What has ended is left to the workflow to refuse, since it knows who decided and when. @throws ApiProblem */
function groupsFor(call: ShownCall, identity: Identity): readonly string[] {
  const standing = standingOf(call, identity);
  if (!standing.may && call.state === 'pending') throw new ApiProblem('forbidden', standing.because);
  return standing.may ? standing.groups : [];
}

async function proofOf(
  call: ShownCall,
  caller: ApiCaller,
  { decision, passkey }: { decision: string; passkey?: string | undefined },
) {
  if (decision !== 'approve' || !call.stepUp) return null;
  const proof = await caller.proofFor(call, passkey);
  if (proof) return proof;
  throw new ApiProblem(
    'step_up',
    `approving this request takes ${stepUpWords(call.stepUp)}: open it on the console`,
  );
}

/** @throws ApiProblem when nobody knows whether it counted */
async function answered<T>({ log }: ActContext, call: ShownCall, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    log.error({ err: cause, callId: call.callId }, 'no answer to a decision');
    throw new ApiProblem(
      'unavailable',
      'there was no answer: your decision may or may not have counted. Sending it again is safe',
      { cause },
    );
  }
}

/** The row follows what the workflow answered within moments: it is waited for, a little. */
async function caughtUp(
  { pool }: ActContext,
  call: ShownCall,
  is: (now: ShownCall) => boolean,
  withinMs = caughtUpWithinMs,
): Promise<ShownCall> {
  for (const untilMs = Date.now() + withinMs; ; ) {
    const now = (await shownCall(pool, call.callId)) ?? call;
    if (is(now) || Date.now() >= untilMs) return now;
    await sleep(askEveryMs);
  }
}
