import {
  checkProofFile,
  type ProofFile,
  proofFormat,
  type ProvenRecord,
} from '../../recording/export/proof-file.ts';
import type { Checkpoint } from '../../recording/log/checkpoint.ts';
import type { NoteVerifier } from '../../recording/log/note.ts';
import type { Problem } from '../../recording/log/problem.ts';
import { jwsHash } from '../../recording/jws-hash.ts';
import { timeOf, visible } from '../../recording/transcript.ts';
import { verifyVote } from '../../workflows/vote.ts';
import { checkGrant, distinctPeople, peopleNeeded, type ProvenGrant, saidBy } from './verify-grant.ts';

/** What a proof file proves. */
export interface ProofReport {
  readonly callId: string;
  readonly checkpoint: Checkpoint;
  readonly records: readonly ProvenRecord[];
  /** The votes whose signatures hold and which are bound to the digest that was recorded. */
  readonly votes: readonly {
    readonly name: string;
    readonly keys: readonly string[];
    readonly decision: string;
    readonly atMs: number;
  }[];
  /** For a call that ran under a grant. */
  readonly grant: ProvenGrant | null;
  readonly problems: readonly Problem[];
}

/**
 * Checks a proof file: what was recorded of the call, and that enough distinct people signed for exactly what the
 * recorded hold says, and that their votes were in the log when they counted. The vote keys are the file's own claim:
 * compare them with the operator's.
 * @throws Error when the text is not a proof file, CheckpointError when its checkpoint is not the log's
 */
export function verifyProof(text: string, verifier: NoteVerifier): ProofReport {
  return verifyFile(JSON.parse(text) as ProofFile, verifier);
}

function verifyFile(file: ProofFile, verifier: NoteVerifier): ProofReport {
  const format: string = file.format;
  if (format !== proofFormat) throw new Error(`this is not a file of the format ${proofFormat}`);
  const { checkpoint, records, problems } = checkProofFile(file, verifier);
  const wrong = [...problems];
  const report = (message: string): void => void wrong.push({ code: 'record_altered', message });
  const hold = records.find((record) => record.header.kind === 'hold');
  const claim = records.find((record) => record.header.kind === 'claim');
  const recorded = new Set(
    records.filter(({ header }) => header.kind === 'decision').map((record) => saidBy(record)['jwsHash']),
  );
  const votes = file.approval ? countedVotes(file, hold, recorded, report) : [];
  const own = { callId: file.callId, checkpoint, records, votes };
  if (claim && saidBy(claim)['grantId'] !== undefined) {
    const given = file.grant ? verifyFile(file.grant, verifier) : null;
    const grant = checkGrant({ records, claim }, given, file.grant ?? null, report);
    return { ...own, grant, problems: [...wrong, ...(given?.problems ?? [])] };
  }
  const approving = distinctPeople(
    votes.filter((vote) => vote.decision === 'approve').map((vote) => vote.keys),
  );
  const needed = hold ? peopleNeeded(hold) : 0;
  if (claim && approving < needed)
    report(`the call ran, but only ${approving} people's signed approvals are here, of ${needed} needed`);
  return { ...own, grant: null, problems: wrong };
}

function countedVotes(
  file: ProofFile,
  hold: ProvenRecord | undefined,
  recorded: ReadonlySet<unknown>,
  report: (message: string) => void,
): ProofReport['votes'] {
  if (!hold) {
    report('the call was held, but the record of it is not here');
    return [];
  }
  return (file.approval?.votes ?? []).flatMap(({ jws }, number) => {
    const claims = verifyVote(jws, file.approval?.voteKeys ?? {});
    if (!claims) report(`vote ${number + 1} is not signed by any of the keys`);
    else if (claims.callId !== file.callId || claims.digest !== saidBy(hold)['digest'])
      report(`vote ${number + 1} is on something else than what was held`);
    else if (!recorded.has(jwsHash(jws))) report(`vote ${number + 1} is not among the decisions in the log`);
    else {
      const { person, decision, decidedAtMs } = claims;
      return [{ name: person.name, keys: person.keys, decision, atMs: decidedAtMs }];
    }
    return [];
  });
}

/**
 * The report as text, in the order in which it happened.
 * @param longest most characters that are printed of one message
 */
export function proofText(report: ProofReport, longest: number): string {
  const lines = report.records.map(({ header, facts, bytes, index }) => {
    const what = [
      header.kind,
      header.direction === 'none' ? '' : header.direction,
      facts.method,
      facts.tool,
      facts.verdict,
    ];
    const whole = visible(bytes.toString('utf8'));
    const more = whole.length - longest;
    const said =
      more > 0 ? `${whole.slice(0, longest)}… (${more} more characters; --full prints them)` : whole;
    return `${timeOf(header.atMicros)}  entry ${index}  ${visible(what.filter(Boolean).join(' '))}\n    ${said}\n`;
  });
  const votes = report.votes.map(
    ({ name, keys, decision, atMs }) =>
      `${new Date(atMs).toISOString()}  ${decision} signed by ${visible(name)} (${visible(keys.join(', '))})\n`,
  );
  const wrong = report.problems.map(({ message }) => `WRONG: ${visible(message)}\n`);
  const grant = report.grant ? grantText(report.grant, longest) : [];
  return [...wrong, `call ${visible(report.callId)}\n`, ...lines, ...votes, ...grant].join('');
}

function grantText({ grantId, use, terms, givenBy, approved }: ProvenGrant, longest: number): string[] {
  const { calls, untilMs, sessionId, where } = terms;
  return [
    `ran under the grant ${visible(grantId)}: use ${use} of ${calls}, until ${new Date(untilMs).toISOString()}, ` +
      `${sessionId === null ? 'of the same caller' : 'in the same session'}\n`,
    ...where.map((predicate) => `    where ${visible(predicate)}\n`),
    ...givenBy.map((name) => `    given by ${visible(name)}\n`),
    'which was given with this call:\n',
    proofText(approved, longest),
  ];
}
