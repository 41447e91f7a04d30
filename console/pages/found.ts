import type { Found } from '../../recording/search.ts';
import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import type { Asked } from '../routes-sessions.ts';
import { visible } from '../visible.ts';
import { layout } from './layout.ts';
import { search, sessionAddress } from './sessions.ts';
import { moment } from './words.ts';

/** One event in which the text was found. */
export interface Hit extends Omit<Found, 'near'> {
  /** Place in the session where the page begins that shows it; null for its beginning. */
  readonly from: string | null;
}

/** Events that say something, newest session first. */
export function foundPage(
  { hits, whole, asked }: { readonly hits: readonly Hit[]; readonly whole: boolean; readonly asked: Asked },
  visit: Visit,
): Html {
  return layout({
    title: 'Found in sessions',
    visit,
    here: 'sessions',
    scripts: ['live.js'],
    body: html`<h1>Sessions</h1>
<p>What was said is sealed and cannot be indexed: the sessions that the other fields leave are opened one after the other, the newest first. What masking took out cannot be found.</p>
<section aria-labelledby="found"><h2 id="found">Found</h2>
${search(asked)}
${whole ? null : html`<p class="told" role="status">Not everything was searched. Narrow it by person, connection, tool or time, or search with <code>holdpoint sessions search</code>.</p>`}
${hits.length === 0 ? html`<div class="empty"><p>Nothing that was searched says that.</p></div>` : list(hits, asked.text ?? '')}
</section>`,
  });
}

function list(hits: readonly Hit[], text: string): Html {
  return html`<ol class="found">${hits.map(
    ({ session, event, number, from, excerpt }) => html`<li>
<a href="${sessionAddress(session.facts.sessionId)}${from !== null && html`?from=${from}`}#event=${number}" data-item>${moment(event.atMicros / 1000)}</a>
${visible(session.facts.subject)} on <code>${visible(session.facts.connection)}</code>, <strong>${visible(event.tool ?? event.method ?? event.kind)}</strong>, event ${number}
<p class="excerpt">${marked(excerpt, text)}</p></li>`,
  )}</ol>`;
}

function marked(excerpt: string, text: string): Html {
  const at = excerpt.toLowerCase().indexOf(text.toLowerCase());
  if (at < 0) return html`${visible(excerpt)}`;
  const end = at + text.length;
  return html`${visible(excerpt.slice(0, at))}<mark>${visible(excerpt.slice(at, end))}</mark>${visible(excerpt.slice(end))}`;
}
