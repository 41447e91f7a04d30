import type { Report, WholeReport } from '../api/schemas-masking.ts';
import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import { visible } from '../visible.ts';
import { layout } from './layout.ts';
import { moment } from './words.ts';

/** What the form holds, as it was typed. */
export interface FormAsked {
  readonly from: string;
  readonly to: string;
  readonly connection: string;
  readonly profile: string;
  readonly groups: string;
  /** The text of a changed policy; empty for the one in force. */
  readonly policy: string;
}

/** Asks for a report, and lists those of the last days. */
export function reportFormPage(
  shown: {
    readonly asked: FormAsked;
    /** Why nothing was compared. */
    readonly problem: string | null;
    readonly earlier: readonly Report[];
  },
  visit: Visit,
): Html {
  const { asked, problem, earlier } = shown;
  return layout({
    title: 'Masking of recorded traffic',
    visit,
    here: 'policy',
    body: html`<p class="back"><a href="/policy">Policy</a></p>
<h1>Compare recorded traffic with a changed policy</h1>
<p>Reads what was recorded and says what the policy would mask in addition, what it would no longer mask, and what in another way: by detector, connection and tool, with counts and places, never values. Who asked is recorded.</p>
${
  problem !== null &&
  html`<div class="told refused" role="alert"><p><strong>Nothing was compared.</strong> ${visible(problem)}</p></div>`
}
<section aria-labelledby="ask"><h2 id="ask">A report</h2>
<form method="post" action="/masking/report" class="stack">
<input type="hidden" name="csrf" value="${visit.csrf}">
<label for="from">From (UTC)</label><input id="from" type="date" name="from" value="${asked.from}" required>
<label for="to">Before (UTC)</label><input id="to" type="date" name="to" value="${asked.to}" required>
${field('connection', 'Connection', asked.connection, 'every one')}
${field('profile', 'Masking profile', asked.profile, 'as the policy gives them by rule and place')}
${field('groups', 'Groups of callers, with commas', asked.groups, 'not recorded; needed for profiles by group')}
<label for="policy">Changed policy</label>
<textarea id="policy" name="policy" rows="12" spellcheck="false" autocomplete="off" aria-describedby="policy-hint">${asked.policy}</textarea>
<p id="policy-hint" class="faint">The whole text of a policy file. Empty: the policy in force, which finds something only where masking has learned since. It is kept nowhere.</p>
<button class="primary" type="submit">Compare</button>
</form></section>
${earlier.length > 0 && list(earlier)}`,
  });
}

function field(name: string, label: string, value: string, hint: string): Html {
  return html`<label for="${name}">${label}</label><input id="${name}" name="${name}" value="${value}" placeholder="${hint}" autocomplete="off" spellcheck="false">`;
}

const states = {
  running: 'under way',
  done: 'done',
  failed: 'failed',
  lost: 'ended with its console',
} as const;

function list(reports: readonly Report[]): Html {
  return html`<section aria-labelledby="earlier"><h2 id="earlier">Your reports of the last days</h2>
<div class="scroll" tabindex="0" role="group" aria-label="Reports, a table"><table>
<thead><tr><th scope="col">Asked</th><th scope="col">Span</th><th scope="col">Policy</th><th scope="col">State</th></tr></thead>
<tbody>${reports.map(
    (
      report,
    ) => html`<tr><td><a href="/masking/report/${report.id}">${moment(new Date(report.startedAt))}</a></td>
<td>${spanOf(report)}</td><td>${policyOf(report)}</td><td>${states[report.state]}</td></tr>`,
  )}</tbody></table></div></section>`;
}

/** One report: how far it is, or what came of it. */
export function maskReportPage(report: WholeReport, visit: Visit): Html {
  const { ownPolicy, state, connection, profile, groups, sessions, messages, unreadable } = report;
  return layout({
    title: 'Masking of recorded traffic',
    visit,
    here: 'policy',
    wide: true,
    body: html`<p class="back"><a href="/masking/report">Reports</a></p>
<h1>What ${ownPolicy ? 'the changed policy' : 'the policy in force'} would mask</h1>
<dl class="facts">
<div><dt>Recorded</dt><dd>${spanOf(report)}</dd></div>
<div><dt>Policy</dt><dd>${policyOf(report)}</dd></div>
<div><dt>Connection</dt><dd>${connection === null ? 'every one' : html`<code>${visible(connection)}</code>`}</dd></div>
<div><dt>Profile</dt><dd>${profile === null ? 'by rule and place' : html`<code>${visible(profile)}</code>`}</dd></div>
<div><dt>Groups</dt><dd>${groups === null ? 'none named' : visible(groups.join(', '))}</dd></div>
</dl>
<p role="status">${state === 'done' ? '' : html`<strong>${stateWords(state)}</strong> `}${messages.toLocaleString('en')} messages of ${sessions.toLocaleString('en')} sessions ${state === 'running' ? 'so far' : 'were read'}${unreadable > 0 ? html`; ${unreadable.toLocaleString('en')} sessions or records could not be (purged, or altered)` : ''}.</p>
${state === 'running' && html`<p class="faint">This page looks again every two seconds. You can leave it; the report goes on.</p>`}
${report.rows && changes(report.rows, report.byGroup ?? 0)}
<form method="post" action="/masking/report/${report.id}/delete"><input type="hidden" name="csrf" value="${visit.csrf}">
<button type="submit">${state === 'running' ? 'Stop it' : 'Delete this report'}</button></form>`,
  });
}

function stateWords(state: Report['state']): string {
  if (state === 'running') return 'Under way.';
  if (state === 'lost') return 'The console that compared has gone; ask again.';
  return 'The report failed, and why is in the console’s log. Ask again.';
}

const titles = [
  ['added', 'Would be masked in addition'],
  ['gone', 'Would no longer be masked'],
  ['otherwise', 'Would be masked in another way'],
] as const;

type Row = NonNullable<WholeReport['rows']>[number];

function changes(rows: readonly Row[], byGroup: number): Html {
  return html`${
    byGroup > 0 &&
    html`<div class="told" role="note"><p>${byGroup.toLocaleString('en')} messages would have another profile if their callers were in certain groups, which are not recorded. Name groups to see.</p></div>`
  }
${titles.map(
  ([change, title]) => html`<section aria-labelledby="${change}"><h2 id="${change}">${title}</h2>
${table(
  title,
  rows.filter((row) => row.change === change),
)}</section>`,
)}
<p class="faint">Values are not in recordings: what <code>drop</code> took out left no trace, and texts that <code>allow</code> names are known by their hash, pseudonym or last four only.</p>`;
}

function table(title: string, rows: readonly Row[]): Html {
  if (rows.length === 0) return html`<p class="empty">Nothing.</p>`;
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${title}, a table"><table>
<thead><tr><th scope="col">Detector</th><th scope="col">Times</th><th scope="col">Messages</th><th scope="col">Connection</th><th scope="col">Tool</th><th scope="col">Written as</th><th scope="col">Places</th></tr></thead>
<tbody>${rows.map(
    ({ detector, operator, connection, tool, times, messages, places, morePlaces }) => html`<tr>
<td><code>${visible(detector)}</code></td><td>${times.toLocaleString('en')}</td><td>${messages.toLocaleString('en')}</td>
<td><code>${visible(connection)}</code></td><td>${tool === '' ? '–' : html`<code>${visible(tool)}</code>`}</td>
<td>${operator === null ? 'itself' : visible(operator)}</td>
<td>${places.map((place) => html`<code>${visible(place)}</code><br>`)}${morePlaces && 'and other places'}</td></tr>`,
  )}</tbody></table></div>`;
}

const dayOf = (time: string): string =>
  time.endsWith('T00:00:00.000Z') ? time.slice(0, 10) : `${time.slice(0, 16)}Z`;

const spanOf = ({ from, to }: Report): Html => html`${dayOf(from)} to before ${dayOf(to)}`;

const policyOf = ({ policyVersion, ownPolicy }: Report): Html =>
  html`${ownPolicy ? 'changed' : 'in force'} <code>${policyVersion.slice(0, 19)}…</code>`;
