import type { Quorum, StepUp } from '../policy/verdict.ts';
import type { VoteClaims } from './contract.ts';

/** An approval, as far as a quorum looks at it. Votes of 0.1.0 do not say their groups. */
export interface Approval {
  readonly groups?: readonly string[];
}

/** What a quorum still lacks. `met`: nothing. */
export interface Lacking {
  readonly met: boolean;
  /** Approvals that are missing, by group; null stands for any of the groups asked. */
  readonly needs: readonly { readonly group: string | null; readonly approvals: number }[];
  /** Whether all of `needs` are missing, or any one of them would do. */
  readonly join: 'and' | 'or';
}

/**
 * Counts approvals against a quorum. Pure. The approvals are those of distinct people; each fills one place only, and
 * people of several groups are placed such that as many places as possible are filled.
 * @param standIns groups that joined by escalation: their members may fill any place
 */
export function lacking(
  quorum: Quorum,
  approvals: readonly Approval[],
  standIns: readonly string[] = [],
): Lacking {
  if (quorum.kind === 'together') {
    const missing = quorum.approvals - approvals.length;
    return missing <= 0 ? met : { met: false, needs: [{ group: null, approvals: missing }], join: 'and' };
  }
  const belongs = ({ groups = [] }: Approval, group: string): boolean =>
    groups.includes(group) || groups.some((name) => standIns.includes(name));
  if (quorum.kind === 'any') {
    const needs = quorum.needs.map(({ group, approvals: wanted }) => ({
      group,
      approvals: wanted - approvals.filter((approval) => belongs(approval, group)).length,
    }));
    return needs.some((need) => need.approvals <= 0) ? met : { met: false, needs, join: 'or' };
  }
  const places = quorum.needs.flatMap(({ group, approvals: count }) =>
    Array.from({ length: count }, () => group),
  );
  const empty = unfilled(places, approvals, belongs);
  const needs = quorum.needs.flatMap(({ group }) => {
    const count = empty.filter((place) => place === group).length;
    return count === 0 ? [] : [{ group, approvals: count }];
  });
  return needs.length === 0 ? met : { met: false, needs, join: 'and' };
}

const met: Lacking = { met: true, needs: [], join: 'and' };

/** The places that stay empty when people take them as well as they can (augmenting paths; there are few of either). */
function unfilled(
  places: readonly string[],
  people: readonly Approval[],
  belongs: (person: Approval, group: string) => boolean,
): readonly string[] {
  const holder = new Map<number, number>();
  const seat = (person: number, tried: Set<number>): boolean => {
    for (const [place, group] of places.entries()) {
      const approval = people[person];
      if (!approval || tried.has(place) || !belongs(approval, group)) continue;
      tried.add(place);
      const sitting = holder.get(place);
      if (sitting === undefined || seat(sitting, tried)) {
        holder.set(place, person);
        return true;
      }
    }
    return false;
  };
  for (const person of people.keys()) seat(person, new Set());
  return places.filter((_, place) => !holder.has(place));
}

/** What is missing in words: `2 more approvals`, `one more approval from security`, `… or …`; empty when nothing is. */
export function lackingWords({ needs, join }: Lacking): string {
  return needs
    .map(({ group, approvals }) => {
      const count = approvals === 1 ? 'one more approval' : `${approvals} more approvals`;
      return group === null ? count : `${count} from ${group}`;
    })
    .join(` ${join} `);
}

/** What a quorum asks for in words, before anybody has approved: `2 approvals`, `one approval from each of …`. */
export function quorumWords(quorum: Quorum): string {
  const count = (approvals: number): string => (approvals === 1 ? 'one approval' : `${approvals} approvals`);
  if (quorum.kind === 'together') return count(quorum.approvals);
  return quorum.needs
    .map(({ group, approvals }) => `${count(approvals)} from ${group}`)
    .join(quorum.kind === 'all' ? ' and ' : ' or ');
}

/** How old a proof may be when the decision is made. */
export const stepUpFreshMs = 5 * 60_000;
/** Clocks of the processes that look at one person's acts. */
const clockSkewMs = 30_000;

/**
 * Whether a vote carries the proof that policy asks for. A denial only ever stops a call: it needs none. A passkey is
 * enough where a sign-in is asked for.
 */
export function provenEnough(
  { decision, proof, decidedAtMs }: Pick<VoteClaims, 'decision' | 'proof' | 'decidedAtMs'>,
  stepUp: StepUp | null,
): boolean {
  if (stepUp === null || decision === 'deny') return true;
  if (!proof) return false;
  const ageMs = decidedAtMs - proof.atMs;
  const fresh = ageMs >= -clockSkewMs && ageMs <= stepUpFreshMs + clockSkewMs;
  return fresh && (stepUp === 'login' || proof.method === 'passkey');
}

/** What approving takes, in words that go on after "approving it takes". */
export function stepUpWords(stepUp: StepUp): string {
  return stepUp === 'passkey'
    ? 'a passkey, used in the console'
    : 'a sign-in in the console within the last five minutes';
}
