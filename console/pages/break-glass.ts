import type { z } from 'zod';
import type { openedCopy } from '../api/schemas-recordings.ts';
import { mostMinutes, usualMinutes } from '../break-glass.ts';
import { type BreakGlass, says } from '../break-glass-request.ts';
import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import { jsonView } from '../json-view.ts';
import type { BreakGlassStanding } from '../routes-break-glass.ts';
import { visible } from '../visible.ts';
import { layout } from './layout.ts';
import { sessionAddress } from './sessions.ts';
import { moment, timeLeft } from './words.ts';

/** A copy as it was opened. */
export type Copy = z.output<typeof openedCopy>;

const words = {
  waiting: ['◷', 'waits for a second person', 'pending'],
  open: ['▹', 'open', 'executing'],
  refused: ['✕', 'refused', 'denied'],
  revoked: ['–', 'revoked', 'cancelled'],
  over: ['◔', 'over', 'expired'],
} as const;

/** The requests, and the form to make one. */
export function breakGlassPage(
  requests: readonly BreakGlass[],
  asking: { readonly session: string; readonly call: string; readonly mayAsk: boolean },
  visit: Visit,
): Html {
  return layout({
    title: 'Break-glass',
    visit,
    here: 'sessions',
    scripts: ['live.js'],
    body: html`<h1>Break-glass</h1>
<p>What masking took out is kept for some connections as a second copy, sealed to a key that no gateway holds. It is opened for one person, for a limited time, once another person has agreed. Asking, agreeing and each look are recorded in the signed log.</p>
${asking.mayAsk && askForm(asking, visit)}
<section aria-labelledby="requests"><h2 id="requests">Requests</h2>${
      requests.length === 0
        ? html`<div class="empty"><p>Nobody has asked for anything to be opened.</p></div>`
        : table(requests)
    }</section>`,
  });
}

function askForm({ session, call }: { session: string; call: string }, visit: Visit): Html {
  return html`<section aria-labelledby="ask"><h2 id="ask">Ask for something to be opened</h2>
<form method="post" action="/break-glass" class="stack">
<input type="hidden" name="csrf" value="${visit.csrf}">
<label for="session">Session</label>
<input id="session" name="session" value="${session}" required maxlength="300" autocomplete="off" spellcheck="false">
<label for="call">Call (left out: every call of the session)</label>
<input id="call" name="call" value="${call}" maxlength="300" autocomplete="off" spellcheck="false">
<label for="reason">Why (recorded, and shown to who agrees)</label>
<textarea id="reason" name="reason" rows="2" maxlength="1000" required></textarea>
<label for="minutes">For how many minutes</label>
<input id="minutes" name="minutes" type="number" min="1" max="${mostMinutes}" value="${usualMinutes}" required>
<button type="submit">Ask</button>
</form></section>`;
}

function table(requests: readonly BreakGlass[]): Html {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Break-glass requests, a table"><table>
<thead><tr><th scope="col">Asked</th><th scope="col">By</th><th scope="col">What</th><th scope="col">Why</th><th scope="col">State</th></tr></thead>
<tbody>${requests.map(
    (request) => html`<tr>
<td><a href="/break-glass/${request.requestId}" data-item>${moment(request.atMs)}</a></td>
<td>${visible(request.person.name)}</td>
<td>${what(request)}</td>
<td>${visible(request.reason)}</td>
<td>${badge(request)}</td></tr>`,
  )}</tbody></table></div>`;
}

function badge({ state }: BreakGlass): Html {
  const [symbol, word, look] = words[state];
  return html`<span class="badge state-${look}"><span aria-hidden="true">${symbol}</span> ${word}</span>`;
}

function what({ sessionId, callId }: BreakGlass): Html {
  const session = html`session <a href="${sessionAddress(sessionId)}"><code>${visible(sessionId)}</code></a>`;
  return callId === null ? html`all of ${session}` : html`call <code>${visible(callId)}</code> of ${session}`;
}

/** One request: what is asked, by whom and why; then what the person looking may do. */
export function requestPage(request: BreakGlass, standing: BreakGlassStanding, visit: Visit): Html {
  return layout({
    title: 'Break-glass request',
    visit,
    here: 'sessions',
    scripts: ['live.js'],
    body: html`<p class="back"><a href="/break-glass">All requests</a></p>
<h1>${visible(request.person.name)} asks for what masking took out</h1>
${facts(request)}
${acts(request, standing, visit)}`,
  });
}

function facts(request: BreakGlass): Html {
  const { person, reason, minutes, answer, untilMs, atMs, requestId } = request;
  return html`<p>${badge(request)}${untilMs !== null && html` ${timeLeft(new Date(untilMs), new Date())}`}</p>
<dl class="facts">
<div><dt>What</dt><dd>${what(request)}</dd></div>
<div><dt>Why</dt><dd>${visible(reason)}</dd></div>
<div><dt>Asked</dt><dd>${moment(atMs)} by <strong>${visible(person.name)}</strong> <code>${visible(person.keys[0] ?? '')}</code></dd></div>
<div><dt>For</dt><dd>${minutes} minutes from when somebody agrees</dd></div>
${answer && html`<div><dt>Answer</dt><dd><strong>${visible(answer.person.name)}</strong> ${answer.act === 'agree' ? 'agreed' : 'refused'}, ${moment(answer.atMs)}</dd></div>`}
<div><dt>Id</dt><dd><code>${requestId}</code></dd></div>
</dl>`;
}

function acts(request: BreakGlass, standing: BreakGlassStanding, visit: Visit): Html {
  const { mayAnswer, mayRevoke, mayView, hasKey } = standing;
  const form = (inside: Html): Html =>
    html`<form method="post" action="/break-glass/${request.requestId}" class="stack"><input type="hidden" name="csrf" value="${visit.csrf}">${inside}</form>`;
  const asked = html`<strong>${visible(visit.identity.person.name)}</strong>`;
  if (!mayAnswer && !mayRevoke && !mayView)
    return html`<p class="faint">There is nothing for ${asked} to do: ${says(request)}.</p>`;
  return html`<section aria-labelledby="acts" class="decide"><h2 id="acts">What you may do</h2>
${mayAnswer && html`<p class="faint">You answer as ${asked}. If you agree, ${visible(request.person.name)} sees secrets and personal data in clear for ${request.minutes} minutes.</p>${form(html`<button class="deny" type="submit" name="act" value="refuse">Refuse</button><button class="approve" type="submit" name="act" value="agree">Agree</button>`)}`}
${
  mayView &&
  (hasKey
    ? html`<p class="faint">It opens for ${asked} alone. Each look is recorded, with the time.</p>${form(html`<button type="submit" name="act" value="view">Show what was masked</button>`)}`
    : html`<p>This console does not hold the key. Look with <code>holdpoint break-glass view ${request.requestId} --key FILE</code>.</p>`)
}
${mayRevoke && mayView && html`<p class="faint">You need not wait for the time to be over.</p>`}${mayRevoke && form(html`<button class="quiet" type="submit" name="act" value="revoke">${request.state === 'open' ? 'Close it now' : 'Withdraw it'}</button>`)}
</section>`;
}

const directions = {
  'client-to-upstream': ['→', 'from the client'],
  'upstream-to-client': ['←', 'from the server'],
  none: ['·', 'Holdpoint'],
} as const;

/** What was masked, in clear. */
export function openedPage(
  request: BreakGlass,
  { copies, whole }: { readonly copies: readonly Copy[]; readonly whole: boolean },
  visit: Visit,
): Html {
  return layout({
    title: 'What was masked',
    visit,
    here: 'sessions',
    scripts: ['live.js'],
    body: html`<p class="back"><a href="/break-glass/${request.requestId}">The request</a></p>
<h1>What was masked</h1>
<div class="told refused" role="alert"><p><strong>In clear.</strong> These messages hold what masking took out. That you look at them is recorded. ${says(request)}.</p></div>
${facts(request)}
${copies.length === 0 && html`<div class="empty"><p>No sealed copies are kept of it: masking took nothing out, or the connection kept no copies at the time.</p></div>`}
<ol class="event-list">${copies.map(copyItem)}</ol>
${!whole && html`<p>There is more than fits on a page. Ask for a single call, or look with <code>holdpoint break-glass view ${request.requestId}</code>.</p>`}`,
  });
}

function copyItem({ at, direction, method, tool, callId, text }: Copy): Html {
  const [arrow, from] = directions[direction];
  return html`<li class="event"><details open><summary>${moment(Date.parse(at))} <span aria-hidden="true">${arrow}</span><span class="hidden">${from}:</span> <strong>${visible(method ?? 'reply')}</strong>${tool !== null && html` <code>${visible(tool)}</code>`}${callId !== null && html` <span class="faint">call <code>${visible(callId)}</code></span>`}</summary>
<div class="event-body">${
    text === null
      ? html`<p class="trouble">This copy was sealed to another key than the one that is here.</p>`
      : html`<div class="arguments">${jsonView(text)}</div>`
  }</div></details></li>`;
}
