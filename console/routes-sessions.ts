import type { FastifyInstance } from 'fastify';
import type { RecordReader, SessionFilter, SessionSummary } from '../recording/reader.ts';
import { whoLooks } from './api/recorded.ts';
import { type PlaceInSession, placeOf, placeText } from './cursor.ts';
import type { ConsoleContext, Recordings, Visit } from './deps.ts';
import { PageError } from './errors.ts';
import { inclusionOf } from './inclusion.ts';
import { partOf } from './part.ts';
import { replayPage } from './pages/replay.ts';
import { searchText } from '../recording/search.ts';
import { foundPage, type Hit } from './pages/found.ts';
import { sessionsPage } from './pages/sessions.ts';
import { isAuditor } from './sight.ts';
import { visitOf } from './sign-in.ts';
import { createViewings } from './viewings.ts';

const sessionsAPage = 50;

/** Looking for recorded sessions, and replaying one. Each viewing is recorded before anything is shown. */
export function sessionRoutes(app: FastifyInstance, context: ConsoleContext): void {
  const viewings = createViewings(context.now);

  app.get<{ Querystring: Record<string, unknown> }>('/sessions', async (request, reply) => {
    const visit = visitOf(request);
    const recordings = allowed(context, visit);
    const asked = askedOf(request.query);
    if (asked.text !== undefined) {
      const hits = await hitsOf(recordings, asked.text, asked, visit);
      reply.type('text/html');
      return foundPage({ ...hits, asked }, visit).toString();
    }
    const found = await recordings.reader.listSessions({ ...filterOf(asked), limit: sessionsAPage + 1 });
    const sessions = found.slice(0, sessionsAPage);
    const next = found.length > sessionsAPage ? nextPage(asked, sessions.at(-1)) : null;
    reply.type('text/html');
    return sessionsPage({ sessions, asked, next }, visit).toString();
  });

  app.get<{ Params: { '*': string }; Querystring: { from?: unknown; event?: unknown } }>(
    '/sessions/*',
    async (request, reply) => {
      const visit = visitOf(request);
      const recordings = allowed(context, visit);
      const sessionId = request.params['*'];
      const { event } = request.query;
      const place =
        event === undefined
          ? placeOf(request.query.from)
          : await placeBefore(recordings.reader, sessionId, Number(event));
      await viewings.record(recordings, visit, sessionId, place.event);
      const replay = await partOf(recordings, sessionId, place.at);
      if (!replay) throw noSession();
      const next = replay.next && placeText({ event: place.event + replay.events.length, at: replay.next });
      const inclusion = recordings.log ? await inclusionOf(recordings.log, replay.events) : null;
      reply.type('text/html');
      return replayPage(
        { replay, firstEvent: place.event, next, version: sessionVersion(replay.session), inclusion },
        visit,
      ).toString();
    },
  );
}

/** Some events before the one that is asked for, so that it is seen in its place. */
const eventsBefore = 20;

/** Where a page with an event of this number begins; the session's beginning when it is no number. */
async function placeBefore(reader: RecordReader, sessionId: string, event: number): Promise<PlaceInSession> {
  const first = Number.isSafeInteger(event) ? Math.max(0, event - eventsBefore) : 0;
  if (first === 0) return { event: 0, at: {} };
  const found = await reader.session(sessionId);
  if (!found || first >= found.records) return { event: 0, at: {} };
  return { event: first, at: await reader.cursorAt(await reader.strands(sessionId), first) };
}

const mostHits = 50;
const searchForMs = 5000;

/** Searches what was said. It is recorded that somebody searched, where; for what may be a secret. */
async function hitsOf(
  recordings: Recordings,
  text: string,
  asked: Asked,
  visit: Visit,
): Promise<{ hits: readonly Hit[]; whole: boolean }> {
  await recordings.recordAct('sessions.search', {
    subject: asked.subject ?? null,
    connection: asked.connection ?? null,
    ...whoLooks(visit.identity, { via: 'console' }),
  });
  const signal = AbortSignal.timeout(searchForMs);
  const hits: Hit[] = [];
  for await (const { near, ...found } of searchText(recordings, filterOf(asked), text, signal)) {
    hits.push({ ...found, from: near.event === 0 ? null : placeText(near) });
    if (hits.length === mostHits) return { hits, whole: false };
  }
  return { hits, whole: !signal.aborted };
}

/** Changes whenever a session has more to show. */
export function sessionVersion({ records, lastAt, endedAt }: SessionSummary): string {
  return [records, lastAt?.getTime(), endedAt?.getTime()].join(':');
}

/** The recordings, for whoever may see them. @throws PageError otherwise */
export function allowed(
  { recordings, auditors }: Pick<ConsoleContext, 'recordings' | 'auditors'>,
  visit: Visit,
): Recordings {
  if (!isAuditor(visit.identity, auditors))
    throw new PageError(
      403,
      'Recordings are for auditors',
      'You are signed in, but not among the people who may look at recorded sessions.',
      'Whoever runs this console names them in the setting console.auditors.',
    );
  if (recordings) return recordings;
  throw new PageError(
    503,
    'This console has no keys to read recordings with',
    'Recorded sessions are sealed, and this process was started without the keys.',
    'Set keys.encryption for the console, as it is set for the gateway.',
  );
}

/** What the search form was sent with. */
export type Asked = Readonly<
  Partial<
    Record<'text' | 'subject' | 'connection' | 'tool' | 'verdict' | 'rule' | 'from' | 'to' | 'after', string>
  >
>;

const fields = [
  'text',
  'session',
  'subject',
  'connection',
  'tool',
  'verdict',
  'rule',
  'from',
  'to',
  'after',
] as const;

/** The fields of the search form that an address has. */
export function askedOf(query: Record<string, unknown>): Asked {
  const asked: Partial<Record<(typeof fields)[number], string>> = {};
  for (const field of fields) {
    const value = query[field];
    if (typeof value === 'string' && value.trim() !== '' && value.length <= 300) asked[field] = value.trim();
  }
  return asked;
}

/** What is looked for; the text is none of it. */
export function filterOf(asked: Asked): SessionFilter {
  const time = (text: string | undefined): Date | null => {
    const at = new Date(text ?? '');
    return Number.isNaN(at.getTime()) ? null : at;
  };
  const from = time(asked.from);
  const to = time(asked.to);
  const [openedAt, sessionId] = [time(asked.after?.split(' ', 1)[0]), asked.after?.replace(/^\S+ /, '')];
  const facets = (['tool', 'verdict', 'rule'] as const).flatMap((facet) => {
    const value = asked[facet];
    return value === undefined ? [] : [{ facet, value }];
  });
  return {
    ...(asked.subject !== undefined && { subject: asked.subject }),
    ...(asked.connection !== undefined && { connection: asked.connection }),
    ...(facets.length > 0 && { facets }),
    ...(from && { from }),
    ...(to && { to }),
    ...(openedAt && sessionId !== undefined && { after: { openedAt, sessionId } }),
  };
}

function nextPage(asked: Asked, last: SessionSummary | undefined): string | null {
  if (!last) return null;
  const query = new URLSearchParams({
    ...asked,
    after: `${last.openedAt.toISOString()} ${last.facts.sessionId}`,
  });
  return `/sessions?${query.toString()}`;
}

export function noSession(): PageError {
  return new PageError(
    404,
    'There is no such session',
    'No session of this id is recorded. It may have been purged when its time of keeping was over.',
    'Look for it in the list of sessions.',
  );
}
