import { setTimeout as sleep } from 'node:timers/promises';
import { matchesIn } from '../../recording/match.ts';
import { openSession, type ReadDeps } from '../../recording/read.ts';
import { searchText, sessionsOf } from '../../recording/search.ts';
import { timeOf } from '../../recording/transcript.ts';
import { ApiProblem, streaming } from './endpoint.ts';
import { eventOf, filterOf, recordingsOf, whoLooks } from './recorded.ts';
import * as schema from './schemas-recordings.ts';
import { none } from './schemas.ts';

const followEveryMs = 500;

/** A session as it happens, what was said anywhere, and whether a message passed: one finding after the other. */
export const recordingStreams = {
  streamSession: streaming({
    id: 'streamSession',
    method: 'GET',
    path: '/sessions/{id}/stream',
    summary: 'All that was said in a session, masked, in order; with `follow`, until the session has ended.',
    permission: 'recordings.read',
    params: schema.sessionParam,
    query: schema.streamQuery,
    body: null,
    response: schema.event,
    async open({ params, query, identity, caller, context, signal }) {
      const kept = recordingsOf(context);
      if (!(await kept.reader.session(params.id)))
        throw new ApiProblem('not_found', 'no session of this id is recorded');
      await kept.recordAct('sessions.replay', { session: params.id, ...whoLooks(identity, caller) });
      return eventsOf(kept, params.id, query.follow === 'true', signal);
    },
  }),
  searchSessions: streaming({
    id: 'searchSessions',
    method: 'POST',
    path: '/sessions/search',
    summary:
      'Events that say something, in the sessions that the other members leave, newest first. What was searched for may be a secret: it is not recorded.',
    permission: 'recordings.read',
    looks: true,
    params: none,
    query: none,
    body: schema.searchBody,
    response: schema.found,
    async open({ body, identity, caller, context, signal }) {
      const kept = recordingsOf(context);
      const { text, limit, ...filter } = body;
      await kept.recordAct('sessions.search', {
        subject: filter.subject ?? null,
        connection: filter.connection ?? null,
        ...whoLooks(identity, caller),
      });
      return (async function* () {
        let count = 0;
        for await (const { session, event, excerpt } of searchText(kept, filterOf(filter), text, signal)) {
          const { strand, seq, atMicros, kind, callId, tool } = event;
          const { sessionId, subject } = session.facts;
          yield {
            session: sessionId,
            subject,
            strand,
            seq,
            at: timeOf(atMicros),
            kind,
            callId,
            tool,
            excerpt,
          };
          count += 1;
          if (count >= limit) return;
        }
      })();
    },
  }),
  matchSessions: streaming({
    id: 'matchSessions',
    method: 'POST',
    path: '/sessions/match',
    bodyLimitBytes: 25 * 1024 * 1024,
    summary:
      'Whether a message is what passed before it was masked, by the keyed hashes that were recorded. Neither is kept.',
    permission: 'recordings.read',
    looks: true,
    params: none,
    query: none,
    body: schema.matchBody,
    response: schema.match,
    async open({ body, identity, caller, context, signal }) {
      const kept = recordingsOf(context);
      const { base64, sessions, ...filter } = body;
      const chosen = sessions ? [...sessions] : [];
      if (!sessions)
        for await (const { facts } of sessionsOf(kept, filterOf(filter))) chosen.push(facts.sessionId);
      await kept.recordAct('sessions.match', {
        sessions: chosen.length,
        first: chosen[0] ?? null,
        ...whoLooks(identity, caller),
      });
      const candidates = candidatesOf(Buffer.from(base64, 'base64'));
      return (async function* () {
        for (const id of chosen)
          for await (const { atMicros, ...one } of matchesIn(kept, id, candidates)) {
            if (signal.aborted) return;
            yield { ...one, at: timeOf(atMicros) };
          }
      })();
    },
  }),
};

/** A session's events; with `follow`, what comes later too, until the session has ended. */
async function* eventsOf(reading: ReadDeps, id: string, follow: boolean, signal: AbortSignal) {
  const from: Record<string, number> = {};
  while (!signal.aborted) {
    const session = await openSession(reading, id);
    if (!session) return;
    for await (const event of session.events(from)) {
      if (signal.aborted) return;
      from[event.strand] = event.seq + 1;
      yield eventOf(event);
    }
    // Asked before the events were read: what came in between is seen the next time round.
    if (!follow || session.summary.endedAt) return;
    await sleep(followEveryMs, undefined, { signal }).catch(() => {});
  }
}

/** Editors put a newline at the end of a file; what passes has none. */
function candidatesOf(bytes: Buffer): Buffer[] {
  const trimmed = bytes.toString('latin1').replace(/\r?\n$/, '');
  return trimmed.length === bytes.length ? [bytes] : [bytes, Buffer.from(trimmed, 'latin1')];
}
