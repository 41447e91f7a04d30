import type { MaskReportRecord, ReportOutcome } from '../../db/mask-reports.ts';
import type { ReportRow } from '../../masking/report.ts';
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
    readonly problems: readonly string[];
    readonly earlier: readonly MaskReportRecord[];
  },
  visit: Visit,
): Html {
  const { asked, problems, earlier } = shown;
  return layout({
    title: 'Masking of recorded traffic',
    visit,
    here: 'policy',
    body: html`<p class="back"><a href="/policy">Policy</a></p>
<h1>Compare recorded traffic with a changed policy</h1>
<p>Reads what was recorded and says what the policy would mask in addition, what it would no longer mask, and what in another way: by detector, connection and tool, with counts and places, never values. Who asked is recorded.</p>
${
  problems.length > 0 &&
  html`<div class="told refused" role="alert"><p><strong>Nothing was compared.</strong></p><ul>${problems.map((problem) => html`<li>${visible(problem)}</li>`)}</ul></div>`
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

function list(reports: readonly MaskReportRecord[]): Html {
  return html`<section aria-labelledby="earlier"><h2 id="earlier">Your reports of the last days</h2>
<div class="scroll" tabindex="0" role="group" aria-label="Reports, a table"><table>
<thead><tr><th scope="col">Asked</th><th scope="col">Span</th><th scope="col">Policy</th><th scope="col">State</th></tr></thead>
<tbody>${reports.map(
    (report) => html`<tr><td><a href="/masking/report/${report.id}">${moment(report.startedAt)}</a></td>
<td>${spanOf(report)}</td><td>${policyOf(report)}</td><td>${states[report.state]}</td></tr>`,
  )}</tbody></table></div></section>`;
}

/** One report: how far it is, or what came of it. */
export function maskReportPage(report: MaskReportRecord, visit: Visit): Html {
  const { asked, state, outcome } = report;
  const progress = outcome ?? report.progress;
  return layout({
    title: 'Masking of recorded traffic',
    visit,
    here: 'policy',
    wide: true,
    body: html`<p class="back"><a href="/masking/report">Reports</a></p>
<h1>What ${asked.ownPolicy ? 'the changed policy' : 'the policy in force'} would mask</h1>
<dl class="facts">
<div><dt>Recorded</dt><dd>${spanOf(report)}</dd></div>
<div><dt>Policy</dt><dd>${policyOf(report)}</dd></div>
<div><dt>Connection</dt><dd>${asked.connection === null ? 'every one' : html`<code>${visible(asked.connection)}</code>`}</dd></div>
<div><dt>Profile</dt><dd>${asked.profile === null ? 'by rule and place' : html`<code>${visible(asked.profile)}</code>`}</dd></div>
<div><dt>Groups</dt><dd>${asked.groups === null ? 'none named' : visible(asked.groups.join(', '))}</dd></div>
</dl>
<p role="status">${outcome ? '' : html`<strong>${stateWords(state)}</strong> `}${progress.messages.toLocaleString('en')} messages of ${progress.sessions.toLocaleString('en')} sessions ${state === 'running' ? 'so far' : 'were read'}${progress.unreadable > 0 ? html`; ${progress.unreadable.toLocaleString('en')} sessions or records could not be (purged, or altered)` : ''}.</p>
${state === 'running' && html`<p class="faint">This page looks again every two seconds. You can leave it; the report goes on.</p>`}
${outcome && changes(outcome)}`,
  });
}

function stateWords(state: MaskReportRecord['state']): string {
  if (state === 'running') return 'Under way.';
  if (state === 'lost') return 'The console that compared has gone; ask again.';
  return 'The report failed, and why is in the console’s log. Ask again.';
}

const titles = [
  ['added', 'Would be masked in addition'],
  ['gone', 'Would no longer be masked'],
  ['otherwise', 'Would be masked in another way'],
] as const;

function changes({ rows, byGroup }: ReportOutcome): Html {
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

function table(title: string, rows: readonly ReportRow[]): Html {
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

const spanOf = ({ asked: { from, to } }: MaskReportRecord): Html =>
  html`${from.toISOString().slice(0, 10)} to before ${to.toISOString().slice(0, 10)}`;

const policyOf = ({ asked: { policyVersion, ownPolicy } }: MaskReportRecord): Html =>
  html`${ownPolicy ? 'changed' : 'in force'} <code>${policyVersion.slice(0, 19)}…</code>`;
