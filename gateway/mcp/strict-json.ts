import { rebuild, skipSpace, stringEnd, wordEnd } from './parse-json.ts';

/** Which rule a JSON text broke. */
export type StrictJsonRule = 'syntax' | 'duplicate_key' | 'lone_surrogate' | 'too_deep';

/** A text that strict reading refuses. The message never quotes the text. */
export class StrictJsonError extends Error {
  readonly rule: StrictJsonRule;
  constructor(rule: StrictJsonRule, message: string) {
    super(message);
    this.name = 'StrictJsonError';
    this.rule = rule;
  }
}

/** Where a value stands: `text.slice(start, end)` is the value exactly as it was written. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A JSON text that means the same to every reader, with the places of its outermost values. */
export interface StrictJson {
  readonly text: string;
  /** As `parseJson` reads it: numbers beyond 2^53 have lost digits here, never in `text`. */
  readonly value: unknown;
  /** The outermost object's members; null when the outermost value is no object. */
  readonly members: ReadonlyMap<string, Span> | null;
  /** The outermost array's elements; null when the outermost value is no array. */
  readonly elements: readonly Span[] | null;
}

export interface StrictLimits {
  /** Deepest nesting allowed. */
  readonly depth: number;
  /** Whether `\ud800` without its partner is let through (it is text that no UTF-8 reader can have). */
  readonly loneSurrogates: 'refuse' | 'allow';
}

/**
 * Reads JSON strictly: what readers are known to disagree on is refused. `JSON.parse` checks the grammar; one light
 * pass over the structure finds duplicate keys, depth and the outermost spans.
 * @throws StrictJsonError
 */
export function readStrictJson(text: string, limits: StrictLimits): StrictJson {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    // V8 recurses on depth: its own stack limit shows as a RangeError.
    if (error instanceof RangeError) throw tooDeep(limits.depth);
    throw new StrictJsonError('syntax', 'the body is not valid JSON');
  }
  if (limits.loneSurrogates === 'refuse') refuseLoneSurrogates(text);
  const scan: Scan = { text, depth: limits.depth, escapedKeys: false };
  const start = skipSpace(text, 0);
  const members = text.charCodeAt(start) === braceOpen ? new Map<string, Span>() : null;
  const elements: Span[] | null = text.charCodeAt(start) === bracketOpen ? [] : null;
  if (members) scanObject(scan, start, 1, members);
  else if (elements) scanArray(scan, start, 1, elements);
  return { text, value: scan.escapedKeys ? rebuild(text) : parsed, members, elements };
}

/** The members of an object inside a text that was strictly read. */
export function membersAt(text: string, start: number): ReadonlyMap<string, Span> {
  const members = new Map<string, Span>();
  scanObject({ text, depth: Number.POSITIVE_INFINITY, escapedKeys: false }, start, 1, members);
  return members;
}

interface Scan {
  readonly text: string;
  readonly depth: number;
  /** Whether a key was met that is written with an escape. */
  escapedKeys: boolean;
}

const quote = 0x22;
const braceOpen = 0x7b;
const braceClose = 0x7d;
const bracketOpen = 0x5b;
const bracketClose = 0x5d;

function tooDeep(depth: number): StrictJsonError {
  return new StrictJsonError('too_deep', `the JSON is nested deeper than ${depth} levels`);
}

function valueEnd(scan: Scan, start: number, depth: number): number {
  const code = scan.text.charCodeAt(start);
  if (code === quote) return stringEnd(scan.text, start);
  if (code === braceOpen) return scanObject(scan, start, depth + 1, null);
  if (code === bracketOpen) return scanArray(scan, start, depth + 1, null);
  return wordEnd(scan.text, start);
}

function scanObject(scan: Scan, start: number, depth: number, found: Map<string, Span> | null): number {
  if (depth > scan.depth) throw tooDeep(scan.depth);
  const { text } = scan;
  let at = skipSpace(text, start + 1);
  if (text.charCodeAt(at) === braceClose) return at + 1;
  const keys: string[] = [];
  let many: Set<string> | null = null;
  for (;;) {
    const keyEnd = stringEnd(text, at);
    const key = decodeKey(scan, at, keyEnd);
    if (many ? many.has(key) : keys.includes(key))
      throw new StrictJsonError('duplicate_key', 'an object in the JSON has the same key twice');
    if (many) many.add(key);
    else if (keys.push(key) > 16) many = new Set(keys);
    const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = valueEnd(scan, valueStart, depth);
    found?.set(key, { start: valueStart, end });
    at = skipSpace(text, end);
    if (text.charCodeAt(at) === braceClose) return at + 1;
    at = skipSpace(text, at + 1);
  }
}

function scanArray(scan: Scan, start: number, depth: number, found: Span[] | null): number {
  if (depth > scan.depth) throw tooDeep(scan.depth);
  const { text } = scan;
  let at = skipSpace(text, start + 1);
  if (text.charCodeAt(at) === bracketClose) return at + 1;
  for (;;) {
    const end = valueEnd(scan, at, depth);
    found?.push({ start: at, end });
    at = skipSpace(text, end);
    if (text.charCodeAt(at) === bracketClose) return at + 1;
    at = skipSpace(text, at + 1);
  }
}

function decodeKey(scan: Scan, start: number, end: number): string {
  const raw = scan.text.slice(start + 1, end - 1);
  if (!raw.includes('\\')) return raw;
  scan.escapedKeys = true;
  return JSON.parse(scan.text.slice(start, end)) as string;
}

const surrogateEscape = /\\u[dD][89a-fA-F]/;

/** The text itself comes from a fatal UTF-8 decoder, so only escapes can name half a pair. */
function refuseLoneSurrogates(text: string): void {
  if (!surrogateEscape.test(text) && text.isWellFormed()) return;
  for (let at = text.indexOf('"'); at !== -1; ) {
    const end = stringEnd(text, at);
    if (!(JSON.parse(text.slice(at, end)) as string).isWellFormed())
      throw new StrictJsonError('lone_surrogate', 'a string in the JSON has half of a surrogate pair');
    at = text.indexOf('"', end);
  }
}
