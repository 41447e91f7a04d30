import type { Span } from '../span.ts';
import { valueAfter } from './assigned-value.ts';
import { isLetter, isQuote, isSpace, isWord } from './characters.ts';
import type { NameVerdict } from '../rules/name-verdict.ts';
import { isPlace, isSensitiveValue, looksRandom } from './values.ts';

const keyReach = 64;
const typeWords = new Set(['string', 'str', 'text', 'char', 'varchar', 'final', 'const']);
const nameKeys = new Set([
  'name',
  'key',
  'field',
  'param',
  'parameter',
  'variable',
  'header',
  'env',
  'label',
  'attribute',
  'property',
  'id',
]);
const valueKeys = new Set(['value', 'val', 'content', 'data', 'default']);

/** A `name: API_TOKEN` that was seen, waiting for its `value: …`. */
export interface PendingName {
  verdict: NameVerdict | null;
  at: number;
}

/**
 * Looks at an assignment sign (`:` `=` `>` `|` `,`) and judges what stands on its left and right: every dialect of
 * configuration, URL queries, XML, tables, tuples, escaped JSON. Both sides are bounded.
 * @returns the offset to go on from
 */
export function findAssignment(
  text: string,
  at: number,
  judge: (name: string) => NameVerdict | null,
  pending: PendingName,
  out: Span[],
): number {
  const sign = text.charCodeAt(at);
  const fallback = isFallback(text, at, sign);
  const key = sign === 0x3e ? elementBefore(text, at) : keyBefore(text, at, fallback ? 0x3f : sign);
  if (key === null) return at;
  const lower = key.length <= 13 ? key.toLowerCase() : key;
  const named = sign === 0x3e ? lower === 'string' || valueKeys.has(lower) : valueKeys.has(lower);
  const isValue = named && pending.verdict !== null && at - pending.at < 200;
  const verdict = isValue
    ? pending.verdict
    : lower === 'default' && sign === 0x3d
      ? variableVerdict(text, at, judge)
      : lower === 'code' && sign === 0x3d
        ? codeVerdict(text, at)
        : judge(key);
  const isName = nameKeys.has(lower);
  if (verdict === null && !isName) return at;
  const value = valueAfter(text, fallback ? at + 1 : at, sign);
  if (value === null || (fallback && !value.quoted)) return at;
  const content = text.slice(value.start, value.end);
  if (isName) {
    pending.verdict = content.length <= 64 ? judge(content) : null;
    pending.at = value.end;
  }
  // `pass 1 - 1px` counts.
  if (verdict === null || (sign === 0x2d && verdict.strength === 'weak' && content.length < 8)) return at;
  const sameLine = (sign === 0x3a || sign === 0x3e) && !text.slice(at, value.start).includes('\n');
  const line = verdict.detector !== 'address' || sameLine ? lineValue(text, value.start, lower, verdict) : 0;
  if (line > value.end) {
    out.push({ start: value.start, end: line, detector: verdict.detector, confidence: 0.8 });
    return line - 1;
  }
  if (sign === 0x3e && verdict.detector === 'credential' && /[\s{]/.test(text.slice(at + 1, value.end + 1))) {
    const found = insideElement(text, at + 1, out);
    if (found > at) return found;
  }
  // `PGPASSWORD=secret`: written without spaces, a plain word is a value, unless it is the name of one.
  const tight =
    sign === 0x3d &&
    value.start === at + 1 &&
    isWord(text.charCodeAt(at - 1)) &&
    verdict.detector === 'password' &&
    /^[A-Za-z]{4,}$/.test(content) &&
    judge(content) === null;
  if (!value.certain && !isSensitiveValue(content, verdict, value.quoted || tight)) return at;
  // Lists of words and alternatives of a pattern: `'pass', 'deny'`, `passwd|api_?key`.
  // Lists of names in code go on in the next line.
  if (sign === 0x2c && text.slice(at, value.start).includes('\n')) return at;
  if ((sign === 0x2c || (sign === 0x7c && !fallback)) && !/\d/.test(content))
    if (verdict.strength === 'weak' || /^[\w*]+(?:\.[\w*]+)+$/.test(content)) return at;
  if (
    sign === 0x7c &&
    !fallback &&
    (value.start === at + 1 || /['"]\s*$/.test(text.slice(Math.max(0, at - 3), at))) &&
    !/\d/.test(content) &&
    text.charCodeAt(value.end) !== 0x7c
  )
    return at;
  out.push({
    start: value.start,
    end: value.end,
    detector: verdict.detector,
    confidence: verdict.strength === 'strong' ? 0.9 : 0.8,
  });
  return value.end - 1;
}

/** `process.env.API_KEY || "…"`, `… ?? "…"` and, at its `o`, `os.environ.get("API_KEY") or "…"`. */
function isFallback(text: string, at: number, sign: number): boolean {
  return sign === 0x3f || sign === 0x6f || (sign === 0x7c && text.charCodeAt(at + 1) === 0x7c);
}

const phrase = /(?:[a-z]{3,8} ){11,23}[a-z]{3,8}(?![A-Za-z])/y;
const restOfLine = /[^\n\r|;"<>&\\\t]{5,120}/y;
/** Seven to fifteen digits with what people write between them, perhaps an extension. */
const spacedNumber =
  /(?=(?:\D{0,3}\d){7})[+(]{0,2}\d(?:[ ()./-]{0,3}\d){6,14}(?: ?(?:x|ext\.?) ?\d{1,6})?(?![\w/:-]|\.\d)/y;
/** Groups of an identity number: `ZZ 51 42 24 T`, `85 07 30 03328`. */
const spacedId =
  /(?=(?:[^\d\n]{0,4}\d){6})(?:[A-Z]{1,2} )?\d{2,6}(?:[ ./-]\d{1,6}){1,4}(?: ?[A-Z](?![A-Za-z]))?(?![\w/:-]|\.\d)/y;
const privateLines =
  /\s*\d{1,3}(?:\r?\n|\\n)(?:[A-Za-z0-9+/=]{1,76}(?:\r?\n|\\n)){1,200}(?:Private-MAC: ?[0-9a-f]{40,64})?/y;

/** Values that are longer than a word: addresses, seed phrases, the lines of a PuTTY key. @returns their end, or 0 */
function lineValue(text: string, start: number, key: string, verdict: NameVerdict): number {
  if (verdict.detector === 'phone') {
    spacedNumber.lastIndex = start;
    return spacedNumber.test(text) ? spacedNumber.lastIndex : 0;
  }
  if (verdict.detector === 'national-id' || verdict.detector === 'us-ssn') {
    spacedId.lastIndex = start;
    return verdict.strength === 'strong' && spacedId.test(text) ? spacedId.lastIndex : 0;
  }
  if (verdict.detector === 'address') {
    restOfLine.lastIndex = start;
    const line = restOfLine.exec(text)?.[0].trimEnd() ?? '';
    return isPlace(line) ? start + line.length : 0;
  }
  if (verdict.detector !== 'credential') return 0;
  const long = key === 'private-lines' ? privateLines : phrase;
  long.lastIndex = start;
  return long.test(text) ? long.lastIndex : 0;
}

const codeValue = /[\w.~/%+-]{10,512}(?![\w.~/%+-])/y;

/** An authorization code (RFC 6749): `?code=…` and `&code=…` in addresses and forms. */
function codeVerdict(text: string, at: number): NameVerdict | null {
  const ahead = text.charCodeAt(at - 5);
  // Most of what follows is no code, and what is not one costs no more than a look.
  codeValue.lastIndex = at + 1;
  if (!codeValue.test(text)) return null;
  return ahead === 0x3f || ahead === 0x26 || ahead === 0x23
    ? { detector: 'credential', strength: 'faint' }
    : null;
}

/** Terraform: `variable "api_token" { default = "…" }`. */
function variableVerdict(
  text: string,
  at: number,
  judge: (name: string) => NameVerdict | null,
): NameVerdict | null {
  const opened = /variable\s+"([\w-]{2,64})"\s*\{[^{}]{0,160}$/.exec(text.slice(Math.max(0, at - 240), at));
  return opened === null ? null : judge(opened[1] ?? '');
}

/** An element of a secret's name that holds more than the value, such as `{service AQAA… value}`. */
function insideElement(text: string, from: number, out: Span[]): number {
  const window = text.slice(from, from + 400);
  const close = window.indexOf('<');
  let last = 0;
  for (const match of window.slice(0, close < 0 ? 0 : close).matchAll(/[\w+/=.~-]{16,}/g)) {
    if (!looksRandom(match[0])) continue;
    last = from + match.index + match[0].length;
    out.push({ start: from + match.index, end: last, detector: 'credential', confidence: 0.8 });
  }
  return last;
}

function elementBefore(text: string, at: number): string | null {
  let open = at - 1;
  while (open >= 0 && at - open <= keyReach && text.charCodeAt(open) !== 0x3c) open -= 1;
  if (text.charCodeAt(open) !== 0x3c || open + 1 === at || !isLetter(text.charCodeAt(open + 1))) return null;
  const tag = text.slice(open + 1, at);
  const end = tag.search(/[\s/]/);
  return end < 0 ? tag : tag.slice(0, end);
}

function keyBefore(text: string, at: number, sign: number): string | null {
  let end = at;
  // `.=`, `+=`, `??=`, `&&=`, `!=`
  if (sign === 0x3d) while (end > 0 && at - end < 3 && isCompound(text.charCodeAt(end - 1))) end -= 1;
  // C#: `Token { get; set; } = "…"`
  if (sign === 0x3d && text.charCodeAt(at - 2) === 0x7d) {
    const accessors = /\{\s*get;[^{}]{0,24}\}\s*$/.exec(text.slice(Math.max(0, at - 48), at));
    if (accessors !== null) end = at - accessors[0].length;
  }
  // `:=`, `?=`, `=>`, `||=` and spaces, quotes, escapes, brackets between the name and the sign.
  const edge = end;
  while (end > 0 && edge - end < 8 && isFiller(text.charCodeAt(end - 1))) end -= 1;
  if (sign === 0x2c && !isQuote(text.charCodeAt(end)) && !startsLine(text, end)) return null;
  let start = end;
  while (start > 0 && end - start < keyReach && isKeyPart(text.charCodeAt(start - 1))) start -= 1;
  if (start === end || end - start >= keyReach) return null;
  // What stands inside a marker names no value.
  if (text.charCodeAt(start - 1) === 0x3a && text.startsWith('[masked', start - 8)) return null;
  if (sign === 0x7c && !opensCell(text, start)) return null;
  const key = text.slice(start, end);
  if (!typeWords.has(key.toLowerCase()))
    return sign !== 0x3a && sign !== 0x2d ? key : /^\d\d/.test(key) ? null : withFirstWord(text, start, key);
  // `password: str = "…"` and `var token string = "…"`: the name stands before the type.
  let nameEnd = start;
  if (text.startsWith("'static ", nameEnd - 8)) nameEnd -= 8;
  while (nameEnd > 0 && (isSpace(text.charCodeAt(nameEnd - 1)) || /[:&*]/.test(text.charAt(nameEnd - 1))))
    nameEnd -= 1;
  let nameStart = nameEnd;
  while (nameStart > 0 && nameEnd - nameStart < keyReach && isKeyPart(text.charCodeAt(nameStart - 1)))
    nameStart -= 1;
  return nameStart === nameEnd ? null : text.slice(nameStart, nameEnd);
}

/** `API key: …` and `date of birth: …`: names of several words, as people write them. */
function withFirstWord(text: string, start: number, key: string): string {
  let from = start;
  for (
    let words = 0;
    words < 2 && text.charCodeAt(from - 1) === 32 && isLetter(text.charCodeAt(from - 2));
    words += 1
  ) {
    let at = from - 1;
    while (at > 0 && from - at < 16 && isLetter(text.charCodeAt(at - 1))) at -= 1;
    from = at;
  }
  return from === start ? key : text.slice(from, start + key.length);
}

/** CSV without a header: `API_TOKEN,value`. */
function startsLine(text: string, end: number): boolean {
  let at = end;
  while (at > 0 && end - at < keyReach && isKeyPart(text.charCodeAt(at - 1))) at -= 1;
  return at === 0 || text.charCodeAt(at - 1) === 10;
}

function opensCell(text: string, start: number): boolean {
  let at = start - 1;
  while (
    at >= 0 &&
    start - at < 40 &&
    (text.charCodeAt(at) === 32 || isQuote(text.charCodeAt(at)) || text.charCodeAt(at) === 42)
  )
    at -= 1;
  return at < 0 || text.charCodeAt(at) === 0x7c || text.charCodeAt(at) === 10;
}

const isKeyPart = (code: number): boolean =>
  isWord(code) || code === 0x5f || code === 0x2d || code === 0x2e || code >= 0xc0;
/** What may stand before `=` in one sign: `. + ? & !`. */
const isCompound = (code: number): boolean =>
  code === 0x2e || code === 0x2b || code === 0x3f || code === 0x26 || code === 0x21;
/** Space, quotes, backslash, `: = ? ) ] * | $`. */
function isFiller(code: number): boolean {
  return (
    code === 32 ||
    code === 9 ||
    isQuote(code) ||
    code === 0x5c ||
    code === 0x3a ||
    code === 0x3d ||
    code === 0x3f ||
    code === 0x29 ||
    code === 0x5d ||
    code === 0x2a ||
    code === 0x7c
  );
}
