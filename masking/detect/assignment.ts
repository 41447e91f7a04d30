import type { Span } from '../span.ts';
import { behindScheme, connects, isLine, isTight, wholeLine } from './assigned-line.ts';
import { elementBefore, keyBefore } from './assigned-name.ts';
import { valueAfter } from './assigned-value.ts';
import type { ReadValue } from './assigned-value.ts';
import { isQuote } from './characters.ts';
import { isKeyMember, keyMember } from './json-web-key.ts';
import type { NameVerdict } from '../rules/name-verdict.ts';
import { isPlace, isSensitiveValue, looksRandom } from './values.ts';

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
  readonly read: ReadValue;
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
  const arrow = sign === 0x3e && isArrow(text, at);
  const key =
    sign === 0x3e && !arrow
      ? elementBefore(text, at)
      : keyBefore(text, arrow ? at - 1 : at, arrow ? 0x2c : fallback ? 0x3f : sign);
  if (key === null) return at;
  const lower = key.length <= 13 ? key.toLowerCase() : key;
  const named = sign === 0x3e ? lower === 'string' || valueKeys.has(lower) : valueKeys.has(lower);
  const isValue = named && pending.verdict !== null && at - pending.at < 200;
  const verdict = isValue
    ? pending.verdict
    : lower === 'value' && sign === 0x3d
      ? tagVerdict(text, at - key.length, judge)
      : lower === 'default' && sign === 0x3d
        ? variableVerdict(text, at, judge)
        : lower === 'code' && sign === 0x3d
          ? codeVerdict(text, at)
          : (key.length <= 2 || key === 'InverseQ') && isKeyMember(text, at, key)
            ? keyMember
            : judge(key);
  const isName = nameKeys.has(lower);
  if (verdict === null && !isName) return at;
  const value = wholeLine(
    text,
    at,
    key,
    behindScheme(text, lower, sign, valueAfter(text, fallback ? at + 1 : at, sign, pending.read)),
  );
  if (value === null || ((fallback || arrow) && !value.quoted)) return at;
  // `mongodb://<name>:<password>@host` and `-u <name:password> https://…` hold no elements.
  if (
    sign === 0x3e &&
    !value.quoted &&
    /^[@:/]|^\w{2,10}:\/\//.test(text.slice(at + 1, value.end).trimStart())
  )
    return at;
  const content = text.slice(value.start, value.end);
  // `APIKey::kSyncGroup`: a member of a scope.
  if (isScoped(text, at) && !value.quoted && !/\d/.test(content)) return at;
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
  // `connect(password=db_password)` hands on what a variable holds.
  if (
    !value.quoted &&
    /^[a-z][a-z0-9]*(?:_[a-z0-9]+)+$/.test(content) &&
    judge(content) !== null &&
    !isLine(text, at - key.length, value.end)
  )
    return at;
  if (
    !value.certain &&
    !(sign === 0x3d && connects(text, at, key, content, verdict)) &&
    !isSensitiveValue(content, verdict, value.quoted || isTight(text, at, key, value, verdict, judge))
  )
    return at;
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

/** Scala's pairs: `"token" -> "…"`. */
function isArrow(text: string, at: number): boolean {
  return (
    text.charCodeAt(at - 1) === 0x2d && text.charCodeAt(at - 2) === 32 && isQuote(text.charCodeAt(at - 3))
  );
}

/** Whether the colon at `at` is one of two. */
const isScoped = (text: string, at: number): boolean =>
  text.charCodeAt(at) === 0x3a && (text.charCodeAt(at + 1) === 0x3a || text.charCodeAt(at - 1) === 0x3a);

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

const opening = /<([A-Za-z][\w.:-]{1,40})\s+$/;

/** The name of an element, for its attribute `value`: `<password value="…"/>`. */
function tagVerdict(
  text: string,
  start: number,
  judge: (name: string) => NameVerdict | null,
): NameVerdict | null {
  const tag = opening.exec(text.slice(Math.max(0, start - 48), start))?.[1];
  return tag === undefined ? null : judge(tag);
}

/** Terraform's `variable "api_token" { default = "…" }` and Python's `env("API_TOKEN", default="…")`. */
function variableVerdict(
  text: string,
  at: number,
  judge: (name: string) => NameVerdict | null,
): NameVerdict | null {
  const opened =
    /(?:variable\s+"([\w-]{2,64})"\s*\{[^{}]{0,160}|\(\s*["']([\w.-]{2,64})["']\s*,(?:[^()]{0,60},)?\s*default ?)$/.exec(
      text.slice(Math.max(0, at - 240), at),
    );
  return opened === null ? null : judge(opened[1] ?? opened[2] ?? '');
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
