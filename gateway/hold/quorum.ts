import type { CountedVote, VoteClaims } from '../../workflows/contract.ts';
import { verifyVote } from '../../workflows/vote.ts';

/** What the votes of a call must satisfy. All of it comes from the sealed call, none from the database's columns. */
export interface QuorumRule {
  readonly callId: string;
  readonly digest: string;
  readonly approverGroups: readonly string[];
  readonly approvalsNeeded: number;
  readonly requesterKeys: readonly string[];
  readonly expiresAtMs: number;
  /** Raw Ed25519 public keys (base64url) that may sign votes, by key id: from this process's own configuration. */
  readonly publicKeys: Readonly<Record<string, string>>;
}

/** Verified distinct people who approved, or why the votes do not suffice. */
export type Quorum =
  | { readonly met: true; readonly people: readonly string[] }
  | { readonly met: false; readonly because: string };

/**
 * Counts votes again where the upstream credentials are. Only what a signature covers is believed; whatever
 * Temporal says beside it is not. One vote that is wrong in any way refuses them all: an honest workflow never
 * passes one on.
 */
export function checkQuorum(votes: readonly CountedVote[], rule: QuorumRule): Quorum {
  const seen = new Set<string>();
  const people: string[] = [];
  for (const { jws } of votes) {
    const claims = verifyVote(jws, rule.publicKeys);
    if (!claims) return refuse('a vote is not signed by a key that this gateway trusts');
    const wrong = wrongWith(claims, rule);
    if (wrong) return refuse(wrong);
    // A person is the union of their keys: sharing one is being the same.
    if (claims.person.keys.some((key) => seen.has(key))) return refuse('one person voted twice');
    for (const key of claims.person.keys) seen.add(key);
    people.push(claims.person.name);
  }
  if (people.length < rule.approvalsNeeded)
    return refuse(`${people.length} of ${rule.approvalsNeeded} people who are needed approved`);
  return { met: true, people };
}

function wrongWith(claims: VoteClaims, rule: QuorumRule): string | null {
  if (!hasShape(claims)) return 'a vote lacks what a vote must say';
  if (claims.callId !== rule.callId) return 'a vote is for another call';
  if (claims.digest !== rule.digest) return 'a vote is for other content than what would run';
  if (claims.decision !== 'approve') return 'somebody denied it';
  if (claims.decidedAtMs > claims.exp * 1000) return 'a vote had expired when it was cast';
  if (claims.decidedAtMs > rule.expiresAtMs) return 'a vote was cast after the request had expired';
  if (claims.person.keys.some((key) => rule.requesterKeys.includes(key)))
    return 'the requester approved their own call';
  if (!claims.groups.some((group) => rule.approverGroups.includes(group)))
    return 'a vote is by somebody who was not among the approvers';
  return null;
}

function hasShape({ callId, digest, person, decision, groups, decidedAtMs, exp }: VoteClaims): boolean {
  const strings = (value: unknown): boolean =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((item) => typeof item === 'string' && item !== '');
  return (
    typeof callId === 'string' &&
    typeof digest === 'string' &&
    typeof decision === 'string' &&
    typeof person?.name === 'string' &&
    strings(person.keys) &&
    strings(groups) &&
    Number.isFinite(decidedAtMs) &&
    Number.isFinite(exp)
  );
}

function refuse(because: string): Quorum {
  return { met: false, because };
}
