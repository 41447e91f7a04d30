import type { RecordedEvent } from '../../recording/read.ts';
import type { Item } from '../api/api.ts';

/** An event as the API tells it, as it was read: for showing it as lines of text. */
export function readBack(one: Item<'streamSession'>): RecordedEvent {
  const { at, clock, text, base64, kind, changed, ...rest } = one;
  return {
    ...rest,
    kind: kind as RecordedEvent['kind'],
    atMicros: microsOf(at),
    clockMicros: microsOf(clock),
    bytes: text !== null ? Buffer.from(text) : base64 !== null ? Buffer.from(base64, 'base64') : null,
    changed: changed && {
      sessionId: '',
      connection: '',
      callerKey: '',
      client: null,
      ...changed,
    },
  };
}

/** Microseconds since 1970 of a time with six places. */
function microsOf(time: string): number {
  const [, whole = '', micros = '0'] = /^(.{23})(\d{3})Z$/.exec(time) ?? [];
  return Date.parse(`${whole}Z`) * 1000 + Number(micros);
}
