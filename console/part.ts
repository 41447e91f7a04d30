import { openSession, type ReadCursor, type ReadDeps, type RecordedEvent } from '../recording/read.ts';
import { callsOf, holdsOf, type Replay } from '../recording/replay.ts';

const mostEvents = 500;
const mostBytes = 4 * 1024 * 1024;

/**
 * The part of a session that one page shows: at most {@link mostEvents} events and about {@link mostBytes} of what they
 * say, but always one event, however large.
 * @returns null when there is no such session
 */
export async function partOf(deps: ReadDeps, sessionId: string, from: ReadCursor): Promise<Replay | null> {
  const opened = await openSession(deps, sessionId);
  if (!opened) return null;
  const events: RecordedEvent[] = [];
  const end: Record<string, number> = { ...from };
  let bytes = 0;
  let more = false;
  for await (const event of opened.events(from)) {
    const size = event.bytes?.length ?? 0;
    if (events.length === mostEvents || (events.length > 0 && bytes + size > mostBytes)) {
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
