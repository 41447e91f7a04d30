import type { NameVerdict } from '../rules/name-verdict.ts';
import type { Span } from '../span.ts';
import { commandWords } from './commands.ts';
import { isPlaceholder } from './placeholders.ts';
import { isRestless, looksRandom } from './values.ts';

/** Words after which a value may stand with nothing but a space: lower case, to detector. */
const speaking = new Map([
  ...['password', 'passwd', 'pwd', 'passphrase', 'requirepass', 'passcode'].map(
    (word) => [word, 'password'] as const,
  ),
  ...['token', 'secret', 'key', 'apikey', 'credential', 'bearer'].map(
    (word) => [word, 'credential'] as const,
  ),
  ...['cvv', 'cvc', 'cvv2'].map((word) => [word, 'card-code'] as const),
  ['pin', 'pin'] as const,
  ['ssn', 'us-ssn'] as const,
  ...['securestring', 'storepass', 'keypass'].map((word) => [word, 'password'] as const),
]);
/** Ends of longer names (`DEFAULT_PASS`, `SECRET_KEY_BASE`, `security code`) that say nothing alone. */
const endings = new Set(['pass', 'base', 'private', 'code']);
const after =
  /(?: for (?:the )?(?:[a-z]{2,12} )?["'`]?[\w.@-]{1,40}["'`]?(?= (?:is|was|=)))?(?: (?:is|was|=|to|of|è|est|ist|es|é|jest|lautet):?)?(?: --(?:body|value|data))?[ \t=]{1,4}(?:(["'`])([^"'`\n]{3,128})\1|([^\s"'`<>|]{3,512}))|\r?\n[ \t]*()([^\s"'`<>|]{6,128})(?=[ \t]*(?:\r?\n|$))/y;
/** By first and last letter (their last five bits), the lengths of the words that speak, one bit each. */
const lengths = new Uint16Array(32 * 32);
for (const word of [...speaking.keys(), ...endings, ...commandWords]) {
  const ends = cellOf(word.charCodeAt(0), word.charCodeAt(word.length - 1));
  lengths[ends] = (lengths[ends] ?? 0) | (1 << word.length);
}

/** The words that {@link maySpeak} lets through, among others. */
export const tellingWords: readonly string[] = [...speaking.keys(), ...endings, ...commandWords];

/** Whether a word with these ends and this length can be one that speaks of a secret; cheap, asked of every word. */
export function maySpeak(first: number, last: number, length: number): boolean {
  return length < 16 && (((lengths[cellOf(first, last)] ?? 0) >> length) & 1) === 1;
}

function cellOf(first: number, last: number): number {
  return ((first & 31) << 5) | (last & 31);
}

/**
 * `password Tr0ub4dor&3`, `IDENTIFIED WITH PASSWORD '…'`, `--token …`, `CVV 123`: the word ends at `end`.
 * @returns the offset to go on from
 */
export function findSpoken(
  text: string,
  start: number,
  end: number,
  judge: (name: string) => NameVerdict | null,
  out: Span[],
): number {
  const next = text.charCodeAt(end);
  const ahead = text.charCodeAt(start - 1);
  // Part of a longer name, which may say otherwise: `public_key`, `primary-key`.
  let whole: NameVerdict | null = null;
  const word = text.slice(start, end).toLowerCase();
  const ending = endings.has(word) && (ahead !== 32 || word === 'code');
  if (ahead === 0x5f || ahead === 0x2e || ahead === 0x2d || ending) {
    let from = start;
    const part = ending && ahead === 32 ? /[A-Za-z ]/ : /[\w.-]/;
    while (from > 0 && start - from < 48 && part.test(text.charAt(from - 1))) from -= 1;
    whole = judge(text.slice(from, end));
    if (whole === null || (ending && from === start)) return end;
  }
  if (next !== 32 && next !== 10 && next !== 13 && next !== 9) return end;
  const detector = speaking.get(word) ?? (ending ? whole?.detector : undefined);
  if (detector === undefined) return end;
  after.lastIndex = end;
  const match = after.exec(text);
  if (match === null) return end;
  const quoted = match[2] !== undefined;
  const value = match[2] ?? match[3]?.replace(/[.,;:!?)\]}]+$/, '') ?? match[5] ?? '';
  if (isPlaceholder(value) || !speaks(detector, value, quoted)) return end;
  const at = end + match[0].lastIndexOf(value);
  out.push({ start: at, end: at + value.length, detector, confidence: 0.75 });
  return at + value.length;
}

function speaks(detector: string, value: string, quoted: boolean): boolean {
  if (detector === 'card-code') return /^\d{3,4}$/.test(value);
  if (detector === 'pin') return /^\d{4,6}$/.test(value);
  if (detector === 'us-ssn') return /^\d{9,13}$|^\d{3}[-.]\d{2}[-.]\d{4}$/.test(value);
  if (/^https?:|^[\w-]+(?:\.[\w-]+)*\(|^[-/]/.test(value)) return false;
  if (detector === 'password') {
    if (quoted) return !/\s/.test(value) && value.length >= 4;
    if (isRestless(value)) return true;
    return (
      value.length >= 6 &&
      (/\d/.test(value) || /[a-z][!@#$%^&*?][A-Za-z]/.test(value)) &&
      /[A-Za-z]/.test(value) &&
      !/^[\d.:/-]+[a-z]{0,3}$/i.test(value)
    );
  }
  return value.length >= 12 && /\d.*\d/.test(value) && !/[([<{]/.test(value) && looksRandom(value);
}

const valueAhead =
  /(?:^|[\s/#;*"'`(])([^\s"'`(){}<>]{6,128})["'`]? (?:is|as) (?:the|my|your|our|its|an?) (?:[\w-]{1,16} ){0,2}$/i;

/** `Tr0ub4dor is the password`, `use … as the API key`: the word that tells starts at `start` and ends at `end`. */
export function findSpokenAhead(text: string, start: number, end: number, out: Span[]): void {
  if (text.charCodeAt(start - 1) !== 32) return;
  const detector = speaking.get(text.slice(start, end).toLowerCase());
  if (detector !== 'password' && detector !== 'credential') return;
  const from = Math.max(0, start - 180);
  const match = valueAhead.exec(text.slice(from, start));
  const value = (match?.[1] ?? '').replace(/^(?:\/\/|\/\*|#)/, '');
  if (match === null || isPlaceholder(value) || !speaks(detector, value, false)) return;
  const at = from + match.index + match[0].indexOf(value);
  out.push({ start: at, end: at + value.length, detector, confidence: 0.7 });
}

const identified =
  /BY\s{1,3}(?:PASSWORD\s{1,3})?(?:'([^'\n]{1,128})'|"([^"\n]{1,128})"|([A-Za-z0-9][^\s;'"`()\\,]{3,127})(?=[\s;"'\\)]|$))/iy;
/** How the account shows itself, between the words: `IDENTIFIED WITH mysql_native_password BY`. */
const identifying = /identified(?:\s{1,3}with\s{1,3}['"`]?\w{3,40}['"`]?)?\s{1,3}$/i;

/** SQL's `IDENTIFIED BY '…'`, at the `B`. @returns the offset to go on from */
export function findIdentifiedBy(text: string, at: number, out: Span[]): number {
  if (!identifying.test(text.slice(Math.max(0, at - 66), at))) return at;
  identified.lastIndex = at;
  const match = identified.exec(text);
  if (match === null) return at;
  const plain = match[3];
  const value = plain ?? match[1] ?? match[2] ?? '';
  // Without quotes it may be prose: `identified by name`.
  if (isPlaceholder(value) || (plain !== undefined && !/\d|[^\w.,-]/.test(plain))) return at;
  const end = identified.lastIndex - (plain === undefined ? 1 : 0);
  out.push({ start: end - value.length, end, detector: 'password', confidence: 0.9 });
  return end;
}
