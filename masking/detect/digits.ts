import { isDigit, isHex, isLetter, isWord } from './characters.ts';

/** Whether a digit stands among the next six characters of a word that starts with a capital. */
export function digitWithin(text: string, at: number): boolean {
  for (let i = at + 1; i < at + 8; i += 1) {
    const code = text.charCodeAt(i);
    if (isDigit(code)) return true;
    if (!isLetter(code) && code !== 32 && code !== 0x2d) return false;
  }
  return false;
}

/** What a stretch of digits looks like. */
export interface DigitShape {
  /** `2026-03-04`: no identity number looks like that. */
  readonly isoDate: boolean;
  /** Two groups of one digit each: no number that matters is written so. */
  readonly single: boolean;
  readonly digits: number;
  readonly dots: number;
  readonly date: boolean;
  readonly street: boolean;
  /** Five digits or more that a letter follows at once, as in some countries' identity numbers. */
  readonly lettered: boolean;
}

/** Whether a space stands at `at` and a capital letter behind it: `12 Long…`, `221B Baker…`. */
function capitalBehindSpace(text: string, at: number): boolean {
  const next = text.charCodeAt(at + 1);
  return text.charCodeAt(at) === 32 && next >= 65 && next <= 90;
}

/** Counts the digits that hang together from `at`, single separators allowed; looks at 40 characters at most. */
export function digitsAhead(text: string, at: number): DigitShape {
  let digits = 0;
  let dots = 0;
  let i = at;
  let gap = 0;
  for (; i < at + 40; i += 1) {
    const code = text.charCodeAt(i);
    if (isDigit(code)) {
      digits += 1;
      gap = 0;
      continue;
    }
    if (code === 0x2e) dots += 1;
    else if (code !== 32 && code !== 0x2d && code !== 0x2f && code !== 0x28 && code !== 0x29) break;
    gap += 1;
    if (gap > 2) break;
  }
  const fifth = text.charCodeAt(at + 4);
  const date = (fifth === 0x2d || fifth === 0x2f) && text.charCodeAt(at + 7) === fifth && digits <= 14;
  const behind = text.charCodeAt(i);
  return {
    digits,
    dots,
    date,
    isoDate:
      date &&
      fifth === 0x2d &&
      (!isWord(text.charCodeAt(at + 10)) || text.charCodeAt(at + 10) === 0x54) &&
      text.charCodeAt(at + 10) !== 0x2d,
    single:
      digits > 1 &&
      !isDigit(text.charCodeAt(at + 1)) &&
      isDigit(text.charCodeAt(at + 2)) &&
      !isDigit(text.charCodeAt(at + 3)),
    lettered: digits >= 5 && gap === 0 && isLetter(behind),
    street:
      digits <= 5 &&
      (capitalBehindSpace(text, i - 1) || (isLetter(behind) && capitalBehindSpace(text, i + 1))),
  };
}

/** Whether a UUID (RFC 9562) stands at `at`, where eight letters and digits do. */
export function isUuid(text: string, at: number): boolean {
  if (
    text.charCodeAt(at + 8) !== 0x2d ||
    text.charCodeAt(at + 13) !== 0x2d ||
    text.charCodeAt(at + 18) !== 0x2d ||
    text.charCodeAt(at + 23) !== 0x2d ||
    isWord(text.charCodeAt(at + 36))
  )
    return false;
  for (let i = at; i < at + 36; i += 1)
    if (!isHex(text.charCodeAt(i)) && i !== at + 8 && i !== at + 13 && i !== at + 18 && i !== at + 23)
      return false;
  return true;
}

/**
 * The end of a series of numbers: eight groups or more of as many digits (two to four) with one space or hyphen between
 * them, as in tables and dumps. No number that matters is so long.
 * @returns the offset behind it, or `at`
 */
export function seriesEnd(text: string, at: number): number {
  let size = 0;
  while (size < 5 && isDigit(text.charCodeAt(at + size))) size += 1;
  const separator = text.charCodeAt(at + size);
  if (size < 2 || size > 4 || (separator !== 32 && separator !== 0x2d)) return at;
  let groups = 1;
  let end = at + size;
  while (text.charCodeAt(end) === separator && isGroup(text, end + 1, size)) {
    end += size + 1;
    groups += 1;
  }
  return groups < 8 || isWord(text.charCodeAt(end)) ? at : end;
}

function isGroup(text: string, at: number, size: number): boolean {
  for (let i = at; i < at + size; i += 1) if (!isDigit(text.charCodeAt(i))) return false;
  return !isWord(text.charCodeAt(at + size));
}

/** `1-1`: a digit, a separator and a digit by themselves, which no number that matters begins with. */
export function isLoneDigit(text: string, at: number): boolean {
  const next = text.charCodeAt(at + 1);
  if (next !== 32 && next !== 0x2d && next !== 0x2f) return false;
  return isDigit(text.charCodeAt(at + 2)) && !isDigit(text.charCodeAt(at + 3));
}

const digitAt = (text: string, at: number): boolean => isDigit(text.charCodeAt(at));

/** The end of a time of day at `at`: `10:11`, `10:11:12.131`; or `at`. */
function clockEnd(text: string, at: number): number {
  if (!digitAt(text, at) || !digitAt(text, at + 1) || text.charCodeAt(at + 2) !== 0x3a) return at;
  if (!digitAt(text, at + 3) || !digitAt(text, at + 4)) return at;
  let end = at + 5;
  if (text.charCodeAt(end) !== 0x3a) return end;
  if (!digitAt(text, end + 1) || !digitAt(text, end + 2)) return at;
  end += 3;
  const point = text.charCodeAt(end);
  if (point !== 0x2e && point !== 0x2c) return end;
  let fraction = end + 1;
  while (fraction < end + 10 && digitAt(text, fraction)) fraction += 1;
  return fraction === end + 1 ? end : fraction;
}

/**
 * The end of a date and time of RFC 3339 or ISO 8601 whose year is at `at`, or of a time of day there: nothing to hide
 * but where births are spoken of.
 * @returns the offset behind it, or `at` where it is none or goes on
 */
export function timeEnd(text: string, at: number): number {
  let end = at;
  if (text.charCodeAt(at + 4) === 0x2d) {
    if (text.charCodeAt(at + 7) !== 0x2d || !digitAt(text, at + 5) || !digitAt(text, at + 6)) return at;
    if (!digitAt(text, at + 8) || !digitAt(text, at + 9)) return at;
    end = at + 10;
    const sign = text.charCodeAt(end);
    if (sign === 0x54 || sign === 32) {
      const clock = clockEnd(text, end + 1);
      if (clock > end + 1) end = clock;
      else if (sign === 0x54) return at;
    }
  } else end = clockEnd(text, at);
  if (end === at) return at;
  const zone = text.charCodeAt(end);
  if (zone === 0x5a) end += 1;
  else if ((zone === 0x2b || zone === 0x2d) && digitAt(text, end + 1)) {
    const offset = clockEnd(text, end + 1);
    if (offset !== end + 6) return at;
    end = offset;
  }
  const behind = text.charCodeAt(end);
  return isWord(behind) || behind === 0x3a || (behind === 0x2d && isWord(text.charCodeAt(end + 1)))
    ? at
    : end;
}

/** `5` in `step 5: …`: up to three digits that hang together with no others and begin no address. */
export function standsAlone(text: string, end: number): boolean {
  const next = text.charCodeAt(end);
  if (isWord(next)) return false;
  const second = text.charCodeAt(end + 1);
  if (next === 32) return !isDigit(second) && !isSeparator(second) && !(second >= 65 && second <= 90);
  return !isSeparator(next) || (!isDigit(second) && !isSeparator(second) && second !== 32);
}

/** Whether a month's name may begin at `at`, as in `4 March`, or behind `st`, `nd`, `rd`, `th`. */
export function mayBeMonth(text: string, at: number): boolean {
  const lower = text.charCodeAt(at) | 32;
  const first = lower === 0x74 || lower === 0x68 || lower === 0x72 ? text.charCodeAt(at + 2) | 32 : lower;
  return first >= 97 && first <= 122 && ((0x0004_7229 >> (first - 97)) & 1) === 1;
}

/**
 * Whether up to three digits that end at `end` stand alone, nothing joins them to more letters and digits and no month
 * follows: a count, of which nothing can come.
 */
export function countsOnly(text: string, end: number): boolean {
  if (!standsAlone(text, end)) return false;
  const second = text.charCodeAt(end + 1);
  return !isWord(second) ? !joins(second) : text.charCodeAt(end) === 32 && !mayBeMonth(text, end + 1);
}

/** What joins the parts of a token: `- _ + / = : . ~`. */
const joins = (code: number): boolean =>
  code === 0x2d ||
  code === 0x5f ||
  code === 0x2b ||
  code === 0x2f ||
  code === 0x3d ||
  code === 0x3a ||
  code === 0x2e ||
  code === 0x7e;

const isSeparator = (code: number): boolean =>
  code === 0x2e || code === 0x2d || code === 0x2f || code === 0x28 || code === 0x29 || code === 32;
