import { createHash } from 'node:crypto';
import type { ProofFile, ProvenRecord } from '../../recording/export/proof-file.ts';
import type { OpenBytes } from '../../recording/payload.ts';
import type { GrantTerms, VoteClaims } from '../../workflows/contract.ts';
import { verifyVote } from '../../workflows/vote.ts';
import type { ProofReport } from './verify-proof.ts';

/** What is proven of the grant that a call ran under. */
export interface ProvenGrant {
  readonly grantId: string;
  /** Which of its uses the call is, from 1. */
  readonly use: number;
  /** What the signed votes allow together: of each term the narrowest. */
  readonly terms: GrantTerms;
  /** Who signed for it. */
  readonly givenBy: readonly string[];
  /** The call that was approved with it. */
  readonly approved: ProofReport;
}

/** The database, whose clock a use is taken by, and the gateway that records it may differ by this much. */
const clockSkewMs = 5000;

/**
 * Checks that a call may have run under the grant that its claim names: enough distinct people signed for it with the
 * call that it was given with, and number, time, session, caller, connection, tool, rule and policy of this call are
 * within what they signed. That the arguments met the predicates was checked by the gateway: what is recorded of them
 * is masked, and stands in the file for people to compare.
 * @param given the checked proof of the call that was approved with it
 */
export function checkGrant(
  { records, claim }: { readonly records: readonly ProvenRecord[]; readonly claim: ProvenRecord },
  given: ProofReport | null,
  file: ProofFile | null,
  report: (message: string) => void,
): ProvenGrant | null {
  const { grantId, use } = saidBy(claim);
  if (!given || !file) {
    report(`the call ran under the grant ${String(grantId)}, and the approval that gave it is not here`);
    return null;
  }
  const hold = given.records.find(({ header }) => header.kind === 'hold');
  if (grantId !== given.callId.replace(/^hp_/, 'gr_')) report('the approval that is here gave another grant');
  const offers = offersIn(file, given);
  const people = distinctPeople(offers.map(({ person }) => person.keys));
  const needed = hold ? peopleNeeded(hold) : Infinity;
  if (people < needed) report(`only ${people} people signed for the grant, of ${needed} needed`);
  const terms = narrowest(offers);
  if (typeof use !== 'number' || !Number.isInteger(use) || use < 1 || use > terms.calls)
    report(`the call is use ${String(use)} of a grant for ${terms.calls}`);
  const claimedAtMs = claim.header.atMicros / 1000;
  if (claimedAtMs > terms.untilMs + clockSkewMs) report('the call ran after the time of its grant');
  if (offers.some(({ grant }) => String(grant?.where) !== String(terms.where)))
    report('the votes for the grant offer different predicates');
  for (const what of differences(records, given.records)) report(`the grant was given for another ${what}`);
  const session = records.find(({ header }) => header.kind === 'hold')?.header.session;
  if (terms.sessionId !== null && !(session && sha256(terms.sessionId).equals(session)))
    report('the grant was given for another session');
  const revoked = given.records.find((record) => saidBy(record)['act'] === 'grant-revoked');
  if (revoked && revoked.index < claim.index) report('the grant had been revoked before the call ran');
  const givenBy = offers.map(({ person }) => person.name);
  return { grantId: String(grantId), use: Number(use), terms, givenBy, approved: given };
}

/** The votes that count for the call that was approved and offer further ones. */
function offersIn(file: ProofFile, given: ProofReport): readonly VoteClaims[] {
  return (file.approval?.votes ?? []).flatMap(({ jws }) => {
    const claims = verifyVote(jws, file.approval?.voteKeys ?? {});
    const counts = given.votes.some(
      ({ atMs, name }) => atMs === claims?.decidedAtMs && name === claims.person.name,
    );
    return claims?.grant && claims.decision === 'approve' && counts ? [claims] : [];
  });
}

function narrowest(offers: readonly VoteClaims[]): GrantTerms {
  const terms = offers.flatMap(({ grant }) => grant ?? []);
  return {
    calls: terms.length === 0 ? 0 : Math.min(...terms.map(({ calls }) => calls)),
    untilMs: terms.length === 0 ? 0 : Math.min(...terms.map(({ untilMs }) => untilMs)),
    sessionId: terms.find(({ sessionId }) => sessionId !== null)?.sessionId ?? null,
    where: terms[0]?.where ?? [],
  };
}

/** In what the two calls differ, of what a grant is bound to. */
function differences(call: readonly ProvenRecord[], approved: readonly ProvenRecord[]): string[] {
  const [one, other] = [factsOf(call), factsOf(approved)];
  return Object.keys(one).filter((key) => one[key] === undefined || one[key] !== other[key]);
}

function factsOf(records: readonly ProvenRecord[]): Record<string, string | undefined> {
  const hold = records.find(({ header }) => header.kind === 'hold');
  const opening = records.find(
    ({ header }) =>
      header.kind === 'open' && hold !== undefined && Buffer.from(hold.header.session).equals(header.session),
  );
  const { session } = (opening ? saidBy(opening) : {}) as Partial<OpenBytes>;
  const { tool, rule, policyVersion } = hold?.facts ?? {};
  return { tool, rule, policy: policyVersion, caller: session?.callerKey, connection: session?.connection };
}

/** How many people a recorded hold asks for. One that does not say so says that no number is enough. */
export function peopleNeeded(hold: ProvenRecord): number {
  const said = saidBy(hold)['approvalsNeeded'];
  return typeof said === 'number' ? said : Infinity;
}

/** People who share a key are one person, whatever they are called. */
export function distinctPeople(people: readonly (readonly string[])[]): number {
  const known: Set<string>[] = [];
  for (const keys of people) {
    const same = known.filter((person) => keys.some((key) => person.has(key)));
    const merged = new Set([...keys, ...same.flatMap((person) => [...person])]);
    known.splice(0, known.length, ...known.filter((person) => !same.includes(person)), merged);
  }
  return known.length;
}

/** What a record of Holdpoint's own says, as an object; an empty one when it says nothing of the kind. */
export function saidBy(record: ProvenRecord): Record<string, unknown> {
  try {
    const said: unknown = JSON.parse(record.bytes.toString('utf8'));
    return typeof said === 'object' && said !== null ? (said as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
