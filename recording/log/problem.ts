/** What verification found wrong. */
export type ProblemCode =
  | 'bad_checkpoint' // missing, unreadable, or not signed by the log
  | 'rolled_back' // the log ends before a checkpoint that was signed
  | 'history_changed' // the entries are not those that were signed
  | 'log_damaged' // tiles and entries contradict each other
  | 'broken_chain' // a strand's records do not follow each other
  | 'back_dated' // a record is older than the one before it
  | 'record_missing'
  | 'record_altered'
  | 'record_moved' // it stands under another session, strand, place or time
  | 'unlogged' // a record that the log does not know
  | 'session_altered' // a session is not what its records say
  | 'key_missing' // a session's key is gone without a purge, or does not unwrap
  | 'forged_tombstone';

/** One thing that is wrong, and where. */
export interface Problem {
  readonly code: ProblemCode;
  readonly message: string;
  /** Index of the log's entry. */
  readonly index?: number;
  readonly session?: string;
  readonly strand?: string;
  readonly seq?: number;
}

export interface ProblemList {
  add(problem: Problem): void;
  /** In the log's order; those without a place in it come last. */
  sorted(): Problem[];
}

/** More than this says nothing new; counting goes on nowhere, so that a wrecked database cannot fill the memory. */
const maxProblems = 1000;

export function problemList(): ProblemList {
  const problems: Problem[] = [];
  return {
    add(problem) {
      if (problems.length < maxProblems) problems.push(problem);
    },
    sorted: () => problems.toSorted((a, b) => (a.index ?? Infinity) - (b.index ?? Infinity) || 0),
  };
}
