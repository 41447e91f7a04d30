import type { Quorum, StepUp } from '../../policy/verdict.ts';
import type { CountedVote, VoteClaims } from '../../workflows/contract.ts';
import { lacking, lackingWords, provenEnough } from '../../workflows/quorum.ts';
import { verifyVote } from '../../workflows/vote.ts';
import { checkSignature } from './check-signature.ts';
import type { HeldFacts } from './sealed-call.ts';

/** What the votes of a call must satisfy. All of it comes from the sealed call, none from the database's columns. */
export interface QuorumRule {
  readonly callId: string;
  readonly digest: string;
  /** The groups asked from the start. */
  readonly approverGroups: readonly string[];
  /** Which approvals release it. */
  readonly quorum: Quorum;
  /** Groups that policy lets join later: the workflow knows when. */
  readonly standIns: readonly string[];
  readonly requesterKeys: readonly string[];
  /** What approving takes beside being an approver. */
  readonly stepUp: StepUp | null;
  /** The latest deadline that policy's extensions and the times for which the clock stood still allow. */
  readonly expiresAtMs: number;
  /** Raw Ed25519 public keys (base64url) that may sign votes, by key id: from this process's own configuration. */
  readonly publicKeys: Readonly<Record<string, string>>;
}

/** Verified distinct people who approved, or why the votes do not suffice. */
export type QuorumCheck =
  | { readonly met: true; readonly people: readonly string[] }
  | { readonly met: false; readonly because: string };

/**
 * Counts votes again where the upstream credentials are. Only what a signature covers is believed; whatever
 * Temporal says beside it is not. One vote that is wrong in any way refuses them all: an honest workflow never
 * passes one on.
 */
export function checkQuorum(votes: readonly CountedVote[], rule: QuorumRule): QuorumCheck {
  const seen = new Set<string>();
  const people: string[] = [];
  const approvals: VoteClaims[] = [];
  for (const { jws } of votes) {
    const claims = verifyVote(jws, rule.publicKeys, checkSignature);
    if (!claims) return refuse('a vote is not signed by a key that this gateway trusts');
    const wrong = wrongWith(claims, rule);
    if (wrong) return refuse(wrong);
    // A person is the union of their keys: sharing one is being the same.
    if (claims.person.keys.some((key) => seen.has(key))) return refuse('one person voted twice');
    for (const key of claims.person.keys) seen.add(key);
    people.push(claims.person.name);
    approvals.push(claims);
  }
  const missing = lacking(rule.quorum, approvals, rule.standIns);
  if (!missing.met) return refuse(`the quorum is not met: ${lackingWords(missing)} needed`);
  return { met: true, people };
}

/** Who must agree, as the sealed call has it. Calls of 0.1.0 name a number of people only. */
export function quorumOf(
  facts: Pick<HeldFacts, 'approverGroups' | 'approvalsNeeded' | 'requesterKeys' | 'terms'>,
): Pick<QuorumRule, 'approverGroups' | 'quorum' | 'standIns' | 'requesterKeys' | 'stepUp'> {
  const { approverGroups, approvalsNeeded, requesterKeys, terms } = facts;
  return {
    approverGroups,
    requesterKeys,
    quorum: terms?.quorum ?? { kind: 'together', approvals: approvalsNeeded },
    standIns: terms?.escalation.flatMap(({ groups }) => groups) ?? [],
    stepUp: terms?.stepUp ?? null,
  };
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
  if (!provenEnough(claims, rule.stepUp)) return 'a vote lacks the proof of its person that policy asks for';
  const asked = [...rule.approverGroups, ...rule.standIns];
  if (!claims.groups.some((group) => asked.includes(group)))
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

function refuse(because: string): QuorumCheck {
  return { met: false, because };
}
