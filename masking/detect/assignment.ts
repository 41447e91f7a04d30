import type { Span } from '../span.ts';
import { isLetter, isQuote, isSpace, isWord } from './characters.ts';
import type { NameVerdict } from '../rules/name-verdict.ts';
import { isSensitiveValue } from './values.ts';

const keyReach = 64;
const valueReach = 4_096;
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
  const key = sign === 0x3e ? elementBefore(text, at) : keyBefore(text, at, sign);
  if (key === null) return at;
  const lower = key.length <= 9 ? key.toLowerCase() : key;
  const isValue = valueKeys.has(lower) && pending.verdict !== null && at - pending.at < 200;
  const verdict = isValue ? pending.verdict : judge(key);
  const isName = nameKeys.has(lower);
  if (verdict === null && !isName) return at;
  const value = valueAfter(text, at, sign);
  if (value === null) return at;
  const content = text.slice(value.start, value.end);
  if (isName) {
    pending.verdict = content.length <= 64 ? judge(content) : null;
    pending.at = value.end;
  }
  if (verdict === null) return at;
  // `PGPASSWORD=secret`: written without spaces, a plain word is a value, unless it is the name of one.
  const tight =
    sign === 0x3d &&
    value.start === at + 1 &&
    isWord(text.charCodeAt(at - 1)) &&
    verdict.detector === 'password' &&
    /^[A-Za-z]{4,}$/.test(content) &&
    judge(content) === null;
  if (!isSensitiveValue(content, verdict, value.quoted || tight)) return at;
  out.push({
    start: value.start,
    end: value.end,
    detector: verdict.detector,
    confidence: verdict.strength === 'strong' ? 0.9 : 0.8,
  });
  return value.end - 1;
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
  // `:=`, `?=`, `=>`, `||=` and spaces, quotes, escapes, brackets between the name and the sign.
  while (end > 0 && at - end < 8 && isFiller(text.charCodeAt(end - 1))) end -= 1;
  if (sign === 0x2c && !isQuote(text.charCodeAt(end))) return null;
  let start = end;
  while (start > 0 && end - start < keyReach && isKeyPart(text.charCodeAt(start - 1))) start -= 1;
  if (start === end || end - start >= keyReach) return null;
  // What stands inside a marker names no value.
  if (text.charCodeAt(start - 1) === 0x3a && text.startsWith('[masked', start - 8)) return null;
  if (sign === 0x7c && !opensCell(text, start)) return null;
  const key = text.slice(start, end);
  if (!typeWords.has(key.toLowerCase()))
    return sign !== 0x3a ? key : /^\d/.test(key) ? null : withFirstWord(text, start, key);
  // `password: str = "…"` and `var token string = "…"`: the name stands before the type.
  let nameEnd = start;
  while (nameEnd > 0 && (isSpace(text.charCodeAt(nameEnd - 1)) || text.charCodeAt(nameEnd - 1) === 0x3a))
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

interface Value {
  readonly start: number;
  readonly end: number;
  readonly quoted: boolean;
}

function valueAfter(text: string, at: number, sign: number): Value | null {
  let start = at + 1;
  const limit = Math.min(text.length, at + 80);
  while (start < limit && /[\s=>~:|([]/.test(text.charAt(start))) start += 1;
  while (
    start < limit &&
    text.charCodeAt(start) === 0x5c &&
    (isQuote(text.charCodeAt(start + 1)) || text.charCodeAt(start + 1) === 0x5c)
  )
    start += 1;
  const scheme = /(?:Bearer|Basic|Token|Digest|ApiKey|bearer|basic|token)\s+/y;
  const first = text.charCodeAt(start);
  const end = Math.min(text.length, start + valueReach);
  if (isQuote(first)) {
    let inner = start + 1;
    scheme.lastIndex = inner;
    if (scheme.test(text)) inner = scheme.lastIndex;
    let close = inner;
    while (close < end) {
      const code = text.charCodeAt(close);
      if (code === first) break;
      if (code === 0x5c) {
        if (text.charCodeAt(close + 1) === first && text.charCodeAt(start - 1) === 0x5c) break;
        close += 1;
      }
      close += 1;
    }
    return close > inner && close <= text.length
      ? { start: inner, end: Math.min(close, text.length), quoted: true }
      : null;
  }
  scheme.lastIndex = start;
  const schemed = scheme.test(text);
  if (schemed) start = scheme.lastIndex;
  let close = start;
  while (close < end && !endsValue(text, close, sign)) close += 1;
  while (close > start && /[.,;)\]}]/.test(text.charAt(close - 1))) close -= 1;
  return close > start
    ? { start, end: close, quoted: schemed || (sign === 0x3e && text.charCodeAt(close) === 0x3c) }
    : null;
}

function endsValue(text: string, at: number, sign: number): boolean {
  const code = text.charCodeAt(at);
  if (isSpace(code) || code === 34 || code === 96 || code === 0x3c || code === 0x7c) return true;
  if (code === 39 || code === 0x3b) return true;
  if (code === 0x26) return sign === 0x3d;
  if (code === 0x5c) return /[nrt"'\\]/.test(text.charAt(at + 1));
  return (
    (code === 0x2c || code === 0x29 || code === 0x5d || code === 0x7d) && !isWord(text.charCodeAt(at + 1))
  );
}
