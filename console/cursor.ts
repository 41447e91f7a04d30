import type { ReadCursor } from '../recording/read.ts';

/** Where a page of a session begins: the number of its first event, and where each strand goes on. */
export interface PlaceInSession {
  readonly event: number;
  readonly at: ReadCursor;
}

/** A place as text for an address. */
export function placeText(place: PlaceInSession): string {
  return Buffer.from(JSON.stringify([place.event, place.at])).toString('base64url');
}

/** Reads a place; the session's beginning when the text is not one. */
export function placeOf(text: unknown): PlaceInSession {
  const beginning = { event: 0, at: {} };
  if (typeof text !== 'string' || text.length > 20_000) return beginning;
  try {
    const [event, at] = JSON.parse(Buffer.from(text, 'base64url').toString()) as [unknown, unknown];
    if (!isCount(event) || typeof at !== 'object' || at === null || Array.isArray(at)) return beginning;
    return Object.values(at).every(isCount) ? { event, at: at as ReadCursor } : beginning;
  } catch {
    return beginning;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
