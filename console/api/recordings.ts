import type { SessionSummary } from '../../recording/reader.ts';
import { placeOf, placeText } from '../cursor.ts';
import type { ConsoleContext, Recordings } from '../deps.ts';
import { partOf } from '../part.ts';
import { ApiProblem, endpoint } from './endpoint.ts';
import * as schema from './schemas.ts';

/** Recorded sessions. Whoever looks at one is recorded first. */
export const recordingEndpoints = [
  endpoint({
    id: 'listSessions',
    method: 'GET',
    path: '/sessions',
    summary: 'Recorded sessions, latest first.',
    permission: 'recordings.read',
    params: schema.none,
    query: schema.sessionsQuery,
    body: null,
    status: 200,
    response: schema.sessions,
    async run({ query, context }) {
      const { subject, connection, from, to, limit } = query;
      const facets = (['tool', 'verdict', 'rule'] as const).flatMap((facet) => {
        const value = query[facet];
        return value === undefined ? [] : [{ facet, value }];
      });
      const found = await recordingsOf(context).reader.listSessions({
        limit,
        facets,
        ...(subject !== undefined && { subject }),
        ...(connection !== undefined && { connection }),
        ...(from !== undefined && { from: new Date(from) }),
        ...(to !== undefined && { to: new Date(to) }),
      });
      return { sessions: found.map(sessionOf) };
    },
  }),
  endpoint({
    id: 'readSession',
    method: 'GET',
    path: '/sessions/{id}/events',
    summary: 'What was said in a session, masked, in order, page by page.',
    permission: 'recordings.read',
    params: schema.sessionParam,
    query: schema.eventsQuery,
    body: null,
    status: 200,
    response: schema.events,
    async run({ params, query, caller, context }) {
      const recordings = recordingsOf(context);
      const place = placeOf(query.from);
      const { person } = caller.identity;
      await recordings.recordAct('sessions.view', {
        session: params.id,
        fromEvent: place.event,
        person: person.keys[0] ?? '',
        name: person.name,
        via: caller.via,
      });
      const part = await partOf(recordings, params.id, place.at);
      if (!part) throw new ApiProblem('not_found', 'no session of this id is recorded');
      return {
        session: sessionOf(part.session),
        events: part.events.map((event) => ({
          ...event,
          at: new Date(event.atMicros / 1000).toISOString(),
          text: event.bytes?.toString('utf8') ?? null,
        })),
        next: part.next && placeText({ event: place.event + part.events.length, at: part.next }),
      };
    },
  }),
];

function recordingsOf({ recordings }: ConsoleContext): Recordings {
  if (recordings) return recordings;
  throw new ApiProblem('unavailable', 'this console was started without the keys to read recordings with');
}

function sessionOf({ facts, openedAt, lastAt, endedAt, endedBecause, records, legalHold }: SessionSummary) {
  return {
    id: facts.sessionId,
    connection: facts.connection,
    subject: facts.subject,
    client: facts.client,
    openedAt: openedAt.toISOString(),
    lastAt: lastAt?.toISOString() ?? null,
    endedAt: endedAt?.toISOString() ?? null,
    endedBecause,
    records,
    legalHold,
  };
}
