import type { ShownCall } from '../../db/held-calls-shown.ts';
import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import { jsonView } from '../json-view.ts';
import { stepUpWords } from '../../workflows/quorum.ts';
import type { Standing } from '../standing.ts';
import { visible, visibleText } from '../visible.ts';
import { layout } from './layout.ts';
import { riskBadge, timeLeft, whatRuns } from './words.ts';

/** Several similar calls, and what the person may do about each. */
export interface TogetherView {
  readonly first: ShownCall;
  readonly calls: readonly { readonly call: ShownCall; readonly standing: Standing }[];
  /** What became of each call that was decided on just now. */
  readonly told: readonly { readonly callId: string; readonly counted: boolean; readonly text: string }[];
  /** Why nothing was decided at all; null when nothing stood in the way. */
  readonly problem: string | null;
  readonly typed: { readonly reason: string; readonly tool: string };
  readonly now: Date;
}

/** Similar calls that wait, each whole, to be decided on together or one by one. */
export function togetherPage(view: TogetherView, visit: Visit): Html {
  const { first, calls, now } = view;
  const mine = calls.filter(({ standing }) => standing.may);
  return layout({
    title: `${calls.length} calls of ${visibleText(first.tool)} on ${visibleText(first.connection)}`,
    visit,
    here: 'approvals',
    scripts: [],
    body: html`<p class="back"><a href="/">All approvals</a></p>
<h1>${calls.length === 1 ? 'One call waits' : html`${calls.length} calls wait`}: ${whatRuns(first)}</h1>
${outcome(view)}
<p>${riskBadge(first.risk)} For <strong>${visible(first.caller.subject)}</strong>, held by rule <code>${visible(first.rule)}</code>${first.reason !== null && html`: ${visible(first.reason)}`}. They are of one session and alike but for what is shown below.</p>
${calls.length === 0 ? html`<p>None of them waits any more.</p>` : null}
<form method="post" action="/together/${encodeURIComponent(first.callId)}" class="stack"><input type="hidden" name="csrf" value="${visit.csrf}">
${calls.map(({ call, standing }, index) => one(call, standing, { nth: index + 1, of: calls.length, now }))}
${mine.length > 0 && decision(view, mine.length, visit)}
</form>`,
  });
}

function one(
  call: ShownCall,
  standing: Standing,
  { nth, of, now }: { nth: number; of: number; now: Date },
): Html {
  const id = `call-${call.callId}`;
  return html`<section class="alike risk-edge-${call.risk}" aria-labelledby="of-${call.callId}">
<h2 id="of-${call.callId}">${
    standing.may
      ? html`<input type="checkbox" id="${id}" name="${id}" value="${call.digest}" checked> <label for="${id}">${nth} of ${of}</label>`
      : html`${nth} of ${of}`
  } ${timeLeft(call.expiresAt, now)} <a href="/approvals/${encodeURIComponent(call.callId)}">alone</a></h2>
${call.context?.unclear && html`<p class="told refused"><strong>It may have happened already.</strong> The <a href="/approvals/${encodeURIComponent(call.context.unclear.callId)}">identical call</a> was sent and never answered.</p>`}
${call.intent !== null && html`<p>Says it is for <q>${visible(call.intent)}</q> <span class="faint">(the agent’s own words, not verified)</span></p>`}
<div class="arguments" role="group" aria-label="Arguments of call ${nth}, whole">${jsonView(call.shownArgs)}</div>
${call.votes.length > 0 && html`<p>${call.votes.length} of ${call.approvalsNeeded} approvals: ${call.votes.map((vote, index) => html`${index > 0 ? ', ' : null}${visible(vote.person.name)}`)}</p>`}
${!standing.may && html`<p class="faint">${standing.because}</p>`}
<p class="faint">Digest <code>${call.digest}</code></p></section>`;
}

function decision({ first, typed }: TogetherView, count: number, visit: Visit): Html {
  return html`<section aria-labelledby="decide" class="decide"><h2 id="decide">Your decision</h2>
<p class="faint">You decide as <strong>${visible(visit.identity.person.name)}</strong> on the calls that are ticked, and on no other: each decision is signed for itself and binds exactly what is shown above.</p>
<div class="forms"><div class="stack">
<label for="reason">Reason to deny (the agent reads it)</label>
<textarea id="reason" name="reason" rows="2" maxlength="1000">${typed.reason}</textarea>
<button class="deny" type="submit" name="decision" value="deny">Deny ${count === 1 ? 'it' : 'those that are ticked'}</button>
</div><div class="stack">${
    first.stepUp
      ? html`<p class="label" role="note">Approving each takes ${stepUpWords(first.stepUp)}: open it alone.</p>`
      : html`${
          first.risk === 'critical'
            ? html`<label for="tool">These are critical. To approve, type the tool’s name: <code>${visible(first.tool)}</code></label>
<input id="tool" name="tool" autocomplete="off" autocapitalize="off" spellcheck="false" value="${typed.tool}">`
            : html`<p class="label">To run each once, exactly as shown:</p>`
        }<button class="approve" type="submit" name="decision" value="approve">Approve ${count === 1 ? 'it' : 'those that are ticked'}</button>`
  }</div></div></section>`;
}

function outcome({ told, problem }: TogetherView): Html | null {
  if (problem !== null)
    return html`<div class="told refused" role="alert"><p><strong>Nothing was decided.</strong> ${visible(problem)}</p></div>`;
  if (told.length === 0) return null;
  const counted = told.filter((each) => each.counted).length;
  return html`<div class="told ${counted === told.length ? 'counted' : 'refused'}" role="${counted === told.length ? 'status' : 'alert'}">
<p><strong>Your decision counted for ${counted} of ${told.length} calls.</strong></p>
<ul>${told.map(({ callId, text }) => html`<li><a href="/approvals/${encodeURIComponent(callId)}"><code>${callId}</code></a>: ${visible(text)}</li>`)}</ul></div>`;
}
