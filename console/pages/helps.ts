import type { CallContext, Changes } from '../../db/held-context.ts';
import type { ShownCall } from '../../db/held-calls-shown.ts';
import type { ShownGrant } from '../../db/grants.ts';
import type { UnknownTask } from '../../db/unknown-tasks.ts';
import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import { visible } from '../visible.ts';
import { moment, span } from './words.ts';

/** What helps to decide on a call; none of it is what runs. */
export function helps(context: CallContext | null): Html | null {
  if (!context) return null;
  const { resubmits, previous, unclear, history, preview, recent } = context;
  return html`<section aria-labelledby="helps"><h2 id="helps">What helps to decide</h2>
${unclear && html`<p class="told refused"><strong>It may have happened already.</strong> The <a href="${page(unclear.callId)}">identical call</a> of ${moment(unclear.atMs)} was sent and never answered.</p>`}
${
  resubmits &&
  html`<p><strong>It follows a <a href="${page(resubmits.callId)}">denied call</a>.</strong> ${visible(resubmits.by ?? 'An approver')} denied it${resubmits.reason !== null && html`: <q>${visible(resubmits.reason)}</q>`}${resubmits.bounds !== null && html` Allowed bounds: <q>${visible(resubmits.bounds)}</q>`}</p>
${changes('What changed since', resubmits.changes)}`
}
${previous && changes(html`What changed since the <a href="${page(previous.callId)}">last approved call</a> of this tool in the session`, previous.changes)}
${
  preview &&
  html`<h3>Preview by <code>${visible(preview.tool)}</code></h3>
<p class="faint">What the server said when the call was held, masked${preview.leftOut > 0 && html`; ${preview.leftOut} characters left out at the end`}.</p>
${preview.ok ? html`<pre class="string">${visible(preview.text)}</pre>` : html`<p>No preview: ${visible(preview.text)}</p>`}`
}
<dl class="facts">
<div><dt>Such calls before</dt><dd>${history.approved} approved, ${history.denied} denied for this caller in ${history.days} days</dd></div>
${recent.length > 0 && html`<div><dt>Before it in the session</dt><dd>${recent.map(({ tool, verdict }, index) => html`${index > 0 ? ', ' : null}<code>${visible(tool)}</code> (${verdict})`)}</dd></div>`}
</dl></section>`;
}

function page(callId: string): string {
  return `/approvals/${encodeURIComponent(callId)}`;
}

function changes(title: string | Html, { list, more }: Changes): Html {
  return html`<h3>${title}</h3>
${
  list.length === 0
    ? html`<p>Nothing.</p>`
    : html`<div class="scroll" tabindex="0" role="group" aria-label="Changes, a table"><table><thead><tr><th scope="col">Argument</th><th scope="col">Before</th><th scope="col">Now</th></tr></thead>
<tbody>${list.map(({ path, before, after }) => html`<tr><td><code>${visible(path === '' ? 'all' : path)}</code></td><td>${value(before)}</td><td>${value(after)}</td></tr>`)}</tbody></table></div>
${more > 0 && html`<p class="faint">and ${more} more</p>`}`
}`;
}

function value(text: string | null): Html {
  return text === null ? html`<span class="faint">nothing</span>` : html`<code>${visible(text)}</code>`;
}

/** Fields of the form to approve, where policy offers a grant. */
export function grantFields({ grantOffer }: ShownCall): Html | null {
  if (!grantOffer) return null;
  const { calls, forMs, scope, where } = grantOffer;
  return html`<details><summary>And allow further calls like it…</summary>
<p class="faint">Without anybody being asked: same tool, same caller${scope === 'session' ? ', this session' : null}${where.map((text) => html`, <code>${visible(text)}</code>`)}. Every use is counted, and any approver can revoke it.</p>
<label for="calls">Further calls (at most ${calls})</label>
<input id="calls" name="calls" type="number" min="0" max="${calls}" value="0" data-keep>
<label for="minutes">For how many minutes (at most ${Math.floor(forMs / 60_000)})</label>
<input id="minutes" name="minutes" type="number" min="0.1" step="any" max="${forMs / 60_000}" value="${Math.min(5, forMs / 60_000)}" data-keep></details>`;
}

/** The grant that was given with a call, or under which it ran. */
export function grantOf(call: ShownCall, grant: ShownGrant | null, visit: Visit): Html | null {
  if (call.grantId !== null && grant)
    return html`<section aria-labelledby="grant"><h2 id="grant">Grant</h2>
<p>It ran without being asked about, under the grant <a href="/grants"><code>${grant.grantId}</code></a> that ${visible(grant.givenBy.join(', '))} gave with <a href="${page(grant.callId)}">an earlier call</a>.</p></section>`;
  return (
    grant &&
    html`<section aria-labelledby="grant"><h2 id="grant">Grant</h2>${grantLine(grant, visit, page(call.callId))}</section>`
  );
}

/** How a grant stands, with a button to end it. @param back where the form leads back to */
export function grantLine(grant: ShownGrant, visit: Visit, back: string): Html {
  const { grantId, used, calls, open, expiresAt, revokedAt, revokedBy, givenBy, terms } = grant;
  return html`<p><strong>${used} of ${calls} further calls used</strong>, given by ${visible(givenBy.join(', '))}; ${
    open
      ? html`covers calls until ${moment(expiresAt)}`
      : revokedAt === null
        ? 'over'
        : html`revoked by ${visible(revokedBy?.name ?? 'an approver')} at ${moment(revokedAt)}`
  }.${terms.where.map((text) => html` <code>${visible(text)}</code>`)}</p>
${
  open &&
  html`<form method="post" action="/grants/${encodeURIComponent(grantId)}/revoke"><input type="hidden" name="csrf" value="${visit.csrf}"><input type="hidden" name="back" value="${back}">
<button class="deny" type="submit">Revoke</button></form>`
}`;
}

/** What somebody has to find out about a call that was sent and never answered. */
export function taskOf(call: ShownCall, mayJudge: boolean, visit: Visit, now: Date): Html | null {
  const { task } = call;
  if (!task) return null;
  if (task.mark !== null)
    return html`<section aria-labelledby="outcome"><h2 id="outcome">What became of it</h2>
<p><strong>${task.mark === 'happened' ? 'It happened.' : 'It did not happen.'}</strong> ${visible(task.markedBy ?? 'An approver')} wrote it down${task.markedAt !== null && html` at ${moment(Date.parse(task.markedAt))}`}: <q>${visible(task.reason ?? '')}</q></p></section>`;
  return html`<section aria-labelledby="outcome"><h2 id="outcome">What became of it?</h2>
<p>Nobody knows: it was sent ${span(now.getTime() - Date.parse(task.openedAt))} ago, and no answer came. ${task.takenBy === null ? 'Nobody looks into it yet.' : html`<strong>${visible(task.takenBy)}</strong> looks into it.`}</p>
${readBackOf(task)}
${mayJudge ? judging(call.callId, task, visit) : html`<p>Only those who may decide on this call can say.</p>`}</section>`;
}

function readBackOf({ shown, readBack }: UnknownTask): Html | null {
  if (readBack === 'wanted' || readBack === 'running')
    return html`<p role="status">The server is being asked…</p>`;
  return (
    shown &&
    html`<h3>Read-back${shown.tool !== '' && html` by <code>${visible(shown.tool)}</code>`}</h3>
${shown.ok ? html`<pre class="string">${visible(shown.text)}</pre>` : html`<p>${visible(shown.text)}</p>`}`
  );
}

function judging(callId: string, { readBack }: UnknownTask, visit: Visit): Html {
  const csrf = html`<input type="hidden" name="csrf" value="${visit.csrf}">`;
  return html`<form method="post" action="${page(callId)}/outcome" class="stack">${csrf}
<label for="know">How do you know? (recorded for good; the agent is told; nothing is sent again)</label>
<textarea id="know" name="reason" rows="2" maxlength="1000" data-keep></textarea>
<div class="forms"><button type="submit" name="act" value="happened">It happened</button>
<button type="submit" name="act" value="did-not-happen">It did not happen</button>
<button class="quiet" type="submit" name="act" value="take">I look into it</button>
${readBack === 'done' && html`<button class="quiet" type="submit" name="act" value="read-back">Ask the server again</button>`}</div>
</form>`;
}
