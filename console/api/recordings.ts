import { exportedPage } from '../../recording/export/page.ts';
import { placeOf, placeText } from '../cursor.ts';
import { partOf } from '../part.ts';
import { ApiProblem, endpoint } from './endpoint.ts';
import { eventOf, filterOf, listPlace, placeInList, recordingsOf, sessionOf, whoLooks } from './recorded.ts';
import * as schema from './schemas-recordings.ts';
import { none } from './schemas.ts';

/** Recorded sessions, page by page. Whoever looks at one is recorded first. */
export const recordings = {
  listSessions: endpoint({
    id: 'listSessions',
    method: 'GET',
    path: '/sessions',
    summary: 'Recorded sessions, latest first.',
    permission: 'recordings.read',
    params: none,
    query: schema.sessionsQuery,
    body: null,
    status: 200,
    response: schema.sessions,
    async run({ query, context }) {
      const { limit, after, ...filter } = query;
      const found = await recordingsOf(context).reader.listSessions({
        ...filterOf(filter),
        limit: limit + 1,
        ...(after !== undefined && { after: placeInList(after) }),
      });
      const shown = found.slice(0, limit);
      const last = found.length > limit ? shown.at(-1) : undefined;
      return { sessions: shown.map(sessionOf), next: last ? listPlace(last) : null };
    },
  }),
  readSession: endpoint({
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
    async run({ params, query, identity, caller, context }) {
      const kept = recordingsOf(context);
      const place = placeOf(query.from);
      await kept.recordAct('sessions.view', {
        session: params.id,
        fromEvent: place.event,
        ...whoLooks(identity, caller),
      });
      const part = await partOf(kept, params.id, place.at);
      if (!part) throw new ApiProblem('not_found', 'no session of this id is recorded');
      return {
        session: sessionOf(part.session),
        events: part.events.map(eventOf),
        next: part.next && placeText({ event: place.event + part.events.length, at: part.next }),
      };
    },
  }),
  exportSession: endpoint({
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
    async run({ params, query, identity, caller, context }) {
      const { log, ...kept } = recordingsOf(context);
      if (!log) throw new ApiProblem('unavailable', "this console does not know the log's public key");
      const place = placeOf(query.from);
      await kept.recordAct('sessions.export', {
        session: params.id,
        fromRecord: place.event,
        ...whoLooks(identity, caller),
      });
      const page = await exportedPage({ ...kept, log: log.view }, params.id, place.at);
      if (!page) throw new ApiProblem('not_found', 'no session of this id is recorded');
      const { session, next, ...evidence } = page;
      const event = place.event + page.records.length;
      return {
        ...evidence,
        records: evidence.records.map(({ line, proof }) => ({ line, proof: proof && [...proof] })),
        session: sessionOf(session),
        vkey: log.vkey,
        next: next && placeText({ event, at: next }),
      };
    },
  }),
};
