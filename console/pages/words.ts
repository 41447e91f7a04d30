import type { ShownCall } from '../../db/held-calls-shown.ts';
import type { CountedVote } from '../../workflows/contract.ts';
import { html, type Html } from '../html.ts';
import type { Phase } from '../standing.ts';
import { visible } from '../visible.ts';

/** States as people read them: symbol, word, and what it means. The symbol carries no meaning of its own. */
export const states: Readonly<Record<Phase, readonly [symbol: string, word: string, meaning: string]>> = {
  pending: ['◷', 'waiting', 'Nobody has decided yet. Nothing has been sent to the server.'],
  approved: [
    '▹',
    'approved',
    'Approved. It is sent to the server once, as soon as the agent that asked is connected.',
  ],
  executing: ['▸', 'running', 'Approved and sent to the server; its answer is awaited.'],
  succeeded: ['✓', 'succeeded', 'Approved, sent once, and the server answered.'],
  failed: ['!', 'failed', 'Approved, but it did not succeed.'],
  unknown: [
    '?',
    'outcome unknown',
    'Approved and sent, but no answer was seen. It may have happened: check on the server. It is never sent again by itself.',
  ],
  denied: ['✕', 'denied', 'Denied. Nothing was sent to the server.'],
  expired: ['◔', 'expired', 'Nobody decided in time. Nothing was sent to the server.'],
  cancelled: ['–', 'cancelled', 'Withdrawn before it ran. Nothing was sent to the server.'],
  aborted: [
    '–',
    'aborted',
    'It could not be put to anyone, or its approval did not hold at the last check. Nothing was sent to the server.',
  ],
};

/** A state as symbol and word. */
export function stateBadge(state: Phase): Html {
  const [symbol, word] = states[state];
  return html`<span class="badge state-${state}"><span aria-hidden="true">${symbol}</span> ${word}</span>`;
}

/** Risk as a word. */
export function riskBadge(risk: string): Html {
  return html`<span class="badge risk-${risk}">${risk} risk</span>`;
}

/** A moment, to the second, in UTC; `live.js` adds the reader's own time. */
export function moment(at: Date | number): Html {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}" title="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC</time>`;
}

/** How long from now: `4 min 10 s`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
}

/** Time left until a moment, counted down by `live.js` where scripts run. */
export function timeLeft(until: Date, now: Date): Html {
  const left = until.getTime() - now.getTime();
  if (left <= 0) return html`<span class="left over">time is up</span>`;
  return html`<span class="left${left < 120_000 ? ' soon' : null}" data-until="${until.toISOString()}">${span(left)} left</span>`;
}

/** `tool on connection`, hostile characters made visible. */
export function whatRuns(call: Pick<ShownCall, 'tool' | 'connection'>): Html {
  return html`<code>${visible(call.tool)}</code> on <code>${visible(call.connection)}</code>`;
}

/** Who decided what, where and when, and why. */
export function voteLine(vote: CountedVote): Html {
  return html`<strong>${visible(vote.person.name)}</strong> ${vote.decision === 'approve' ? 'approved' : 'denied'} in the ${
    vote.via === 'cli' ? 'terminal' : vote.via === 'slack' ? 'Slack app' : vote.via
  } at ${moment(vote.atMs)}${vote.reason !== null && html`<q class="why">${visible(vote.reason)}</q>`}`;
}
