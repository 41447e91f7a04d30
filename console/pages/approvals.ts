import { heldStates, type ShownCall, type ShownFilter } from '../../db/held-calls-shown.ts';
import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import { visible } from '../visible.ts';
import { layout } from './layout.ts';
import { phaseOf } from '../standing.ts';
import { groupedAlike, type Together } from '../together.ts';
import { moment, riskBadge, stateBadge, states, timeLeft, whatRuns } from './words.ts';

const endedStates = heldStates.filter((state) => state !== 'pending');

/** What the list shows. */
export interface ApprovalsList {
  readonly pending: readonly ShownCall[];
  /** Calls of which nobody knows what became of them, and the person may say. */
  readonly unjudged: readonly ShownCall[];
  readonly recent: readonly ShownCall[];
  readonly filter: ShownFilter;
  /** Address of the next page of recent calls; null on the last. */
  readonly next: string | null;
  readonly now: Date;
  readonly version: string;
}

/** Waiting requests, soonest expiry first, then those that have ended. */
export function approvalsPage(list: ApprovalsList, visit: Visit): Html {
  const { pending } = list;
  return layout({
    title: pending.length > 0 ? `${pending.length} waiting` : 'Approvals',
    visit,
    here: 'approvals',
    scripts: ['live.js'],
    body: html`<h1>Approvals</h1>
<p id="live-note" class="faint" role="status" data-live="/live" data-version="${list.version}"></p>
<section aria-labelledby="waiting" data-part="waiting">
<h2 id="waiting">Waiting <span class="count">${pending.length}</span></h2>
${pending.length === 0 ? noneWaiting() : html`<ul class="cards">${groupedAlike(pending, list.now).map((group) => (group.length > 1 ? together(group, list.now) : card(group[0], list.now)))}</ul>`}
</section>
<div data-part="unjudged">${list.unjudged.length > 0 && unjudged(list)}</div>
<section aria-labelledby="recent">
<h2 id="recent">Ended</h2>
${filters(list.filter)}
<div data-part="recent">${list.recent.length === 0 ? noneRecent(list.filter) : recentTable(list)}</div>
</section>`,
  });
}

function noneWaiting(): Html {
  return html`<div class="empty"><p><strong>Nothing waits for a decision.</strong></p>
<p>When an agent makes a call that policy holds, it appears here, and the agent waits. Make one by calling a tool that a rule with <code>then: hold</code> matches.</p></div>`;
}

function card(call: ShownCall, now: Date): Html {
  return html`<li class="card risk-edge-${call.risk}">
<a href="/approvals/${encodeURIComponent(call.callId)}" data-item>
<span class="card-title">${whatRuns(call)}</span>
<span class="card-facts">${phaseOf(call, now) !== 'pending' && stateBadge(phaseOf(call, now))} ${riskBadge(call.risk)} ${timeLeft(call.expiresAt, now)}</span>
<span class="card-line">for <strong>${visible(call.caller.subject)}</strong>${call.caller.client !== null && html` by ${visible(call.caller.client)}`}, held by rule <code>${visible(call.rule)}</code>${
    call.approvalsNeeded > 1 && html`, ${call.votes.length} of ${call.approvalsNeeded} approvals`
  }</span>
</a></li>`;
}

/** Calls that are alike stand together, with a way to decide on them at once and on each alone. */
function together(group: Together, now: Date): Html {
  const [first] = group;
  return html`<li class="card risk-edge-${first.risk}">
<a href="/together/${encodeURIComponent(first.callId)}" data-item>
<span class="card-title">${group.length} calls alike: ${whatRuns(first)}</span>
<span class="card-facts">${riskBadge(first.risk)} ${timeLeft(first.expiresAt, now)}</span>
<span class="card-line">for <strong>${visible(first.caller.subject)}</strong>${first.caller.client !== null && html` by ${visible(first.caller.client)}`}, held by rule <code>${visible(first.rule)}</code></span>
</a><p class="card-line">Each alone: ${group.map(
    (call, index) =>
      html`${index > 0 ? ', ' : null}<a href="/approvals/${encodeURIComponent(call.callId)}" data-item>${index + 1} of ${group.length}</a>`,
  )}</p></li>`;
}

/** What somebody has to find out, for those who may say. */
function unjudged({ unjudged: calls, now }: ApprovalsList): Html {
  return html`<section aria-labelledby="unjudged"><h2 id="unjudged">Nobody knows what became of <span class="count">${calls.length}</span></h2>
<ul class="cards">${calls.map(
    (call) => html`<li class="card risk-edge-${call.risk}">
<a href="/approvals/${encodeURIComponent(call.callId)}" data-item>
<span class="card-title">${whatRuns(call)}</span>
<span class="card-facts">${stateBadge(phaseOf(call, now))} ${riskBadge(call.risk)}</span>
<span class="card-line">sent for <strong>${visible(call.caller.subject)}</strong> and never answered${call.endedAt !== null && html`, ${moment(call.endedAt)}`}; ${
      call.task?.takenBy
        ? html`<strong>${visible(call.task.takenBy)}</strong> looks into it`
        : 'nobody looks into it yet'
    }. Find out, and say what became of it.</span>
</a></li>`,
  )}</ul></section>`;
}

function filters(filter: ShownFilter): Html {
  return html`<form method="get" action="/" class="filters" role="search" aria-label="Ended requests">
<label>State <select name="state"><option value="">any</option>${endedStates.map(
    (state) =>
      html`<option value="${state}"${filter.state === state ? html` selected` : null}>${states[state][1]}</option>`,
  )}</select></label>
<label>Connection <input name="connection" value="${filter.connection ?? ''}" autocomplete="off" spellcheck="false"></label>
<label>Tool, person, rule or id <input type="search" name="text" value="${filter.text ?? ''}" autocomplete="off" spellcheck="false" data-search></label>
<button type="submit">Filter</button>
${(filter.state ?? filter.connection ?? filter.text) !== undefined && html`<a href="/">Show all</a>`}
</form>`;
}

function noneRecent(filter: ShownFilter): Html {
  return (filter.state ?? filter.connection ?? filter.text ?? filter.before) === undefined
    ? html`<div class="empty"><p>No request has ended yet.</p></div>`
    : html`<div class="empty"><p>No request matches this filter.</p><p><a href="/">Show all</a></p></div>`;
}

function recentTable(list: ApprovalsList): Html {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Ended requests, a table"><table>
<thead><tr><th scope="col">State</th><th scope="col">Call</th><th scope="col">For</th><th scope="col">Decided by</th><th scope="col">Ended</th></tr></thead>
<tbody>${list.recent.map(
    (call) => html`<tr>
<td>${stateBadge(phaseOf(call, list.now))}</td>
<td><a href="/approvals/${encodeURIComponent(call.callId)}" data-item>${whatRuns(call)}</a></td>
<td>${visible(call.caller.subject)}</td>
<td>${call.votes.length === 0 ? '–' : call.votes.map((vote, index) => html`${index > 0 ? ', ' : null}${visible(vote.person.name)}`)}</td>
<td>${call.endedAt === null ? '–' : moment(call.endedAt)}</td></tr>`,
  )}</tbody></table></div>
${list.next !== null && html`<p><a class="button" href="${list.next}">Older</a></p>`}`;
}
