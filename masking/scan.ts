/**
 * A strict single-pass JSON scanner. It checks text against RFC 8259 and leaves behind a tape of token offsets, so
 * that callers read members and splice text without ever re-serialising it: big numbers, key order and white space
 * stay byte for byte. Reading the tape is in `json-tree.ts`.
 */

/** Why a text was refused. */
export type ScanCode =
  | 'unexpected_end'
  | 'unexpected_token'
  | 'bad_number'
  | 'bad_escape'
  | 'control_character'
  | 'lone_surrogate'
  | 'duplicate_key'
  | 'too_deep'
  | 'trailing_text';

const reasons: Readonly<Record<ScanCode, string>> = {
  unexpected_end: 'JSON text ends too early',
  unexpected_token: 'JSON text has a character that may not stand here',
  bad_number: 'JSON number is not written as RFC 8259 wants it',
  bad_escape: 'JSON string has an escape that RFC 8259 does not know',
  control_character: 'JSON string has a raw control character',
  lone_surrogate: 'JSON string has half of a surrogate pair',
  duplicate_key: 'JSON object has the same key twice',
  too_deep: 'JSON text is nested deeper than allowed',
  trailing_text: 'JSON text goes on after its value',
};

/** A refused text: the closed code, and the UTF-16 offset where the rule was broken. Never quotes the text. */
export class ScanError extends Error {
  readonly code: ScanCode;
  readonly offset: number;
  constructor(code: ScanCode, offset: number) {
    super(`${reasons[code]} (at offset ${offset})`);
    this.name = 'ScanError';
    this.code = code;
    this.offset = offset;
  }
}

/** Kinds of node. `escaped` strings and keys hold at least one backslash; the others can be sliced as they are. */
export const kinds = {
  object: 1,
  array: 2,
  string: 3,
  escapedString: 4,
  key: 5,
  escapedKey: 6,
  number: 7,
  true: 8,
  false: 9,
  null: 10,
} as const;

/**
 * What the scanner leaves behind. Node `n` takes four cells from `4 * n`: kind, start, end (exclusive, UTF-16
 * offsets into `text`; strings include their quotes), and the node that follows its whole subtree. An object's
 * children are key, value, key, value; node 0 is the whole value.
 */
export interface JsonTape {
  readonly text: string;
  readonly cells: Int32Array;
  readonly count: number;
}

const quote = 0x22;
const backslash = 0x5c;

/** Keys seen in one open object; a set only where there are many, since most objects are small. */
interface OpenContainer {
  readonly node: number;
  readonly isObject: boolean;
  keys: string[];
  many: Set<string> | null;
}

/**
 * Scans a whole JSON text, in linear time and with no recursion.
 * @param maxDepth how many containers may be open at once
 * @param loneSurrogates `allow` takes half a pair as the character it is, for text that only has to be masked
 * @throws ScanError for anything RFC 8259 does not allow, and for duplicate keys (compared decoded), lone
 * surrogates (raw or escaped) and excess depth
 */
export function scanJson(
  text: string,
  maxDepth = 64,
  loneSurrogates: 'refuse' | 'allow' = 'refuse',
): JsonTape {
  const length = text.length;
  const lone = loneSurrogates === 'allow';
  const open: OpenContainer[] = [];
  let cells = new Int32Array(Math.max(64, Math.min(length, 4096)));
  let count = 0;
  let at = skipSpace(text, 0);
  let top: OpenContainer | undefined;

  for (;;) {
    // One value, or one key and its value, begins at `at`.
    if (count * 4 + 8 > cells.length) cells = grow(cells);
    if (top?.isObject === true) {
      if (text.charCodeAt(at) !== quote) throw unexpected(text, at);
      const end = endOfString(text, at, lone);
      const escaped = end < 0;
      const keyEnd = escaped ? -end : end;
      rememberKey(top, text, at, keyEnd, escaped);
      put(cells, count, escaped ? kinds.escapedKey : kinds.key, at, keyEnd);
      count += 1;
      at = skipSpace(text, keyEnd);
      if (text.charCodeAt(at) !== 0x3a) throw unexpected(text, at);
      at = skipSpace(text, at + 1);
    }
    const char = text.charCodeAt(at);
    if (char === quote) {
      const end = endOfString(text, at, lone);
      put(cells, count, end < 0 ? kinds.escapedString : kinds.string, at, Math.abs(end));
      at = Math.abs(end);
      count += 1;
    } else if (char === 0x7b || char === 0x5b) {
      if (open.length >= maxDepth) throw new ScanError('too_deep', at);
      const isObject = char === 0x7b;
      put(cells, count, isObject ? kinds.object : kinds.array, at, 0);
      top = { node: count, isObject, keys: [], many: null };
      open.push(top);
      count += 1;
      at = skipSpace(text, at + 1);
      if (text.charCodeAt(at) !== (isObject ? 0x7d : 0x5d)) continue;
    } else {
      const end = endOfScalar(text, at, char);
      put(cells, count, scalarKind(char), at, end);
      at = end;
      count += 1;
    }
    // A value has ended: close what closes, then find the comma or the end.
    for (;;) {
      if (top === undefined) {
        at = skipSpace(text, at);
        if (at < length) throw new ScanError('trailing_text', at);
        return { text, cells, count };
      }
      at = skipSpace(text, at);
      const next = text.charCodeAt(at);
      if (next === 0x2c) {
        at = skipSpace(text, at + 1);
        break;
      }
      if (next !== (top.isObject ? 0x7d : 0x5d)) throw unexpected(text, at);
      at += 1;
      cells[top.node * 4 + 2] = at;
      cells[top.node * 4 + 3] = count;
      open.pop();
      top = open.at(-1);
    }
  }
}

function put(cells: Int32Array, node: number, kind: number, start: number, end: number): void {
  const cell = node * 4;
  cells[cell] = kind;
  cells[cell + 1] = start;
  cells[cell + 2] = end;
  cells[cell + 3] = node + 1;
}

function grow(cells: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(cells.length * 2);
  larger.set(cells);
  return larger;
}

function unexpected(text: string, at: number): ScanError {
  return new ScanError(at >= text.length ? 'unexpected_end' : 'unexpected_token', at);
}

function skipSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const char = text.charCodeAt(at);
    if (char !== 0x20 && char !== 0x0a && char !== 0x0d && char !== 0x09) return at;
    at += 1;
  }
}

/** @returns the offset after the closing quote, negative when the string holds an escape */
function endOfString(text: string, start: number, lone: boolean): number {
  let at = start + 1;
  let escaped = false;
  for (;;) {
    const char = text.charCodeAt(at);
    if (char > backslash ? char < 0xd800 : char > quote && char < backslash) {
      // Letters and digits, mostly: nothing to check.
      at += 1;
    } else if (char === quote) {
      return escaped ? -(at + 1) : at + 1;
    } else if (char === backslash) {
      escaped = true;
      at = afterEscape(text, at, lone);
    } else if (char < 0x20) {
      throw new ScanError('control_character', at);
    } else if (char >= 0xd800 && char <= 0xdfff) {
      const low = text.charCodeAt(at + 1);
      const paired = char <= 0xdbff && low >= 0xdc00 && low <= 0xdfff;
      if (!paired && !lone) throw new ScanError('lone_surrogate', at);
      at += paired ? 2 : 1;
    } else if (at >= text.length) {
      throw new ScanError('unexpected_end', at);
    } else {
      at += 1;
    }
  }
}

function afterEscape(text: string, at: number, lone: boolean): number {
  const char = text.charCodeAt(at + 1);
  if (char !== 0x75) {
    // One of " \ / b f n r t
    if (char === quote || char === backslash || char === 0x2f || char === 0x62) return at + 2;
    if (char === 0x66 || char === 0x6e || char === 0x72 || char === 0x74) return at + 2;
    throw new ScanError(at + 1 >= text.length ? 'unexpected_end' : 'bad_escape', at);
  }
  const unit = hexUnit(text, at);
  if (unit < 0xd800 || unit > 0xdfff) return at + 6;
  // An escaped pair is written wholly in escapes: one half escaped and one raw is not one character.
  const paired = unit <= 0xdbff && text.charCodeAt(at + 6) === backslash && text.charCodeAt(at + 7) === 0x75;
  const low = paired ? hexUnit(text, at + 6) : 0;
  if (low >= 0xdc00 && low <= 0xdfff) return at + 12;
  if (!lone) throw new ScanError('lone_surrogate', at);
  return at + 6;
}

function hexUnit(text: string, at: number): number {
  let unit = 0;
  for (let i = at + 2; i < at + 6; i += 1) {
    const char = text.charCodeAt(i);
    const lower = char | 0x20;
    if (char >= 0x30 && char <= 0x39) unit = unit * 16 + char - 0x30;
    else if (lower >= 0x61 && lower <= 0x66) unit = unit * 16 + lower - 0x57;
    else throw new ScanError(i >= text.length ? 'unexpected_end' : 'bad_escape', at);
  }
  return unit;
}

function scalarKind(first: number): number {
  if (first === 0x74) return kinds.true;
  if (first === 0x66) return kinds.false;
  return first === 0x6e ? kinds.null : kinds.number;
}

function endOfScalar(text: string, at: number, first: number): number {
  if (first === 0x2d || (first >= 0x30 && first <= 0x39)) return endOfNumber(text, at);
  const word = first === 0x74 ? 'true' : first === 0x66 ? 'false' : 'null';
  for (let i = 0; i < word.length; i += 1) {
    if (text.charCodeAt(at + i) !== word.charCodeAt(i)) throw unexpected(text, at + i);
  }
  return at + word.length;
}

function endOfNumber(text: string, start: number): number {
  let at = text.charCodeAt(start) === 0x2d ? start + 1 : start;
  at = text.charCodeAt(at) === 0x30 ? at + 1 : afterDigits(text, at);
  if (text.charCodeAt(at) === 0x2e) at = afterDigits(text, at + 1);
  const exponent = text.charCodeAt(at);
  if (exponent === 0x65 || exponent === 0x45) {
    const sign = text.charCodeAt(at + 1);
    at = afterDigits(text, sign === 0x2b || sign === 0x2d ? at + 2 : at + 1);
  }
  const next = text.charCodeAt(at);
  if (next >= 0x30 && next <= 0x39) throw new ScanError('bad_number', at);
  return at;
}

function afterDigits(text: string, from: number): number {
  let at = from;
  for (;;) {
    const char = text.charCodeAt(at);
    if (!(char >= 0x30 && char <= 0x39)) break;
    at += 1;
  }
  if (at === from) throw new ScanError(at >= text.length ? 'unexpected_end' : 'bad_number', at);
  return at;
}

function rememberKey(top: OpenContainer, text: string, start: number, end: number, escaped: boolean): void {
  const raw = text.slice(start, end);
  const key = escaped ? (JSON.parse(raw) as string) : raw.slice(1, -1);
  if (top.many === null) {
    if (top.keys.includes(key)) throw new ScanError('duplicate_key', start);
    top.keys.push(key);
    if (top.keys.length > 16) top.many = new Set(top.keys);
    return;
  }
  if (top.many.has(key)) throw new ScanError('duplicate_key', start);
  top.many.add(key);
}
