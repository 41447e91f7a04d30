import type { SessionSummary } from '../../recording/reader.ts';
import { placeOf, placeText } from '../cursor.ts';
import type { ConsoleContext, Recordings } from '../deps.ts';
import { partOf } from '../part.ts';
import { exportedPage } from '../../recording/export/page.ts';
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
      const { subject, person, connection, from, to, limit, after } = query;
      const facets = (['tool', 'verdict', 'rule'] as const).flatMap((facet) => {
        const value = query[facet];
        return value === undefined ? [] : [{ facet, value }];
      });
      const found = await recordingsOf(context).reader.listSessions({
        limit: limit + 1,
        facets,
        ...(person !== undefined && { person }),
        ...(after !== undefined && { after: placeInList(after) }),
        ...(subject !== undefined && { subject }),
        ...(connection !== undefined && { connection }),
        ...(from !== undefined && { from: new Date(from) }),
        ...(to !== undefined && { to: new Date(to) }),
      });
      const shown = found.slice(0, limit);
      const last = found.length > limit ? shown.at(-1) : undefined;
      const next = last && listPlace(last);
      return { sessions: shown.map(sessionOf), next: next ?? null };
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
  endpoint({
    id: 'exportSession',
    method: 'GET',
    path: '/sessions/{id}/records',
    summary:
      'The sealed records of a session with proofs, as evidence, page by page; each page is checked by itself.',
    permission: 'recordings.read',
    params: schema.sessionParam,
    query: schema.eventsQuery,
    body: null,
    status: 200,
    response: schema.records,
    async run({ params, query, caller, context }) {
      const { log, ...recordings } = recordingsOf(context);
      if (!log) throw new ApiProblem('unavailable', "this console does not know the log's public key");
      const place = placeOf(query.from);
      const { person } = caller.identity;
      await recordings.recordAct('sessions.export', {
        session: params.id,
        fromRecord: place.event,
        person: person.keys[0] ?? '',
        name: person.name,
        via: caller.via,
      });
      const page = await exportedPage({ ...recordings, log: log.view }, params.id, place.at);
      if (!page) throw new ApiProblem('not_found', 'no session of this id is recorded');
      const { session, next, ...evidence } = page;
      const event = place.event + page.records.length;
      return {
        ...evidence,
        session: sessionOf(session),
        vkey: log.vkey,
        next: next && placeText({ event, at: next }),
      };
    },
  }),
];

function listPlace({ openedAt, facts }: SessionSummary): string {
  return Buffer.from(JSON.stringify([openedAt.getTime(), facts.sessionId])).toString('base64url');
}

/** @throws ApiProblem when it is no `next` of a list */
function placeInList(text: string): { openedAt: Date; sessionId: string } {
  try {
    const [atMs, sessionId] = JSON.parse(Buffer.from(text, 'base64url').toString()) as [unknown, unknown];
    const openedAt = new Date(Number(atMs));
    if (typeof sessionId === 'string' && !Number.isNaN(openedAt.getTime())) return { openedAt, sessionId };
  } catch {
    // Answered below.
  }
  throw new ApiProblem('bad_request', '`after` must be the `next` of a page before');
}

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
