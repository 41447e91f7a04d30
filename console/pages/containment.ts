import type { InFlight, Revocation } from '../../db/revocations.ts';
import { revocationKinds } from '../../db/revocations.ts';
import type { Revoked } from '../../db/revoke.ts';
import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import { visible } from '../visible.ts';
import { layout } from './layout.ts';
import { moment } from './words.ts';

/** What was answered to a revocation. */
export type Answered = Omit<Revoked, 'revocation'> & {
  readonly revocation: Pick<Revocation, 'kind' | 'value'>;
};

/** What the page of containment shows. */
export interface ContainmentView {
  readonly revocations: readonly Revocation[];
  /** Whether the person may revoke and lift. */
  readonly mayAct: boolean;
  readonly done: Answered | null;
  /** Why nothing was done. */
  readonly refused: string | null;
}

const kindWords: Readonly<Record<InFlight['kind'], string>> = {
  waiting: 'held call cancelled, never sent',
  running: 'approved call aborted while it ran: look what it did',
  request: 'request cut',
  stream: 'stream cut',
};

/** What is revoked, by whom and why; cutting something off, and letting it in again. */
export function containmentPage(view: ContainmentView, visit: Visit): Html {
  return layout({
    title: 'Containment',
    visit,
    here: 'containment',
    body: html`<h1>Containment</h1>
<p>What is revoked is cut off at once on every gateway, whatever tokens are still valid: new requests, open streams, held calls, and calls that run.</p>
${view.done && doneNote(view.done)}
${view.refused !== null && html`<div class="told refused" role="alert"><p><strong>Nothing was done.</strong> ${visible(view.refused)}</p></div>`}
${view.mayAct && form(visit)}
<section aria-labelledby="acts"><h2 id="acts">Acts</h2>
${view.revocations.length === 0 ? html`<div class="empty"><p>Nothing has been revoked.</p></div>` : table(view, visit)}</section>`,
  });
}

function doneNote({ revocation, replicas, confirmedAfterMs, inFlight }: Answered): Html {
  return html`<div class="told" role="status"><p><strong>${visible(`${revocation.kind} ${revocation.value}`)} is cut off.</strong> ${replicas.confirmed} of ${replicas.alive} gateways confirmed it after ${confirmedAfterMs} ms.${replicas.confirmed < replicas.alive && html` The others let nothing pass until they know.`}</p>
${
  inFlight.length === 0
    ? html`<p>Nothing was under way.</p>`
    : html`<p>Under way were:</p><ul>${inFlight.map(
        (one) =>
          html`<li>${kindWords[one.kind]}: ${visible([one.method, one.tool, one.callId].filter((part) => part !== null).join(' '))} on ${visible(one.connection)} for ${visible(one.subject)}, since ${one.startedAt}</li>`,
      )}</ul>`
}</div>`;
}

function form(visit: Visit): Html {
  return html`<section aria-labelledby="revoke"><h2 id="revoke">Cut off</h2>
<form method="post" action="/containment/revoke" class="filters">
<input type="hidden" name="csrf" value="${visit.csrf}">
<label>What <select name="kind">${revocationKinds.map((kind) => html`<option value="${kind}">${kind}</option>`)}</select></label>
<label>Which <input name="value" required maxlength="1000" autocomplete="off" spellcheck="false"></label>
<label>Why <input name="reason" required maxlength="1000" autocomplete="off"></label>
<button type="submit" class="danger">Revoke</button>
</form>
<p class="faint">A person by e-mail, subject or stable key; a credential, client, session or connection as requests and recordings name it.</p></section>`;
}

function table({ revocations, mayAct }: ContainmentView, visit: Visit): Html {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Acts, a table"><table>
<thead><tr><th scope="col">What</th><th scope="col">Why</th><th scope="col">Revoked</th><th scope="col">Lifted</th></tr></thead>
<tbody>${revocations.map(
    (one) => html`<tr><th scope="row">${one.kind} ${visible(one.value)}<br><code>${one.id}</code></th>
<td>${visible(one.reason)}</td>
<td>${moment(one.revokedAt)} by ${visible(one.revokedBy.name)}</td>
<td>${one.liftedAt ? html`${moment(one.liftedAt)} by ${visible(one.liftedBy?.name ?? '')}: ${visible(one.liftedReason ?? '')}` : mayAct ? lift(one, visit) : '–'}</td></tr>`,
  )}</tbody></table></div>`;
}

function lift({ kind, value }: Revocation, visit: Visit): Html {
  return html`<form method="post" action="/containment/lift" class="filters"><input type="hidden" name="csrf" value="${visit.csrf}"><input type="hidden" name="kind" value="${kind}"><input type="hidden" name="value" value="${value}">
<label>Why <input name="reason" required maxlength="1000" autocomplete="off"></label><button type="submit" class="quiet">Let in again</button></form>`;
}
