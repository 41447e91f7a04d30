import { type ShownCall, shownCall } from '../db/held-calls-shown.ts';
import type { StepUp } from '../policy/verdict.ts';
import type { Decision } from '../workflows/contract.ts';
import { extensionOf, tell, tellExtended, voteOf } from './answer.ts';
import { saidOf } from './choice.ts';
import type { ConsoleContext, Visit } from './deps.ts';
import { html, type Html } from './html.ts';
import type { Identity } from './identity.ts';
import { toldBy } from './pages/approval.ts';
import { may } from './roles.ts';
import { standingOf } from './standing.ts';
import { stepUpWords } from '../workflows/quorum.ts';
import { freshSignIn, proofFor } from './step-up.ts';
import { visible } from './visible.ts';

/** What to show after somebody pressed a button. */
export interface Decided {
  readonly status: number;
  readonly told: Html;
  /** The person as they were looked up for this act. */
  readonly identity: Identity;
  /** The votes that counted, as the workflow answered; none when it did not. */
  readonly votes: ShownCall['votes'];
  readonly typed: { readonly reason: string; readonly tool: string };
}

const longestReason = 1000;

/**
 * Carries out a posted decision: looks the person up again, checks the form, signs and sends the vote, and tells what
 * the workflow answered. Deciding here is never assumed to have worked.
 */
export async function decideOn(
  context: ConsoleContext,
  visit: Visit,
  call: ShownCall,
  form: Readonly<Record<string, string | undefined>>,
): Promise<Decided> {
  const typed = { reason: form['reason'] ?? '', tool: form['tool'] ?? '' };
  const stay = (status: number, told: Html, identity = visit.identity): Decided => ({
    status,
    told,
    identity,
    typed,
    votes: [],
  });
  const wrong = mistakeIn(form, call);
  if (wrong !== null) return stay(422, refused(wrong));
  const said = saidOf(call, form['decision'] === 'deny' ? 'deny' : 'approve', {
    bounds: form['bounds'] ?? '',
    calls: form['calls'] ?? '',
    minutes: form['minutes'] ?? '',
  });
  if (typeof said === 'string') return stay(422, refused(said));
  const again = await context.login.lookAgain(visit, context);
  if ('signInAgain' in again) return stay(401, signInAgain(again.signInAgain, call.callId));
  const { identity } = again;
  if (!may(identity, context.roles, 'requests.decide'))
    return stay(403, refused('Deciding takes the role approver, which you do not have.'), identity);
  const standing = standingOf(call, identity);
  // What has ended is left to the workflow to refuse, since it knows who decided and when.
  const groups = standing.may ? standing.groups : [];
  if (!standing.may && call.state === 'pending') return stay(403, refused(standing.because), identity);
  if (form['decision'] === 'extend') return extend(context, call, identity, groups);
  const decision = form['decision'] as Decision;
  const reason = typed.reason.trim() === '' ? null : typed.reason.trim();
  const asked = decision === 'approve' && call.stepUp ? call.stepUp : null;
  const proof = asked ? await proofFor(context, visit, call, form['passkey']) : null;
  if (asked && !proof)
    return stay(403, proveFirst(asked, freshSignIn(visit, `/approvals/${call.callId}`)), identity);
  try {
    const answer = await context.approvals.decide(
      voteOf(call, identity, { decision, reason, groups, ...said, ...(proof && { proof }) }, 'console'),
    );
    const told = tell(answer, (await shownCall(context.pool, call.callId)) ?? call);
    return {
      status: told.counted ? 200 : 409,
      told: toldBy(told),
      identity,
      votes: answer.kind === 'ended' ? [] : (answer.status?.votes ?? []),
      typed: { reason: '', tool: '' },
    };
  } catch (error) {
    context.log.error({ err: error, callId: call.callId }, 'no answer to a decision');
    return stay(503, unanswered(), identity);
  }
}

/** More time for a request that waits; nothing about what would run changes. */
async function extend(
  context: ConsoleContext,
  call: ShownCall,
  identity: Identity,
  groups: readonly string[],
): Promise<Decided> {
  const typed = { reason: '', tool: '' };
  try {
    const answer = await context.approvals.extend(extensionOf(call, identity, groups, 'console'));
    const told = tellExtended(answer, (await shownCall(context.pool, call.callId)) ?? call);
    return { status: told.counted ? 200 : 409, told: toldBy(told), identity, typed, votes: [] };
  } catch (error) {
    context.log.error({ err: error, callId: call.callId }, 'no answer to an extension');
    return { status: 503, told: unanswered(), identity, typed, votes: [] };
  }
}

function mistakeIn(form: Readonly<Record<string, string | undefined>>, call: ShownCall): string | null {
  const { decision, digest, reason = '', tool = '' } = form;
  if (decision !== 'approve' && decision !== 'deny' && decision !== 'extend')
    return 'Choose Deny or Approve.';
  if (digest !== call.digest)
    return 'The form was made for other content than this request has. Read it again.';
  if (decision === 'deny' && reason.trim() === '') return 'Say why you deny it: the agent reads the reason.';
  if (reason.length > longestReason) return `A reason has at most ${longestReason} characters.`;
  if (decision === 'approve' && call.risk === 'critical' && tool.trim() !== call.tool.trim())
    return 'This call is critical: to approve it, type the tool’s name exactly.';
  return null;
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
