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
  readonly problems: readonly Problem[];
}

/**
 * Checks a proof file: what was recorded of the call, and that enough distinct people signed for exactly what the
 * recorded hold says, and that their votes were in the log when they counted. The vote keys are the file's own claim:
 * compare them with the operator's.
 * @throws Error when the text is not a proof file, CheckpointError when its checkpoint is not the log's
 */
export function verifyProof(text: string, verifier: NoteVerifier): ProofReport {
  const file = JSON.parse(text) as ProofFile;
  const format: string = file.format;
  if (format !== proofFormat) throw new Error(`this is not a file of the format ${proofFormat}`);
  const { checkpoint, records, problems } = checkProofFile(file, verifier);
  const wrong = [...problems];
  const report = (message: string): void => void wrong.push({ code: 'record_altered', message });
  const hold = records.find((record) => record.header.kind === 'hold');
  const ran = records.some((record) => record.header.kind === 'claim');
  const recorded = new Set(
    records.filter(({ header }) => header.kind === 'decision').map((record) => saidBy(record)['jwsHash']),
  );
  const votes = file.approval ? countedVotes(file, hold, recorded, report) : [];
  const approving = distinctPeople(
    votes.filter((vote) => vote.decision === 'approve').map((vote) => vote.keys),
  );
  const said = hold && saidBy(hold)['approvalsNeeded'];
  // A recorded hold that does not say how many people it takes says that no number is enough.
  const needed = hold ? (typeof said === 'number' ? said : Infinity) : 0;
  if (ran && approving < needed)
    report(`the call ran, but only ${approving} people's signed approvals are here, of ${needed} needed`);
  return { callId: file.callId, checkpoint, records, votes, problems: wrong };
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

/** People who share a key are one person, whatever they are called. */
function distinctPeople(people: readonly (readonly string[])[]): number {
  const known: Set<string>[] = [];
  for (const keys of people) {
    const same = known.filter((person) => keys.some((key) => person.has(key)));
    const merged = new Set([...keys, ...same.flatMap((person) => [...person])]);
    known.splice(0, known.length, ...known.filter((person) => !same.includes(person)), merged);
  }
  return known.length;
}

function saidBy(record: ProvenRecord): Record<string, unknown> {
  try {
    const said: unknown = JSON.parse(record.bytes.toString('utf8'));
    return typeof said === 'object' && said !== null ? (said as Record<string, unknown>) : {};
  } catch {
    return {};
  }
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
  return [...wrong, `call ${visible(report.callId)}\n`, ...lines, ...votes].join('');
}
