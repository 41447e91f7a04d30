/** One event of a stream, as the HTML standard's event-stream format delivers it. */
export interface SseEvent {
  readonly event: string;
  /** Empty in an event that only sets an id or a reconnection time. */
  readonly data: string;
  /** The `id:` field of this event; null when it has none. */
  readonly id: string | null;
  /** The `retry:` field in milliseconds; null when it has none. */
  readonly retryMs: number | null;
}

/** A stream that cannot be read: an event beyond the limit, or bytes that are not UTF-8. */
export class SseError extends Error {
  readonly code: 'event_too_large' | 'not_utf8';
  constructor(code: SseError['code'], message: string) {
    super(message);
    this.name = 'SseError';
    this.code = code;
  }
}

export interface SseReader {
  /** Takes the next bytes, cut anywhere, and returns the events they complete. @throws SseError */
  push(chunk: Uint8Array): SseEvent[];
}

const lineBreak = /\r\n|\n|\r/g;

/**
 * Reads an event stream incrementally (HTML standard, 9.2.6). Memory stays below the limit plus one chunk, and each
 * byte is looked at once, however the stream is cut.
 * @param maxEventLength most UTF-16 units of one event, its field names included
 */
export function createSseReader(maxEventLength: number): SseReader {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  /** The beginnings of the line that is still open. */
  let pieces: string[] = [];
  let length = 0;
  /** The last chunk ended in CR: an LF at the start of the next belongs to it. */
  let sawCr = false;
  let event = '';
  let id: string | null = null;
  let retryMs: number | null = null;
  let data: string[] = [];

  function decode(chunk: Uint8Array): string {
    try {
      return decoder.decode(chunk, { stream: true });
    } catch {
      throw new SseError('not_utf8', 'the event stream is not valid UTF-8');
    }
  }

  function grow(by: number): void {
    length += by;
    if (length > maxEventLength)
      throw new SseError('event_too_large', `an event is larger than ${maxEventLength} characters`);
  }

  function endLine(line: string, events: SseEvent[]): void {
    if (line === '') {
      // A block without `data` is no event to a browser, but its id and retry count for resumption.
      if (data.length > 0 || id !== null || retryMs !== null)
        events.push({ event: event || 'message', data: data.join('\n'), id, retryMs });
      event = '';
      id = null;
      retryMs = null;
      data = [];
      length = 0;
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) {
      // A comment keeps nothing: a stream may send them for ever between two events.
      length -= line.length + 1;
      return;
    }
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (name === 'data') data.push(value);
    else if (name === 'event') event = value;
    else if (name === 'id' && !value.includes('\0')) id = value;
    else if (name === 'retry' && /^\d{1,9}$/.test(value)) retryMs = Number(value);
  }

  return {
    push(chunk) {
      let text = decode(chunk);
      if (sawCr && text !== '') {
        if (text[0] === '\n') text = text.slice(1);
        sawCr = false;
      }
      const events: SseEvent[] = [];
      let from = 0;
      lineBreak.lastIndex = 0;
      for (let found = lineBreak.exec(text); found; found = lineBreak.exec(text)) {
        const rest = text.slice(from, found.index);
        grow(rest.length + 1);
        endLine(pieces.length === 0 ? rest : pieces.join('') + rest, events);
        pieces = [];
        from = found.index + found[0].length;
        if (found[0] === '\r' && from === text.length) sawCr = true;
      }
      if (from < text.length) {
        grow(text.length - from);
        pieces.push(text.slice(from));
      }
      return events;
    },
  };
}
