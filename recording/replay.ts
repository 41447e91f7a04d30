import type { SessionSummary } from './reader.ts';
import { openSession, type ReadCursor, type ReadDeps, type RecordedEvent } from './read.ts';

/** One call of a session: the events that carry its id. */
export interface ReplayCall {
  readonly callId: string;
  readonly method: string | null;
  readonly tool: string | null;
  readonly verdict: string | null;
  readonly rule: string | null;
  readonly startMicros: number;
  readonly endMicros: number;
  /** Indexes into the replay's events. */
  readonly events: readonly number[];
}

/** The time for which a call was held. */
export interface ReplayHold {
  readonly callId: string;
  readonly fromMicros: number;
  /** Null while no outcome is in what was read. */
  readonly toMicros: number | null;
  /** Index of the event that says what was shown to the approvers. */
  readonly hold: number;
  /** Indexes of the decisions. */
  readonly decisions: readonly number[];
  /** Index of the outcome, or null. */
  readonly outcome: number | null;
}

/** A part of a session, as a page shows it. */
export interface Replay {
  readonly session: SessionSummary;
  readonly events: readonly RecordedEvent[];
  readonly calls: readonly ReplayCall[];
  readonly holds: readonly ReplayHold[];
  /** True when an event of this part has a problem. */
  readonly troubled: boolean;
  /** Where the next part begins; null when this is the last one (so far: a live session may go on). */
  readonly next: ReadCursor | null;
  /** Where to look for what comes later, also of a live session. */
  readonly end: ReadCursor;
}

/**
 * Reads a part of a session for a replay page or a terminal.
 * @param window.from where the last part ended (`next` or `end`)
 * @param window.limit how many events at most, default 1000
 * @param window.mostBytes about how much they may say together; always one event, however large. Default: anything
 * @returns null when there is no such session
 */
export async function replayOf(
  deps: ReadDeps,
  sessionId: string,
  window: { from?: ReadCursor; limit?: number; mostBytes?: number } = {},
): Promise<Replay | null> {
  const opened = await openSession(deps, sessionId);
  if (!opened) return null;
  const { limit = 1000, mostBytes = Number.POSITIVE_INFINITY } = window;
  const events: RecordedEvent[] = [];
  const end: Record<string, number> = { ...window.from };
  let bytes = 0;
  let more = false;
  for await (const event of opened.events(window.from)) {
    const size = event.bytes?.length ?? 0;
    if (events.length === limit || (events.length > 0 && bytes + size > mostBytes)) {
      more = true;
      break;
    }
    bytes += size;
    events.push(event);
    end[event.strand] = event.seq + 1;
  }
  return {
    session: opened.summary,
    events,
    calls: callsOf(events),
    holds: holdsOf(events),
    troubled: events.some((event) => event.problem !== null),
    next: more ? end : null,
    end,
  };
}

/** The calls of some events, in order of their first event. */
export function callsOf(events: readonly RecordedEvent[]): ReplayCall[] {
  const calls = new Map<
    string,
    { -readonly [K in keyof ReplayCall]: ReplayCall[K] } & { events: number[] }
  >();
  const asking = askedAs(events);
  for (const [index, event] of events.entries()) {
    if (event.callId === null) continue;
    const { method, tool, verdict, rule, atMicros } = event;
    const callId = asking.get(event.callId) ?? event.callId;
    const call = calls.get(callId);
    if (!call) {
      calls.set(callId, {
        callId,
        method,
        tool,
        verdict,
        rule,
        startMicros: atMicros,
        endMicros: atMicros,
        events: [index],
      });
      continue;
    }
    call.events.push(index);
    call.endMicros = atMicros;
    call.method ??= method;
    call.tool ??= tool;
    call.verdict = verdict ?? call.verdict;
    call.rule = rule ?? call.rule;
  }
  return [...calls.values()];
}

/** The message that asked for a held call has an id of its own: under which call it goes, by the hold's own word. */
function askedAs(events: readonly RecordedEvent[]): ReadonlyMap<string, string> {
  const asked = new Map<string, string>();
  for (const event of events) {
    if (event.kind !== 'hold' || event.callId === null) continue;
    const id = saidBy(event)['asked'];
    if (typeof id === 'string') asked.set(id, event.callId);
  }
  return asked;
}

/** What an event that is no message says, as an object; empty when it cannot be read. */
export function saidBy({ bytes }: Pick<RecordedEvent, 'bytes'>): Readonly<Record<string, unknown>> {
  try {
    const said: unknown = JSON.parse(bytes?.toString('utf8') ?? '');
    return typeof said === 'object' && said !== null ? (said as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The holds of some events, in order. */
export function holdsOf(events: readonly RecordedEvent[]): ReplayHold[] {
  const holds = new Map<
    string,
    { -readonly [K in keyof ReplayHold]: ReplayHold[K] } & { decisions: number[] }
  >();
  for (const [index, event] of events.entries()) {
    if (event.callId === null) continue;
    const hold = holds.get(event.callId);
    if (event.kind === 'hold' && !hold)
      holds.set(event.callId, {
        callId: event.callId,
        fromMicros: event.atMicros,
        toMicros: null,
        hold: index,
        decisions: [],
        outcome: null,
      });
    if (event.kind === 'decision') hold?.decisions.push(index);
    if (hold && hold.outcome === null && (event.kind === 'outcome' || event.kind === 'claim')) {
      hold.toMicros = event.atMicros;
      if (event.kind === 'outcome') hold.outcome = index;
    }
  }
  return [...holds.values()];
}
