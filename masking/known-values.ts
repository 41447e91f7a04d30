import { ownCopy } from './own-copy.ts';
import type { Span } from './span.ts';

/** Values once judged secret in a session, so that they are hidden wherever else they stand. In memory only. */
export interface MaskMemory {
  /** Detector by value, oldest first. */
  readonly values: Map<string, string>;
  /** The search for these values; made when first needed, gone when they change. */
  known: KnownFinder | null;
}

const memoryLimit = 2_000;

/** A memory for one session. Drop it with the session. */
export function createMaskMemory(): MaskMemory {
  return { values: new Map(), known: null };
}

/** Adds a value; the oldest goes when there are too many. */
export function remember(memory: MaskMemory, value: string, detector: string): void {
  if (memory.values.has(value)) return;
  if (memory.values.size >= memoryLimit) {
    const oldest = memory.values.keys().next();
    if (oldest.done !== true) memory.values.delete(oldest.value);
  }
  memory.values.set(ownCopy(value), detector);
  memory.known = null;
}

/** Looks for a memory's values. */
export function knownIn(memory: MaskMemory): KnownFinder {
  return (memory.known ??= createKnownFinder(memory.values));
}

/** Whether a found value is distinct enough to be looked for elsewhere: `admin` is not, `hunter2` is. */
export function isDistinct(value: string): boolean {
  if (value.length < 6 || value.length > 512 || value.startsWith('[masked:')) return false;
  if (value.length >= 12) return true;
  return /\d/.test(value) ? /[^\d]/.test(value) || value.length >= 8 : /[^A-Za-z]/.test(value);
}

/** Looks for known values. */
export type KnownFinder = (text: string, out: { push(span: Span): unknown }) => void;

const isWordChar = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);

/** Every value is at least as long as the first ({@link isDistinct}); most are as long as the second. */
const lengths = [6, 12] as const;

/** Makes the search for a set of values: the longer they are, the more of a text can be skipped between them. */
export function createKnownFinder(values: ReadonlyMap<string, string>): KnownFinder {
  const [least, usual] = lengths;
  const short: [string, string][] = [];
  const long: [string, string][] = [];
  for (const entry of values) (entry[0].length < usual ? short : long).push(entry);
  if (short.length === 0) return finderOf(long, usual);
  const inShort = finderOf(short, least);
  if (long.length === 0) return inShort;
  const inLong = finderOf(long, usual);
  return (text, out) => {
    inLong(text, out);
    inShort(text, out);
  };
}

function take(
  text: string,
  at: number,
  value: string,
  detector: string,
  out: { push(span: Span): unknown },
): boolean {
  const glued =
    value.length < 12 &&
    (isWordChar(text.charCodeAt(at - 1)) || isWordChar(text.charCodeAt(at + value.length)));
  if (!glued) out.push({ start: at, end: at + value.length, detector, confidence: 0.7 });
  return !glued;
}

/**
 * One or two values are looked for one by one, more through a table that says, for three characters, how far ahead the
 * next value may begin at the earliest (Wu and Manber, 1994), so that most of a text is skipped.
 * @param indexed by so many of their first characters values are looked for; none is shorter, or they are looked for one by one
 */
function finderOf(values: readonly [string, string][], indexed: number): KnownFinder {
  if (values.length <= 2 || values.some(([value]) => value.length < indexed)) {
    return (text, out) => {
      for (const [value, detector] of values) {
        for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + value.length))
          take(text, at, value, detector, out);
      }
    };
  }
  // A small table for a few values, which most messages have; it must be made for each of them.
  const mask = values.length <= 64 ? 0xfff : values.length <= 512 ? 0x7fff : 0x1_ffff;
  const skips = new Uint8Array(mask + 1).fill(indexed - 2);
  const index = new Map<string, { lengths: number[]; values: Map<string, string> }>();
  for (const [value, detector] of values) {
    for (let last = 2; last < indexed; last += 1) {
      const cell =
        hash(value.charCodeAt(last - 2), value.charCodeAt(last - 1), value.charCodeAt(last)) & mask;
      skips[cell] = Math.min(skips[cell] ?? 0, indexed - 1 - last);
    }
    const prefix = value.slice(0, indexed);
    const bucket = index.get(prefix) ?? { lengths: [], values: new Map<string, string>() };
    if (!bucket.lengths.includes(value.length)) {
      if (bucket.lengths.length >= 16) continue;
      bucket.lengths.push(value.length);
      bucket.lengths.sort((a, b) => b - a);
    }
    bucket.values.set(value, detector);
    index.set(prefix, bucket);
  }
  return (text, out) => {
    const length = text.length;
    for (let last = indexed - 1; last < length; ) {
      const skip =
        skips[hash(text.charCodeAt(last - 2), text.charCodeAt(last - 1), text.charCodeAt(last)) & mask] ?? 0;
      if (skip > 0) {
        last += skip;
        continue;
      }
      const at = last - indexed + 1;
      last += 1;
      const bucket = index.get(text.slice(at, at + indexed));
      if (bucket === undefined) continue;
      for (const size of bucket.lengths) {
        const value = text.slice(at, at + size);
        const detector = bucket.values.get(value);
        // Values may overlap, so the next one is looked for from the next character on.
        if (detector !== undefined && take(text, at, value, detector, out)) break;
      }
    }
  };
}

function hash(first: number, second: number, third: number): number {
  return (first << 10) ^ (second << 5) ^ third;
}
