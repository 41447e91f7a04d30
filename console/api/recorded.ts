import type { SessionFilter, SessionSummary } from '../../recording/reader.ts';
import type { RecordedEvent } from '../../recording/read.ts';
import { timeOf } from '../../recording/transcript.ts';
import type { ActContext, Recordings } from '../deps.ts';
import type { Identity } from '../identity.ts';
import { type ApiCaller, ApiProblem } from './endpoint.ts';
import type { SessionChoice } from './schemas-recordings.ts';

/** @throws ApiProblem where recordings cannot be read */
export function recordingsOf({ recordings }: ActContext): Recordings {
  if (recordings) return recordings;
  throw new ApiProblem('unavailable', 'this console was started without the keys to read recordings with');
}

/** Who looks, and where, as it is recorded. */
export function whoLooks({ person }: Identity, { via }: Pick<ApiCaller, 'via'>) {
  return { person: person.keys[0] ?? '', name: person.name, via: via === 'cli' ? 'command line' : via };
}

/** What was asked for, as sessions are looked for by it. */
export function filterOf(choice: SessionChoice): SessionFilter {
  const { subject, person, connection, from, to } = choice;
  const facets = (['tool', 'verdict', 'rule'] as const).flatMap((facet) => {
    const value = choice[facet];
    return value === undefined ? [] : [{ facet, value }];
  });
  return {
    facets,
    ...(person !== undefined && { person }),
    ...(subject !== undefined && { subject }),
    ...(connection !== undefined && { connection }),
    ...(from !== undefined && { from: new Date(from) }),
    ...(to !== undefined && { to: new Date(to) }),
  };
}

/** A session as answers have it. */
export function sessionOf(session: SessionSummary) {
  const { facts, openedAt, lastAt, endedAt, endedBecause, destroyedAt, records, legalHold } = session;
  return {
    id: facts.sessionId,
    connection: facts.connection,
    callerKey: facts.callerKey,
    subject: facts.subject,
    client: facts.client,
    credentialId: facts.credentialId,
    openedAt: openedAt.toISOString(),
    lastAt: lastAt?.toISOString() ?? null,
    endedAt: endedAt?.toISOString() ?? null,
    endedBecause,
    destroyedAt: destroyedAt?.toISOString() ?? null,
    records,
    legalHold,
  };
}

/** An event as answers have it: its bytes as text where they are UTF-8. */
export function eventOf(event: RecordedEvent) {
  const { bytes, atMicros, clockMicros, ...rest } = event;
  const text = bytes?.toString('utf8') ?? null;
  const same = bytes !== null && Buffer.from(text ?? '').equals(bytes);
  return {
    ...rest,
    at: timeOf(atMicros),
    clock: timeOf(clockMicros),
    text: same ? text : null,
    base64: same ? null : (bytes?.toString('base64') ?? null),
  };
}

/** Where a list goes on after a session. */
export function listPlace({ openedAt, facts }: SessionSummary): string {
  return Buffer.from(JSON.stringify([openedAt.getTime(), facts.sessionId])).toString('base64url');
}

/** @throws ApiProblem when it is no `next` of a list */
export function placeInList(text: string): { openedAt: Date; sessionId: string } {
  try {
    const [atMs, sessionId] = JSON.parse(Buffer.from(text, 'base64url').toString()) as [unknown, unknown];
    const openedAt = new Date(Number(atMs));
    if (typeof sessionId === 'string' && !Number.isNaN(openedAt.getTime())) return { openedAt, sessionId };
  } catch {
    // Answered below.
  }
  throw new ApiProblem('bad_request', '`after` must be the `next` of a page before');
}
