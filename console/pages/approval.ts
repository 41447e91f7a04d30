import type { ShownCall } from '../../db/held-calls-shown.ts';
import { extensionsLeft, type Told } from '../answer.ts';
import type { ShownGrant } from '../../db/grants.ts';
import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import { jsonView } from '../json-view.ts';
import { freshSignIn } from '../step-up.ts';
import { lackingWords, quorumWords, stepUpWords } from '../../workflows/quorum.ts';
import { missingFor, phaseOf, type Standing } from '../standing.ts';
import { visible, visibleText } from '../visible.ts';
import { grantFields, grantOf, helps, taskOf } from './helps.ts';
import { layout } from './layout.ts';
import { moment, riskBadge, span, stateBadge, states, timeLeft, voteLine, whatRuns } from './words.ts';

/** What the page shows besides the call. */
export interface ApprovalView {
  readonly call: ShownCall;
  readonly standing: Standing;
  /** Whether the person may replay the session that the call belongs to. */
  readonly replay: boolean;
  /** What the workflow answered to the act that led here. */
  readonly told: Html | null;
  /** What was typed when the form came back incomplete. */
  readonly typed: { readonly reason: string; readonly tool: string };
  /** The grant that was given with the call, or under which it ran. */
  readonly grant: ShownGrant | null;
  /** Whether the person is among those who may say what became of it. */
  readonly mayJudge: boolean;
  readonly now: Date;
  readonly version: string;
}

/** One approval request: who, what, exactly which arguments, why it was held, votes, time left; then the decision. */
export function approvalPage(view: ApprovalView, visit: Visit): Html {
  const { call, now } = view;
  const phase = phaseOf(call, now);
  const open = phase === 'pending';
  return layout({
    title: `${visibleText(call.tool)} on ${visibleText(call.connection)}: ${states[phase][1]}`,
    visit,
    here: 'approvals',
    scripts: ['live.js', ...(call.stepUp ? ['passkey.js'] : [])],
    body: html`<p class="back"><a href="/">All approvals</a></p>
<h1>${whatRuns(call)}</h1>
<p id="live-note" class="faint" role="status" data-live="/live/${encodeURIComponent(call.callId)}" data-version="${view.version}"></p>
${view.told}
<div data-part="status">${status(call, now)}</div>
${whoAsks(call)}
${exactArguments(call)}
${whyHeld(call)}
${open ? helps(call.context) : null}
<div data-part="outcome">${taskOf(call, view.mayJudge, visit, now)}${grantOf(call, view.grant, visit)}</div>
<div data-part="decision" data-open="${open ? 'yes' : 'no'}">${votes(call)}
${open ? decision(view, visit) : null}</div>
${proof(call, view.replay)}`,
  });
}

function status(call: ShownCall, now: Date): Html {
  const phase = phaseOf(call, now);
  return html`<div class="status state-edge-${phase}"><p>${stateBadge(phase)} ${riskBadge(call.risk)} ${
    phase === 'pending' &&
    (call.clockStoppedAt === null ? timeLeft(call.expiresAt, now) : 'The clock stands still.')
  }</p>
<p>${phase === 'pending' && call.votes.length > 0 ? `It still waits for ${lackingWords(missingFor(call))}. Nothing has been sent to the server.` : states[phase][2]}</p>
${call.endedBecause !== null && html`<p class="ended">${visible(call.endedBecause)}</p>`}
${
  call.endedAt !== null &&
  html`<p class="faint">Ended ${moment(call.endedAt)}${call.executingAt !== null && html`, ${span(call.endedAt.getTime() - call.executingAt.getTime())} after it was sent`}.</p>`
}</div>`;
}

function whoAsks(call: ShownCall): Html {
  const { caller } = call;
  return html`<section aria-labelledby="who"><h2 id="who">Who asks</h2>
<dl class="facts">
<div><dt>For</dt><dd><strong>${visible(caller.subject)}</strong>${caller.name !== null && html` (${visible(caller.name)})`}${caller.email !== null && html`, ${visible(caller.email)}`}</dd></div>
<div><dt>By</dt><dd>${caller.client === null ? 'a client that gave no name' : visible(caller.client)}${
    caller.client?.startsWith('mcp:') &&
    html` <span class="faint">(the client’s own word, not verified)</span>`
  }${caller.actors.length > 0 && html`, acting through ${caller.actors.map((actor) => html`<code>${visible(actor)}</code> `)}`}</dd></div>
<div><dt>Identity</dt><dd><code>${visible(caller.key)}</code></dd></div>
${
  call.intent !== null &&
  html`<div><dt>Says it is for</dt><dd><q>${visible(call.intent)}</q> <span class="faint">(the agent’s own words, not verified)</span></dd></div>`
}<div><dt>Asked</dt><dd>${moment(call.createdAt)}</dd></div>
</dl></section>`;
}

function exactArguments(call: ShownCall): Html {
  return html`<section aria-labelledby="what"><h2 id="what">What will run</h2>
<dl class="facts">
<div><dt>Tool</dt><dd><code>${visible(call.tool)}</code></dd></div>
<div><dt>Server</dt><dd><code>${visible(call.connection)}</code></dd></div>
<div><dt>Request</dt><dd><code>${visible(call.method)}</code></dd></div>
</dl>
<h3 id="arguments">Arguments, whole</h3>
<div class="arguments" role="group" aria-labelledby="arguments">${jsonView(call.shownArgs)}</div>
<p class="faint legend">Shown exactly and in full. <mark class="masked">[masked:…]</mark> stands for a value that was masked before it was stored; the server gets the original. <span class="control">U+…</span> stands for a character that cannot be seen, <span class="newline">↵</span> for a line end.</p>
<details><summary>As JSON text</summary><pre class="string">${visible(call.shownArgs)}</pre></details>
</section>`;
}

function whyHeld(call: ShownCall): Html {
  return html`<section aria-labelledby="why"><h2 id="why">Why it was held</h2>
<dl class="facts">
<div><dt>Rule</dt><dd><code>${visible(call.rule)}</code></dd></div>
<div><dt>Reason</dt><dd>${call.reason === null ? 'The rule gives none.' : visible(call.reason)}</dd></div>
<div><dt>Approvers</dt><dd>${call.approvers.map((group, index) => html`${index > 0 ? ', ' : null}${visible(group.name)}`)}; ${
    call.approvalsNeeded === 1 && call.quorum?.kind !== 'any'
      ? 'one approval is enough'
      : html`${quorumWords(call.quorum ?? { kind: 'together', approvals: call.approvalsNeeded })}, each by another person`
  }, one denial ends it</dd></div>
</dl></section>`;
}

function votes(call: ShownCall): Html {
  return html`<section aria-labelledby="votes"><h2 id="votes">Decisions</h2>
${
  call.votes.length === 0
    ? html`<p>Nobody has decided${call.state === 'pending' ? ' yet' : null}.</p>`
    : html`<ol class="votes">${call.votes.map((vote) => html`<li>${voteLine(vote)}</li>`)}</ol>`
}
${call.extensions.map(
  ({ person, byMs, via, atMs }) =>
    html`<p class="faint">Extended by ${span(byMs)} by ${visible(person.name)} (${visible(via)}), ${moment(new Date(atMs))}.</p>`,
)}
</section>`;
}

function decision({ call, standing, typed }: ApprovalView, visit: Visit): Html {
  if (!standing.may)
    return html`<section aria-labelledby="decide"><h2 id="decide">Your decision</h2><p>${standing.because}</p></section>`;
  const action = `/approvals/${encodeURIComponent(call.callId)}`;
  const hidden = html`<input type="hidden" name="csrf" value="${visit.csrf}"><input type="hidden" name="digest" value="${call.digest}">`;
  return html`<section aria-labelledby="decide" class="decide"><h2 id="decide">Your decision</h2>
<p class="faint">You decide as <strong>${visible(visit.identity.person.name)}</strong>, for ${standing.groups.join(', ')}. It binds exactly what is shown above.</p>
<div class="forms">
<form method="post" action="${action}" class="stack">${hidden}
<label for="reason">Reason to deny (the agent reads it)</label>
<textarea id="reason" name="reason" rows="2" required maxlength="1000" data-keep>${typed.reason}</textarea>
<label for="bounds">Within what would it be fine? For example: at most 100 rows (the agent reads it, optional)</label>
<input id="bounds" name="bounds" maxlength="200" autocomplete="off" data-keep>
<button class="deny" type="submit" name="decision" value="deny">Deny</button>
</form>
<form method="post" action="${action}" class="stack"${call.stepUp === 'passkey' && html` data-passkey="approve" data-call="${call.callId}"`}>${hidden}
${call.stepUp && html`<p class="label" role="note" data-passkey-note>Approving it takes ${stepUpWords(call.stepUp)}. <a href="${call.stepUp === 'login' ? freshSignIn(visit, action) : '/passkeys'}">${call.stepUp === 'login' ? 'Sign in again' : 'Your passkeys'}</a></p>`}
${
  call.risk === 'critical'
    ? html`<label for="tool">This is critical. To approve, type the tool’s name: <code>${visible(call.tool)}</code></label>
<input id="tool" name="tool" required autocomplete="off" autocapitalize="off" spellcheck="false" value="${typed.tool}" data-keep>`
    : html`<p class="label">To run it once, exactly as shown:</p>`
}
${grantFields(call)}
<button class="approve" type="submit" name="decision" value="approve">Approve</button>
</form>
${
  call.extension !== null &&
  extensionsLeft(call) > 0 &&
  html`<form method="post" action="${action}" class="stack">${hidden}
<p class="label">To give everybody more time:</p>
<button class="quiet" type="submit" name="decision" value="extend">Extend by ${span(call.extension.byMs)}</button>
</form>`
}
</div></section>`;
}

function proof(call: ShownCall, replay: boolean): Html {
  const session = html`<code>${visible(call.sessionId)}</code>`;
  return html`<section aria-labelledby="bound"><details><summary id="bound">What a decision is bound to</summary>
<dl class="facts">
<div><dt>Approval id</dt><dd><code>${call.callId}</code></dd></div>
<div><dt>Digest</dt><dd><code>${call.digest}</code></dd></div>
<div><dt>Policy</dt><dd><code>${call.policyVersion}</code></dd></div>
<div><dt>Tool definition</dt><dd><code>${call.definitionHash ?? 'not known'}</code></dd></div>
<div><dt>Expires</dt><dd>${moment(call.expiresAt)}</dd></div>
<div><dt>Workflow</dt><dd><code>${visible(call.workflowId)}</code></dd></div>
<div><dt>Session</dt><dd>${replay ? html`<a href="/sessions/${encodeURIComponent(call.sessionId)}">${session}</a>` : session}</dd></div>
</dl></details></section>`;
}

/** What the workflow answered; nothing here is assumed. */
export function toldBy({ counted, text }: Told): Html {
  return counted
    ? html`<div class="told counted" role="status"><p><strong>Your decision counted.</strong> ${visible(text)}</p></div>`
    : html`<div class="told refused" role="alert"><p><strong>Your decision did not count.</strong> ${visible(text)}</p></div>`;
}
