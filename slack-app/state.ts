import type { CardRequest, CardVote } from './request.ts';
import { fitted } from './text.ts';

/** How a request stands, in the words of a card. */
export interface CardState {
  /** Start of the title once there is something to tell; null while the request is open. */
  readonly heading: string | null;
  /** What comes first below the title. */
  readonly outcome: readonly { readonly text: string; readonly strong: boolean }[];
  /** Whether a decision is still wanted. */
  readonly open: boolean;
}

const reasonLength = 500;

/** Puts the state of a request into words, outcome first: what, who and when, why, and how its execution ended. */
export function stateOf(request: CardRequest): CardState {
  const approvals = request.votes.filter((vote) => vote.decision === 'approve');
  const denial = request.votes.find((vote) => vote.decision === 'deny');
  const because = request.endedBecause === null ? [] : [plain(fitted(request.endedBecause, 1000).text)];
  const people = approvals.map(approvedLine);
  switch (request.state) {
    case 'pending':
      if (approvals.length >= request.approvalsNeeded)
        return closed('✅ Approved, about to run', [...people]);
      return { heading: null, outcome: people, open: true };
    case 'executing':
      return closed('✅ Approved, running now', people);
    case 'succeeded':
      return closed('✅ Approved and done', [...people, strong('It ran and succeeded.'), ...because]);
    case 'failed':
      return closed('❌ Approved, but failed', [...people, strong('It ran and failed.'), ...because]);
    case 'unknown':
      return closed('⚠️ Outcome unknown', [
        strong('It was sent, and no answer came back. Check upstream: it may or may not have happened.'),
        plain('It is never sent again by itself.'),
        ...people,
        ...because,
      ]);
    case 'denied':
      return closed('⛔ Denied', denial ? deniedLines(denial) : because);
    case 'expired':
      return closed('⌛ Expired', [strong('Nobody decided in time. It did not run.'), ...people]);
    case 'cancelled':
      return closed('🚫 Cancelled', [strong('It was withdrawn and did not run.'), ...people, ...because]);
    default:
      return closed('🚫 Not run', [strong('Holdpoint could not carry it out. It did not run.'), ...because]);
  }
}

type Line = CardState['outcome'][number];

const strong = (text: string): Line => ({ text, strong: true });
const plain = (text: string): Line => ({ text, strong: false });

function closed(heading: string, outcome: readonly Line[]): CardState {
  return { heading, outcome, open: false };
}

function approvedLine(vote: CardVote): Line {
  return plain(`Approved by ${person(vote)}${said(vote.reason)}`);
}

function deniedLines(vote: CardVote): readonly Line[] {
  return [
    strong(`Denied by ${person(vote)}. It did not run.`),
    ...(vote.reason ? [plain(said(vote.reason).slice(2))] : []),
  ];
}

/** Name, time in UTC (rich text knows no reader's time zone inside a sentence), and surface. */
function person(vote: CardVote): string {
  const at = new Date(vote.atMs).toISOString();
  return `${fitted(vote.name, 100).text} at ${at.slice(11, 16)} UTC on ${at.slice(0, 10)} (${fitted(vote.via, 20).text})`;
}

function said(reason: string | null): string {
  return reason === null || reason === '' ? '' : `: “${fitted(reason, reasonLength).text}”`;
}
