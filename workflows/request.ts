import * as wf from '@temporalio/workflow';
import { type ActedOn, checkExtension, checkVote, refusal } from './check-vote.ts';
import {
  type ApprovalInput,
  type ApprovalStatus,
  type ClockState,
  type CountedExtension,
  type CountedVote,
  names,
  type Outcome,
  type TimeActivities,
} from './contract.ts';
import { lacking, lackingWords } from './quorum.ts';
import { counted, countedExtension, verifyExtension, verifyVote } from './vote.ts';

const time = wf.proxyActivities<Pick<TimeActivities, 'extended'>>({
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
  summary: 'record the extension',
});

/** Asks the workflow for its state; the gateway opens by update-with-start of this one. */
export const opened = wf.defineUpdate<ApprovalStatus>(names.opened);
/** One signed vote. One that cannot count is refused by the validator and leaves no history. */
export const decide = wf.defineUpdate<ApprovalStatus, [{ jws: string }]>(names.decide);
/** One signed extension. Answered once it is durable. */
export const extend = wf.defineUpdate<ApprovalStatus, [{ jws: string }]>(names.extend);
/** The clock was stopped or goes on: it is to be asked. */
export const clockChanged = wf.defineSignal(names.clock);
/** A replica holds a live client of this call. */
export const attached = wf.defineSignal<[{ queue: string }]>(names.attached);
/** That replica's last client of this call has gone. */
export const detached = wf.defineSignal<[{ queue: string }]>(names.detached);

/** The request is to be cancelled, and why; Temporal's own cancellation does the same without a reason. */
export const withdraw = wf.defineSignal<[{ because: string }]>(names.withdraw);

/** The state of one approval request, changed by its handlers and by the workflow's own ending. */
export interface Request {
  outcome(): Outcome | null;
  /** Why it ended without a decision of people; null while nobody has said so. */
  because(): string | null;
  votes(): readonly CountedVote[];
  status(): ApprovalStatus;
  /** Queue of the replica that a client attached to last and still waits on, or null when nobody waits. */
  holder(): string | null;
  /** The replica holds nobody, whatever it said before. */
  lost(queue: string): void;
  /** The replica does not answer now: others go first. */
  last(queue: string): void;
  /** Ends the request; the first terminal outcome stays, except that an approval may still come to nothing. */
  end(outcome: Outcome, because?: string): void;
  /** How the clock stands, as far as it is known here. */
  clock(): ClockState;
  /** What was learned of the clock. */
  setClock(clock: ClockState): void;
  /** Counts the signals that the clock has changed. */
  clockSignals(): number;
  /** Whether no approver could be asked in Slack yet. */
  setSlackAway(away: boolean): void;
  /** Groups join by escalation. */
  join(groups: readonly string[]): void;
}

/**
 * Registers the handlers and keeps what they learn. Runs before anything else in the workflow, so that no message
 * finds no handler.
 * Messages that came before the workflow's first task are handled before this returns.
 * @param on.change called after each vote and each extension that counted
 * @param on.withdrawal called when somebody withdraws the request
 */
export function openRequest(
  input: ApprovalInput,
  on: { change: (status: ApprovalStatus) => void; withdrawal: () => void },
): Request {
  const votes: CountedVote[] = [];
  const extensions: CountedExtension[] = [];
  let joined: readonly string[] = [];
  let outcome: Outcome | null = null;
  let because: string | null = null;
  let clock: ClockState = {
    expiresAtMs: input.expiresAtMs,
    stopped: null,
    stoppedMs: 0,
    slackDown: false,
  };
  let clockSignals = 0;
  let slackAway = false;
  const quorum = input.terms?.quorum ?? { kind: 'together', approvals: input.approvalsNeeded };
  // A call's clients may wait on several replicas, and each leaves for itself: the last to come is served first.
  let holders: readonly string[] = input.holderQueue === null ? [] : [input.holderQueue];
  const without = (queue: string): string[] => holders.filter((other) => other !== queue);
  const missing = () =>
    lacking(
      quorum,
      votes.filter(({ decision }) => decision === 'approve'),
      joined,
    );
  const status = (): ApprovalStatus => ({
    outcome,
    votes: [...votes],
    approvalsNeeded: input.approvalsNeeded,
    stillNeeded: lackingWords(missing()),
    joined,
    extensions: [...extensions],
    expiresAtMs: clock.expiresAtMs,
    clockStopped: clock.stopped,
    slackAway,
  });
  const actedOn = (): ActedOn => {
    const nowMs = Date.now();
    return { status: status(), overdue: clock.stopped === null && nowMs >= clock.expiresAtMs, nowMs };
  };
  const read = rememberingLast((jws) => verifyVote(jws, input.votePublicKeys));
  wf.setHandler(opened, status);
  wf.setHandler(
    decide,
    ({ jws }) => {
      // Verified here too: what a reset or another version admits again did not pass this validator. What has just
      // passed it is not verified twice.
      const claims = read(jws);
      if (!claims) throw refusal('ForgedVote', 'the vote is not signed by a trusted key', status());
      votes.push(counted(jws, claims, Date.now()));
      if (claims.decision === 'deny') outcome = 'denied';
      else if (missing().met) outcome = 'approved';
      on.change(status());
      return status();
    },
    { validator: (vote) => checkVote(input, actedOn(), vote, read) },
  );
  wf.setHandler(
    extend,
    async ({ jws }) => {
      const claims = verifyExtension(jws, input.votePublicKeys);
      const extension = input.terms?.extension;
      if (!claims || !extension)
        throw refusal('ForgedVote', 'the extension is not signed by a trusted key', status());
      extensions.push(countedExtension(jws, claims, extension.byMs, Date.now()));
      const baseExpiresAtMs = input.expiresAtMs + extensions.length * extension.byMs;
      // It counts once it is durable: what the row does not know, no gateway goes by.
      clock = await wf.CancellationScope.nonCancellable(() =>
        time.extended({ callId: input.callId, extensions: [...extensions], baseExpiresAtMs }),
      );
      on.change(status());
      return status();
    },
    { validator: (extension) => checkExtension(input, actedOn(), extension) },
  );
  wf.setHandler(clockChanged, () => {
    clockSignals += 1;
  });
  wf.setHandler(attached, ({ queue }) => {
    holders = [...without(queue), queue];
  });
  wf.setHandler(detached, ({ queue }) => {
    holders = without(queue);
  });
  wf.setHandler(withdraw, ({ because: said }) => {
    because ??= said;
    on.withdrawal();
  });
  return {
    outcome: () => outcome,
    because: () => because,
    votes: () => votes,
    status,
    holder: () => holders.at(-1) ?? null,
    lost: (queue) => {
      holders = without(queue);
    },
    last: (queue) => {
      holders = [queue, ...without(queue)];
    },
    end: (how, why) => {
      if (outcome !== null && (outcome !== 'approved' || how === 'denied')) return;
      outcome = how;
      because ??= why ?? null;
    },
    clock: () => clock,
    setClock: (now) => {
      clock = now;
    },
    clockSignals: () => clockSignals,
    setSlackAway: (away) => {
      slackAway = away;
    },
    join: (groups) => {
      joined = [...new Set([...joined, ...groups])];
    },
  };
}

/** Remembers what it last made of a text: of no other one is anything believed. */
function rememberingLast<T>(read: (text: string) => T): (text: string) => T {
  let last: { readonly text: string; readonly made: T } | null = null;
  return (text) => {
    if (last?.text !== text) last = { text, made: read(text) };
    return last.made;
  };
}
