import type { RecordedEvent } from './read.ts';

const arrows = { 'client-to-upstream': '→', 'upstream-to-client': '←', none: '·' } as const;

/** A clock is never quite monotone; only a step that a reader would wonder about is worth a line. */
const noticeableMicros = 100_000;

/**
 * One event as lines of text: offset from the session's start, direction, what it is, what policy said; below it the
 * masked bytes, whole. Control and bidirectional characters are shown as `\u{…}`: what an agent or upstream wrote
 * cannot move the cursor, change colours or reorder what a person reads.
 */
export function eventLines(event: RecordedEvent, startMicros: number): string {
  const offset = `+${((event.atMicros - startMicros) / 1e6).toFixed(6)}s`.padStart(16);
  const what = [
    event.kind === 'message' ? event.method : [event.kind, event.method].filter(Boolean).join(' '),
    event.tool,
    event.verdict && `${event.verdict}${event.rule ? ` (rule ${event.rule})` : ''}`,
    event.callId && `call ${event.callId}`,
    event.changed && `by ${event.changed.subject} (credential ${event.changed.credentialId ?? 'none'})`,
  ].filter((part): part is string => typeof part === 'string' && part !== '');
  const head = `${offset}  ${arrows[event.direction]}  ${visible(what.join('  ')) || 'message'}`;
  const jumped =
    event.atMicros - event.clockMicros > noticeableMicros
      ? `\n${indent}(the clock said ${timeOf(event.clockMicros)})`
      : '';
  const problem = event.problem ? `\n${indent}!! ${problems[event.problem]}` : '';
  const unconfirmed = event.confirmed
    ? ''
    : `\n${indent}(never confirmed to its recorder, so it did not go on: see what comes after)`;
  return `${head}${jumped}${unconfirmed}${problem}${body(event)}\n`;
}

const indent = ' '.repeat(21);

const problems = {
  unreadable: 'this record cannot be read: its header is not one',
  wrong_session: 'this record was made for another session or place',
  gap: 'the record before this one is missing or was altered',
  cannot_unseal: 'this record was altered, or sealed with another key',
} as const;

function body(event: RecordedEvent): string {
  if (event.bytes === null) return event.problem ? '' : `\n${indent}(purged)`;
  if (event.kind === 'copy') return `\n${indent}(what was masked, sealed: ${event.bytes.length} bytes)`;
  const text = event.bytes.toString('utf8');
  return text === '' ? '' : `\n${indent}${visible(text, true).replaceAll('\n', `\n${indent}`)}`;
}

/** Text with every character that is not simply seen written out. */
export function visible(text: string, keepNewlines = false): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}\u{034f}\u{115f}\u{1160}\u{3164}\u{ffa0}]/gu,
    (character) =>
      keepNewlines && character === '\n'
        ? character
        : `\\u{${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}}`,
  );
}

/** Microseconds since 1970 as ISO 8601 with all six places. */
export function timeOf(micros: number): string {
  const milliseconds = Math.floor(micros / 1000);
  return new Date(milliseconds).toISOString().replace('Z', `${String(micros % 1000).padStart(3, '0')}Z`);
}
