import type { z } from 'zod';
import type { ShownCall } from '../db/held-calls-shown.ts';
import type { StepUp } from '../policy/verdict.ts';
import { stepUpWords } from '../workflows/quorum.ts';
import { ApiProblem } from './api/endpoint.ts';
import { operations } from './api/operations.ts';
import type { approval } from './api/schemas-approvals.ts';
import { longestBounds } from './choice.ts';
import type { ConsoleContext, Visit } from './deps.ts';
import { html, type Html } from './html.ts';
import { act, filled, sentence } from './page-acts.ts';
import { toldBy } from './pages/approval.ts';
import { freshSignIn } from './step-up.ts';
import { visible } from './visible.ts';

/** What to show after somebody pressed a button. */
export interface Decided {
  readonly status: number;
  readonly told: Html;
  readonly typed: { readonly reason: string; readonly tool: string };
  /** The votes on it, as the workflow has counted them; none when nothing was decided. */
  readonly votes: ShownCall['votes'];
}

type Form = Readonly<Record<string, string | undefined>>;

const longestReason = 1000;

/**
 * Carries out a posted decision, and tells what the workflow answered. Deciding here is never assumed to have worked.
 */
export async function decideOn(
  context: ConsoleContext,
  visit: Visit,
  call: ShownCall,
  form: Form,
): Promise<Decided> {
  const typed = { reason: form['reason'] ?? '', tool: form['tool'] ?? '' };
  const wrong = mistakeIn(form);
  if (wrong !== null) return { status: 422, told: refused(wrong), typed, votes: [] };
  try {
    const done = await decided(context, visit, call, form);
    const empty = { reason: '', tool: '' };
    const votes = votesIn(done.approval, visit);
    return { status: done.counted ? 200 : 409, told: toldBy(done), typed: empty, votes };
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    // What is wrong in a form is no malformed request.
    const status = error.code === 'bad_request' ? 422 : error.status;
    return { status, told: told(error, visit, call), typed, votes: [] };
  }
}

function decided(context: ConsoleContext, visit: Visit, call: ShownCall, form: Form) {
  const params = { id: call.callId };
  const { decision, digest = '', minutes } = form;
  if (decision === 'extend') return act(context, visit, operations.extend, { params, body: { digest } });
  const [calls, bounds] = [filled(form['calls']), filled(form['bounds'])];
  const further = decision === 'approve' && calls !== undefined && calls !== '0';
  const body = {
    decision,
    digest,
    tool: form['tool'],
    reason: filled(form['reason']),
    passkey: filled(form['passkey']),
    ...(decision === 'deny' && { bounds }),
    ...(further && { grant: { calls: Number(calls), minutes: Number(minutes) } }),
  };
  return act(context, visit, operations.decide, { params, body });
}

/** Decisions as a page shows them: who somebody is, is known of whoever looks. */
function votesIn({ decisions }: z.output<typeof approval>, { identity }: Visit): ShownCall['votes'] {
  const { name: own, keys } = identity.person;
  return decisions.map(({ name, decision, reason, via, at }) => ({
    jws: '',
    person: { name, keys: name === own ? keys : [] },
    decision,
    reason,
    via,
    atMs: Date.parse(at),
  }));
}

function told(problem: ApiProblem, visit: Visit, { callId, stepUp }: ShownCall): Html {
  if (problem.code === 'unauthorized') return signInAgain(problem.message, callId);
  if (problem.code === 'step_up' && stepUp)
    return proveFirst(stepUp, freshSignIn(visit, `/approvals/${callId}`));
  return problem.code === 'unavailable' ? unanswered() : refused(sentence(problem.message));
}

function mistakeIn({ decision, reason = '', bounds = '', calls = '', minutes }: Form): string | null {
  if (decision !== 'approve' && decision !== 'deny' && decision !== 'extend')
    return 'Choose Deny or Approve.';
  if (decision === 'deny' && reason.trim() === '') return 'Say why you deny it: the agent reads the reason.';
  if (reason.length > longestReason) return `A reason has at most ${longestReason} characters.`;
  if (bounds.trim().length > longestBounds) return `Bounds have at most ${longestBounds} characters.`;
  const numbers = [calls.trim() === '' ? '0' : calls, minutes ?? '5'].map(Number);
  return decision === 'approve' && numbers.some((number) => !(number >= 0 && number < 1e6))
    ? 'Further calls and minutes are numbers.'
    : null;
}

function refused(why: string): Html {
  return html`<div class="told refused" role="alert"><p><strong>Nothing was decided.</strong> ${visible(why)}</p></div>`;
}

function signInAgain(why: string, callId: string): Html {
  return html`<div class="told refused" role="alert"><p><strong>Nothing was decided.</strong> ${why}</p>
<p><a class="button" href="/login/start?to=${encodeURIComponent(`/approvals/${callId}`)}">Sign in again</a></p></div>`;
}

function proveFirst(asked: StepUp, signIn: string): Html {
  const help =
    asked === 'login'
      ? html`<a class="button" href="${signIn}">Sign in again</a>`
      : html`<a class="button" href="/passkeys">Your passkeys</a>`;
  return html`<div class="told refused" role="alert"><p><strong>Nothing was decided.</strong> Approving this call takes ${stepUpWords(asked)}.</p>
<p>${help}</p></div>`;
}

function unanswered(): Html {
  return html`<div class="told refused" role="alert"><p><strong>There was no answer.</strong> Your decision may or may not have counted. Look at the state below, and decide again if the request still waits: a decision never counts twice.</p></div>`;
}
