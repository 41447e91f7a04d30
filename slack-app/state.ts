import { lacking } from '../workflows/quorum.ts';
import type { CardVote, ListedRequest } from './request.ts';
import type { UnknownTask } from '../db/unknown-tasks.ts';
import type { Span } from './blocks.ts';
import { fitted } from './text.ts';

/** A line of a card. */
type Line = readonly Span[];

/** How a request stands, in the words of a card. */
export interface CardState {
  /** Start of the title once there is something to tell; null while the request is open. */
  readonly heading: string | null;
  /** What comes first below the title. */
  readonly outcome: readonly Line[];
  /** Whether a decision is still wanted. */
  readonly open: boolean;
}

const reasonLength = 500;

/** Puts the state of a request into words, outcome first: what, who and when, why, and how its execution ended. */
export function stateOf(request: ListedRequest): CardState {
  const approvals = request.votes.filter((vote) => vote.decision === 'approve');
  const denial = request.votes.find((vote) => vote.decision === 'deny');
  const because = request.endedBecause === null ? [] : [plain(fitted(request.endedBecause, 1000).text)];
  const people = approvals.map(approvedLine);
  switch (request.state) {
    case 'pending':
      if (lacking(request.quorum, approvals, request.joined).met)
        return closed('✅ Approved, about to run', [...people]);
      return {
        heading: null,
        outcome: [...people, ...request.extensions.map(extendedLine)],
        open: true,
      };
    case 'executing':
      return closed('✅ Approved, running now', people);
    case 'succeeded':
      return closed('✅ Approved and executed', [strong('It ran and succeeded.'), ...because, ...people]);
    case 'failed':
      return closed('❌ Approved, but failed', [strong('It ran and failed.'), ...because, ...people]);
    case 'unknown':
      if (request.task?.mark) return marked(request.task, people);
      return closed('⚠️ Outcome unknown', [
        strong('It was sent, and no answer came back. Check upstream: it may or may not have happened.'),
        plain('It is never sent again by itself.'),
        ...because,
        ...people,
      ]);
    case 'denied':
      return closed('⛔ Denied', denial ? deniedLines(denial) : [strong('It did not run.'), ...because]);
    case 'expired':
      return closed('⌛ Expired', [strong('It did not run.'), ...because, ...people]);
    case 'cancelled':
      return closed('🚫 Cancelled', [strong('It did not run.'), ...because, ...people]);
    default:
      return closed('🚫 Not run', [
        strong('Holdpoint could not carry it out. It did not run.'),
        ...because,
        ...people,
      ]);
  }
}

/** What somebody found out about a call that was never answered. */
function marked({ mark, markedBy, markedAt, reason }: UnknownTask, people: readonly Line[]): CardState {
  const happened = mark === 'happened';
  return closed(happened ? '☑️ It happened' : '☑️ It did not happen', [
    strong(happened ? 'It took effect, although its answer was lost.' : 'It was sent, and took no effect.'),
    [
      { text: `${fitted(markedBy ?? 'An approver', 100).text} looked ` },
      ...(markedAt === null ? [] : [{ atMs: Date.parse(markedAt) }]),
      { text: `: “${fitted(reason ?? '', reasonLength).text}”` },
    ],
    ...people,
  ]);
}

const strong = (text: string): Line => [{ text, bold: true }];
const plain = (text: string): Line => [{ text }];

function closed(heading: string, outcome: readonly Line[]): CardState {
  return { heading, outcome, open: false };
}

function approvedLine(vote: CardVote): Line {
  return ['Approved by ', ...person(vote), said(vote.reason)].map(span);
}

function extendedLine({ name, byMs, atMs }: ListedRequest['extensions'][number]): Line {
  const minutes = Math.round(byMs / 60_000);
  return [
    { text: `Extended by ${minutes} ${minutes === 1 ? 'minute' : 'minutes'} by ${fitted(name, 100).text} ` },
    { atMs },
  ];
}

function deniedLines(vote: CardVote): readonly Line[] {
  return [
    ['Denied by ', ...person(vote), '. It did not run.'].map((part) => ({ ...span(part), bold: true })),
    ...(vote.reason ? [plain(`“${fitted(vote.reason, reasonLength).text}”`)] : []),
    ...(vote.bounds
      ? [plain(`A call like it may be approved within: ${fitted(vote.bounds, 300).text}`)]
      : []),
  ];
}

const span = (part: string | Span): Span => (typeof part === 'string' ? { text: part } : part);

const surfaces: Readonly<Record<string, string>> = {
  slack: 'in Slack',
  console: 'in the console',
  cli: 'on the command line',
};

/** Who, when, and where. */
function person(vote: CardVote): readonly (string | Span)[] {
  const where = surfaces[vote.via] ?? `by ${fitted(vote.via, 20).text}`;
  return [`${fitted(vote.name, 100).text} `, { atMs: vote.atMs }, ` ${where}`];
}

function said(reason: string | null): string {
  return reason === null || reason === '' ? '' : `: “${fitted(reason, reasonLength).text}”`;
}
