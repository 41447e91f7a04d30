import type { RecordedEvent } from '../../recording/read.ts';
import { saidBy } from '../../recording/replay.ts';
import { html, type Html } from '../html.ts';
import { jsonView } from '../json-view.ts';
import { visible } from '../visible.ts';
import { span } from './words.ts';

const directions = {
  'client-to-upstream': ['→', 'from the client'],
  'upstream-to-client': ['←', 'from the server'],
  none: ['·', 'Holdpoint'],
} as const;

/** The recorder moves times apart by microseconds to keep their order; only more than that means the clock was set back. */
const clockSlackMicros = 1000;

const problems = {
  unreadable: 'This record cannot be read: its header is not one.',
  wrong_session: 'This record was made for another session or place.',
  gap: 'The record before this one is missing or was altered.',
  cannot_unseal: 'This record was altered, or sealed with another key.',
} as const;

/** One event: a line that says what it is, and all of it below. `#event=17` leads to it. */
export function eventItem(event: RecordedEvent, number: number, startMicros: number): Html {
  const [arrow, from] = directions[event.direction];
  return html`<li id="event=${number}" value="${number}" class="event kind-${event.kind}${event.problem !== null && ' troubled'}" data-event="${number}" data-at="${event.atMicros}"${event.kind === 'hold' ? html` data-held` : null}>
<details><summary><span class="offset">+${((event.atMicros - startMicros) / 1e6).toFixed(3)} s</span> <span aria-hidden="true">${arrow}</span><span class="hidden">${from}:</span> ${headline(event)}</summary>
<div class="event-body">${body(event)}</div></details></li>`;
}

/** Time in which nothing happened, shortened to a line. */
export function idleItem(micros: number, held: boolean): Html {
  return html`<li class="idle">${span(micros / 1000)} ${held ? 'held, nothing else happened' : 'idle'}</li>`;
}

function headline(event: RecordedEvent): Html {
  const what =
    event.kind === 'message' ? (event.method ?? 'reply') : event.kind === 'copy' ? 'sealed copy' : event.kind;
  const told = gist(event);
  return html`<strong>${visible(what)}</strong>${event.kind !== 'message' && event.method !== null && html` ${visible(event.method)}`}${event.tool !== null && html` <code>${visible(event.tool)}</code>`}${
    event.verdict !== null &&
    html` <span class="faint">${visible(event.verdict)}${event.rule !== null && html` by rule ${visible(event.rule)}`}</span>`
  }${told !== null && html` <span class="gist">${visible(told)}</span>`}${event.problem !== null && html` <strong class="trouble">not whole</strong>`}`;
}

/** What matters of an event that is no message, in a few words. */
function gist(event: RecordedEvent): string | null {
  const said = saidBy(event);
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  if (event.kind === 'decision') {
    const name = text((said['person'] as { name?: unknown } | null | undefined)?.name);
    return [text(said['decision']), name && `by ${name}`, text(said['via']) && `in ${text(said['via'])}`]
      .filter(Boolean)
      .join(' ');
  }
  if (event.kind === 'outcome') return text(said['execution']) ?? text(said['outcome']);
  if (event.kind !== 'hold') return null;
  const groups = Array.isArray(said['approvers'])
    ? said['approvers'].filter((one) => text(one) !== null)
    : [];
  return groups.length > 0 ? `waits for ${groups.join(', ')}` : text(said['how']);
}

function body(event: RecordedEvent): Html {
  return html`${event.problem !== null && html`<p class="trouble">${problems[event.problem]}</p>`}
<dl class="facts">
<div><dt>Time</dt><dd>${timeOf(event.atMicros)}${event.atMicros - event.clockMicros > clockSlackMicros && html` (the clock said ${timeOf(event.clockMicros)})`}</dd></div>
${event.callId !== null && html`<div><dt>Call</dt><dd>${callName(event.kind, event.callId)}</dd></div>`}
${event.policyVersion !== null && html`<div><dt>Policy</dt><dd><code>${visible(event.policyVersion)}</code></dd></div>`}
${event.changed !== null && html`<div><dt>By</dt><dd>${visible(event.changed.subject)} (<code>${visible(event.changed.callerKey)}</code>)</dd></div>`}
</dl>
${payload(event)}
<details class="hashes"><summary>Hashes</summary><dl class="facts">
<div><dt>Strand</dt><dd><code>${event.strand}</code>, record ${event.seq}</dd></div>
<div><dt>Leaf</dt><dd><code>${event.leaf}</code></dd></div>
${event.unmaskedLength !== null && html`<div><dt>Before masking</dt><dd>${event.unmaskedLength.toLocaleString('en')} bytes</dd></div>`}
</dl></details>`;
}

/** Held calls have a page of their own, under the same id. */
function callName(kind: RecordedEvent['kind'], callId: string): Html {
  const name = html`<code>${visible(callId)}</code>`;
  const held = ['hold', 'decision', 'claim', 'outcome'].includes(kind);
  return held
    ? html`<a href="/approvals/${encodeURIComponent(callId)}">${name}: card, votes and outcome</a>`
    : name;
}

function payload(event: RecordedEvent): Html | null {
  if (event.kind === 'copy' && event.bytes !== null)
    return html`<p>What masking took out of the message before this one, sealed: ${event.bytes.length.toLocaleString('en')} bytes. Two people together can have it opened by <a href="/break-glass">break-glass</a>.</p>`;
  if (event.bytes === null)
    return event.problem === null ? html`<p>Purged: it can no longer be read.</p>` : null;
  return event.bytes.length === 0
    ? null
    : html`<div class="arguments">${jsonView(event.bytes.toString('utf8'))}</div>`;
}

function timeOf(micros: number): string {
  return `${new Date(Math.floor(micros / 1000)).toISOString().slice(0, -1).replace('T', ' ')}${String(micros % 1000).padStart(3, '0')} UTC`;
}
