import type { RecordedEvent } from '../../recording/read.ts';
import type { Replay, ReplayCall, ReplayHold } from '../../recording/replay.ts';
import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import type { Inclusion } from '../inclusion.ts';
import { visible, visibleText } from '../visible.ts';
import { layout } from './layout.ts';
import { eventItem, idleItem } from './replay-event.ts';
import { packageAddress, sessionAddress } from './sessions.ts';
import { compress, timeline } from './timeline.ts';
import { moment, span } from './words.ts';

/** A page of a replay. */
export interface ReplayView {
  readonly replay: Replay;
  /** Number of the page's first event within the session. */
  readonly firstEvent: number;
  /** Place where the next page begins; null on the last. */
  readonly next: string | null;
  readonly version: string;
  /** How the events stand to the signed log; null where its public key is not known here. */
  readonly inclusion: Inclusion | null;
}

/** One session as it happened: calls, timeline, events; works without scripts, moves by keyboard with them. */
export function replayPage(view: ReplayView, visit: Visit): Html {
  const { replay, firstEvent, next } = view;
  const { session, events } = replay;
  const { facts } = session;
  const first = firstEvent === 0 ? events[0]?.atMicros : undefined;
  const startMicros = first ?? session.openedAt.getTime() * 1000;
  return layout({
    title: `Session of ${visibleText(facts.subject)} on ${visibleText(facts.connection)}`,
    visit,
    here: 'sessions',
    wide: true,
    scripts: ['live.js', 'replay.js'],
    body: html`<p class="back"><a href="/sessions">All sessions</a></p>
<h1>${visible(facts.subject)} on <code>${visible(facts.connection)}</code></h1>
<p id="live-note" class="faint" role="status"${
      session.endedAt === null
        ? html` data-live="/live/sessions/${encodeURIComponent(facts.sessionId)}" data-version="${view.version}"`
        : null
    }></p>
<p><a href="${packageAddress({ session: facts.sessionId })}" download>Download this session as a package for an auditor</a></p>
<div data-part="facts">${sessionFacts(replay)}${banner(view)}</div>
${events.length === 0 ? html`<div class="empty"><p>${session.destroyedAt ? 'This session was purged: its key is destroyed, and nothing of it can be read any more.' : 'There are no events here.'}</p></div>` : null}
<div class="replay">
<nav aria-label="Calls" class="calls" data-part="calls"><h2>Calls</h2>${calls(replay, firstEvent)}</nav>
<section class="events" aria-labelledby="events"><h2 id="events">Events</h2>
<div data-part="timeline">${timeline(replay, firstEvent)}</div>
<p class="player" hidden><button type="button" id="play">Play</button> <button type="button" id="help" class="quiet">Keys: ?</button></p>
<ol class="event-list" start="${firstEvent}" data-part="events">${eventList(events, firstEvent, startMicros, replay.holds)}</ol>
<p class="pager">${firstEvent > 0 && html`<a class="button" href="${sessionAddress(facts.sessionId)}">From the beginning</a> `}${next !== null && html`<a class="button" href="${sessionAddress(facts.sessionId)}?from=${next}">Further</a>`}</p>
</section>
<aside class="selected" id="selected" aria-label="Selected event" aria-live="polite" hidden></aside>
</div>
${keys()}`,
  });
}

function sessionFacts({ session, events }: Replay): Html {
  const { facts, openedAt, endedAt, endedBecause, records } = session;
  return html`<dl class="facts inline">
<div><dt>Client</dt><dd>${facts.client === null ? 'gave no name' : visible(facts.client)}</dd></div>
<div><dt>Opened</dt><dd>${moment(openedAt)}</dd></div>
<div><dt>${endedAt ? 'Sealed' : 'State'}</dt><dd>${endedAt ? moment(endedAt) : 'open, followed live'}${endedBecause !== null && html` (${visible(endedBecause)})`}</dd></div>
<div><dt>Events</dt><dd>${records.toLocaleString('en')}</dd></div>
<div><dt>Identity</dt><dd><code>${visible(facts.callerKey)}</code></dd></div>
${events.some(({ kind }) => kind === 'copy') && html`<div><dt>What was masked</dt><dd><a href="/break-glass?session=${encodeURIComponent(facts.sessionId)}">kept as sealed copies</a></dd></div>`}
</dl>`;
}

function banner({ replay, firstEvent, inclusion }: ReplayView): Html | null {
  const { events, troubled } = replay;
  if (events.length === 0) return null;
  const range = `events ${firstEvent} to ${firstEvent + events.length - 1}`;
  if (troubled)
    return trouble(
      html`Among ${range}, at least one is missing, altered or cannot be opened; it is marked below.`,
    );
  if (inclusion?.kind === 'bad_checkpoint')
    return trouble(html`The latest checkpoint cannot be relied on: ${visible(inclusion.why)}.`);
  if (inclusion?.kind === 'checked' && inclusion.failed > 0)
    return trouble(html`${inclusion.failed} of ${range} are not in the log that was signed.`);
  return html`<div class="verified"><p><span aria-hidden="true">✓</span> <strong>Chain verified</strong>${
    inclusion?.kind === 'checked' && inclusion.included > 0
      ? html` <strong>to checkpoint ${inclusion.size.toLocaleString('en')}</strong>, signed ${moment(inclusion.signedAt)}: ${inclusion.included} of ${range} are proven to be in the signed log${inclusion.later > 0 && html`, ${inclusion.later} came after it`}.`
      : html` for ${range}: each is unsealed, bound to its place, and follows from the one before.`
  } That nothing was cut off at the end, or rolled back, is shown by <code>holdpoint verify</code> with a checkpoint kept elsewhere.</p></div>`;
}

function trouble(what: Html): Html {
  return html`<div class="told refused" role="alert"><p><strong>This recording is not whole.</strong> ${what} Run <code>holdpoint verify</code>, and compare with a checkpoint kept elsewhere.</p></div>`;
}

function calls({ calls: all, holds }: Replay, firstEvent: number): Html {
  if (all.length === 0) return html`<p class="faint">No calls on this page.</p>`;
  const held = new Map(holds.map((hold) => [hold.callId, hold]));
  return html`<ol>${all.map((call) => html`<li><a href="#event=${firstEvent + (call.events[0] ?? 0)}" data-call>${callLine(call)}</a>${heldLine(held.get(call.callId), firstEvent)}</li>`)}</ol>`;
}

function callLine(call: ReplayCall): Html {
  const took = (call.endMicros - call.startMicros) / 1000;
  return html`<strong>${visible(call.tool ?? call.method ?? 'call')}</strong> ${call.verdict !== null && html`<span class="badge verdict-${verdictClass(call.verdict)}">${visible(call.verdict)}</span>`} <span class="faint took">${took < 1000 ? `${took.toFixed(1)} ms` : span(took)}</span>`;
}

function verdictClass(verdict: string): string {
  return ['pass', 'deny', 'hold'].includes(verdict) ? verdict : 'other';
}

function heldLine(hold: ReplayHold | undefined, firstEvent: number): Html | null {
  if (!hold) return null;
  const took =
    hold.toMicros === null ? 'still held' : `held ${span((hold.toMicros - hold.fromMicros) / 1000)}`;
  return html`<span class="faint held"><a href="#event=${firstEvent + hold.hold}">${took}</a>${hold.decisions.map(
    (index) => html`, <a href="#event=${firstEvent + index}">decision</a>`,
  )}</span>`;
}

function eventList(
  events: readonly RecordedEvent[],
  firstEvent: number,
  startMicros: number,
  holds: readonly ReplayHold[],
): Html[] {
  const { gaps } = compress(events);
  return events.flatMap((event, index) => {
    const item = eventItem(event, firstEvent + index, startMicros);
    const gap = gaps.get(index);
    if (gap === undefined) return [item];
    const hold = holds.find(
      ({ fromMicros, toMicros }) => fromMicros < event.atMicros && event.atMicros <= (toMicros ?? Infinity),
    );
    return [idleItem(gap, hold !== undefined), item];
  });
}

function keys(): Html {
  const rows = [
    ['↓ or j', 'next event'],
    ['↑ or k', 'previous event'],
    ['Space', 'play or pause; idle time is shortened'],
    ['h', 'next held call'],
    ['Home, End', 'first, last event of the page'],
    ['?', 'this list'],
  ] as const;
  return html`<dialog id="keys" aria-labelledby="keys-title"><h2 id="keys-title">Keys</h2><dl class="facts">${rows.map(
    ([key, does]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${does}</dd></div>`,
  )}</dl><form method="dialog"><button>Close</button></form></dialog>`;
}
