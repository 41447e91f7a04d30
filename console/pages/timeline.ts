import type { RecordedEvent } from '../../recording/read.ts';
import type { Replay } from '../../recording/replay.ts';
import { html, type Html } from '../html.ts';

/** Longer times without an event are drawn, and played, as if they were this long. */
const longestGapMicros = 2_000_000;

/** Times of events with idle time shortened. */
export interface Compressed {
  /** Position of each event, in microseconds of shortened time. */
  readonly at: readonly number[];
  /** Time that was cut before an event, by its index. */
  readonly gaps: ReadonlyMap<number, number>;
}

/** Shortens idle time: held calls are mostly waiting. */
export function compress(events: readonly Pick<RecordedEvent, 'atMicros'>[]): Compressed {
  const at: number[] = [];
  const gaps = new Map<number, number>();
  for (const [index, { atMicros }] of events.entries()) {
    const previous = events[index - 1];
    const gap = previous ? Math.max(0, atMicros - previous.atMicros) : 0;
    if (gap > longestGapMicros) gaps.set(index, gap);
    at.push((at[index - 1] ?? 0) + Math.min(gap, longestGapMicros));
  }
  return { at, gaps };
}

const width = 1000;
const margin = 12;
const lanes = { 'client-to-upstream': 14, none: 34, 'upstream-to-client': 54 } as const;

/**
 * The page's events on a line of shortened time. A picture of the list below it, which is what keyboards and screen
 * readers use: hence hidden from them.
 */
export function timeline({ events, holds }: Replay, firstEvent: number): Html | null {
  if (events.length < 2) return null;
  const { at, gaps } = compress(events);
  const total = Math.max(1, at.at(-1) ?? 1);
  const x = (index: number): string =>
    (margin + ((width - 2 * margin) * (at[index] ?? 0)) / total).toFixed(1);
  const bands = holds.map((hold) => {
    const end = hold.outcome ?? hold.decisions.at(-1) ?? events.length - 1;
    return html`<rect class="band" x="${x(hold.hold)}" y="4" width="${Math.max(2, Number(x(end)) - Number(x(hold.hold))).toFixed(1)}" height="60" rx="3"></rect>`;
  });
  const cuts = [...gaps.keys()].map((index) => {
    const middle = ((Number(x(index - 1)) + Number(x(index))) / 2).toFixed(1);
    return html`<line class="cut" x1="${middle}" y1="4" x2="${middle}" y2="64"></line>`;
  });
  return html`<svg class="timeline" viewBox="0 0 ${width} 68" preserveAspectRatio="none" aria-hidden="true" focusable="false">
${bands}${Object.values(lanes).map((y) => html`<line class="lane" x1="0" y1="${y}" x2="${width}" y2="${y}"></line>`)}${cuts}
${events.map((event, index) => html`<a href="#event=${firstEvent + index}" tabindex="-1"><rect class="mark kind-${event.kind}${event.problem !== null && ' troubled'}" data-mark="${firstEvent + index}" x="${(Number(x(index)) - 3).toFixed(1)}" y="${lanes[event.direction] - 7}" width="6" height="14" rx="2"></rect></a>`)}
</svg>`;
}
