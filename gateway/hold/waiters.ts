import type { Masker } from '../../masking/engine.ts';
import type { Masked } from '../../masking/masked.ts';
import type { SessionFacts } from '../../recording/event.ts';
import type { ClientStream } from '../client-stream.ts';
import type { UpstreamSession } from '../upstreams/upstream.ts';

/** Why a request stopped waiting. */
export type Left =
  | 'ended' // the held call has an outcome
  | 'budget' // the client would give up soon: answer that it is pending
  | 'gone' // the client closed its connection
  | 'timed-out' // the client cancelled because it would wait no longer
  | 'cancelled' // the client cancelled because it does not want the call any more
  | 'moved' // the task that waits is seen to elsewhere: nothing is answered
  | 'closing'; // this gateway stops

/** A client's request that waits for something: a held call, or a task. */
export interface Waiting {
  readonly session: Pick<SessionFacts, 'sessionId'>;
  readonly idJson: string;
  /** What it waits for: the id of a held call, or of a task. Several may wait for the same one. */
  readonly callId: string;
  readonly stream: Pick<ClientStream, 'keepAlive'>;
  /** What a keep-alive says. */
  readonly waitingText: Masked<string>;
  /** When it is to be answered as pending, in ms since the epoch; null for never. */
  readonly budgetAtMs: number | null;
}

/** A client's request that waits for a held call. */
export interface Waiter extends Waiting {
  readonly session: SessionFacts;
  readonly method: string;
  readonly tool: string;
  readonly protocolVersion: string;
  readonly correlationId: string;
  readonly masker: Masker;
  /** The client session's upstream session; null where a call must run in a session of its own. */
  readonly upstream: UpstreamSession | null;
  readonly stream: ClientStream;
}

/** Ticks between two keep-alives of one waiter, in seconds. */
const keepAliveSeconds = 15;

/** The requests that wait in this process. One timer serves all of them, and none runs while nobody waits. */
export interface Waiters<W extends Waiting = Waiter> {
  /** Adds a waiter; its first keep-alive follows within a second. Resolves with why it left, once. */
  wait(waiter: W): Promise<Left>;
  /** Makes a waiter leave; does nothing when it has left. */
  leave(waiter: W, because: Left): void;
  /** Makes everyone who waits for the call leave. */
  leaveAll(callId: string, because: Left): void;
  /** Those who wait for a call, oldest first. */
  of(callId: string): readonly W[];
  /** The waiter of a client's request, or null. */
  find(sessionId: string, idJson: string): W | null;
  /** Everybody who waits. */
  all(): Iterable<W>;
  /** Ids of all calls that somebody waits for. */
  calls(): string[];
  readonly size: number;
}

/** Where a waiter stands. */
interface Entry<W> {
  readonly resolve: (left: Left) => void;
  readonly slot: Set<W>;
  readonly budgetSecond: number | null;
}

/** @param now ms since the epoch */
export function createWaiters<W extends Waiting = Waiter>(now: () => number = Date.now): Waiters<W> {
  const entries = new Map<W, Entry<W>>();
  // Nearly always one of each call: a list takes less room than a set.
  const byCall = new Map<string, readonly W[]>();
  const byRequest = new Map<string, W>();
  // A wheel of one slot a second: a waiter stands in one slot, and is served when the wheel comes round to it.
  const wheel = Array.from({ length: keepAliveSeconds }, () => new Set<W>());
  const budgets = new Map<number, Set<W>>();
  const writing = new Set<W>();
  let second = 0;
  let timer: NodeJS.Timeout | undefined;

  const keepAlive = async (waiter: W): Promise<void> => {
    if (writing.has(waiter)) return; // A slow reader has not taken the last one yet.
    writing.add(waiter);
    try {
      await waiter.stream.keepAlive(waiter.waitingText);
    } catch {
      leave(waiter, 'gone');
    } finally {
      writing.delete(waiter);
    }
  };
  const tick = (): void => {
    const until = Math.floor(now() / 1000);
    // The event loop may have been late: no slot is skipped, and no slot is served twice in one go.
    for (let served = 0; second < until; served++) {
      second++;
      for (const waiter of budgets.get(second) ?? []) leave(waiter, 'budget');
      if (served < keepAliveSeconds)
        for (const waiter of wheel[second % keepAliveSeconds] ?? []) void keepAlive(waiter);
    }
  };
  const leave = (waiter: W, because: Left): void => {
    const entry = entries.get(waiter);
    if (!entry) return;
    entries.delete(waiter);
    entry.slot.delete(waiter);
    const others = (byCall.get(waiter.callId) ?? []).filter((other) => other !== waiter);
    if (others.length > 0) byCall.set(waiter.callId, others);
    else byCall.delete(waiter.callId);
    if (entry.budgetSecond !== null) takeFrom(budgets, entry.budgetSecond, waiter);
    const key = requestKey(waiter.session.sessionId, waiter.idJson);
    if (byRequest.get(key) === waiter) byRequest.delete(key);
    if (entries.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
    entry.resolve(because);
  };
  const enter = (waiter: W, resolve: (left: Left) => void): void => {
    if (!timer) {
      second = Math.floor(now() / 1000);
      timer = setInterval(tick, 1000);
    }
    const slot = wheel[(second + 1) % keepAliveSeconds] as Set<W>;
    slot.add(waiter);
    const { budgetAtMs } = waiter;
    const budgetSecond = budgetAtMs === null ? null : Math.max(Math.ceil(budgetAtMs / 1000), second + 1);
    entries.set(waiter, { resolve, slot, budgetSecond });
    byCall.set(waiter.callId, [...(byCall.get(waiter.callId) ?? []), waiter]);
    if (budgetSecond !== null) putInto(budgets, budgetSecond, waiter);
    byRequest.set(requestKey(waiter.session.sessionId, waiter.idJson), waiter);
  };

  return {
    wait: (waiter) => new Promise((resolve) => enter(waiter, resolve)),
    leave,
    leaveAll: (callId, because) => {
      for (const waiter of byCall.get(callId) ?? []) leave(waiter, because);
    },
    of: (callId) => [...(byCall.get(callId) ?? [])],
    find: (sessionId, idJson) => byRequest.get(requestKey(sessionId, idJson)) ?? null,
    all: () => entries.keys(),
    calls: () => [...byCall.keys()],
    get size() {
      return entries.size;
    },
  };
}

function putInto<K, W>(sets: Map<K, Set<W>>, key: K, waiter: W): void {
  const set = sets.get(key);
  if (set) set.add(waiter);
  else sets.set(key, new Set([waiter]));
}

function takeFrom<K, W>(sets: Map<K, Set<W>>, key: K, waiter: W): void {
  const set = sets.get(key);
  set?.delete(waiter);
  if (set?.size === 0) sets.delete(key);
}

function requestKey(sessionId: string, idJson: string): string {
  return `${sessionId} ${idJson}`;
}
