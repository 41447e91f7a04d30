import type { SessionSummary } from '../../recording/reader.ts';
import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import type { Asked } from '../routes-sessions.ts';
import { visible } from '../visible.ts';
import { layout } from './layout.ts';
import { moment } from './words.ts';

/** A page of recorded sessions, newest first. */
export function sessionsPage(
  list: { readonly sessions: readonly SessionSummary[]; readonly asked: Asked; readonly next: string | null },
  visit: Visit,
): Html {
  const { sessions, asked, next } = list;
  return layout({
    title: 'Sessions',
    visit,
    here: 'sessions',
    scripts: ['live.js'],
    body: html`<h1>Sessions</h1>
<p>What agents said and what came back, masked and sealed as it passed. Looking at one is recorded too.</p>
<section aria-labelledby="found"><h2 id="found">Recorded sessions</h2>
${search(asked)}
${sessions.length === 0 ? none(asked) : table(sessions)}
<p class="pager">${next !== null && html`<a class="button" href="${next}">Older</a> `}${sessions.length > 0 && html`<a href="${packageAddress(everyPage(asked))}" download>Download all of these as a package for an auditor</a>`}</p>
</section>`,
  });
}

/** Where a session is replayed. */
export function sessionAddress(sessionId: string): string {
  return `/sessions/${encodeURIComponent(sessionId)}`;
}

/** Where the sessions that are asked for are to be had as a package. */
export function packageAddress(chosen: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(chosen).toString();
  return query === '' ? '/recordings.zip' : `/recordings.zip?${query}`;
}

/** What was asked, without where the page begins. */
function everyPage(asked: Asked): Asked {
  const { after: _, ...rest } = asked;
  return rest;
}

/** The search form, filled in with what was asked. */
export function search(asked: Asked): Html {
  const field = (name: 'text' | 'subject' | 'connection' | 'tool' | 'rule', label: string): Html =>
    html`<label>${label} <input name="${name}" value="${asked[name] ?? ''}" autocomplete="off" spellcheck="false"${name === 'text' ? html` data-search` : null}></label>`;
  const day = (name: 'from' | 'to', label: string): Html =>
    html`<label>${label} <input type="date" name="${name}" value="${asked[name] ?? ''}"></label>`;
  return html`<form method="get" action="/sessions" class="filters" role="search" aria-label="Recorded sessions">
${field('text', 'Text that was said')}${field('subject', 'For whom')}${field('connection', 'Connection')}${field('tool', 'Tool')}
<label>Verdict <select name="verdict"><option value="">any</option>${['pass', 'deny', 'hold'].map(
    (verdict) => html`<option${asked.verdict === verdict ? html` selected` : null}>${verdict}</option>`,
  )}</select></label>
${field('rule', 'Rule')}${day('from', 'From')}${day('to', 'Before')}
<button type="submit">Search</button>
${Object.keys(asked).length > 0 && html`<a href="/sessions">Show all</a>`}
</form>`;
}

function none(asked: Asked): Html {
  return Object.keys(asked).length > 0
    ? html`<div class="empty"><p>No session matches.</p></div>`
    : html`<div class="empty"><p><strong>Nothing has been recorded yet.</strong></p><p>A session appears here as soon as an agent connects.</p></div>`;
}

function table(sessions: readonly SessionSummary[]): Html {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Recorded sessions, a table"><table>
<thead><tr><th scope="col">Opened</th><th scope="col">For</th><th scope="col">Client</th><th scope="col">Connection</th><th scope="col">Events</th><th scope="col">State</th></tr></thead>
<tbody>${sessions.map(
    ({ facts, openedAt, records, endedAt, destroyedAt }) => html`<tr>
<td><a href="${sessionAddress(facts.sessionId)}" data-item>${moment(openedAt)}</a></td>
<td>${visible(facts.subject)}</td>
<td>${facts.client === null ? '–' : visible(facts.client)}</td>
<td><code>${visible(facts.connection)}</code></td>
<td>${records.toLocaleString('en')}</td>
<td>${destroyedAt ? 'purged' : endedAt ? 'sealed' : html`<span class="badge state-executing"><span aria-hidden="true">▸</span> open</span>`}</td></tr>`,
  )}</tbody></table></div>`;
}
