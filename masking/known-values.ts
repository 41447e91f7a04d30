import type { Span } from './span.ts';

/** Values once judged secret in a session, so that they are hidden wherever else they stand. In memory only. */
export interface MaskMemory {
  /** Detector by value, oldest first. */
  readonly values: Map<string, string>;
}

const memoryLimit = 2_000;

/** A memory for one session. Drop it with the session. */
export function createMaskMemory(): MaskMemory {
  return { values: new Map() };
}

/** Adds a value; the oldest goes when there are too many. */
export function remember(memory: MaskMemory, value: string, detector: string): void {
  if (memory.values.has(value)) return;
  if (memory.values.size >= memoryLimit) {
    const oldest = memory.values.keys().next();
    if (oldest.done !== true) memory.values.delete(oldest.value);
  }
  memory.values.set(value, detector);
}

/** Whether a found value is distinct enough to be looked for elsewhere: `admin` is not, `hunter2` is. */
export function isDistinct(value: string): boolean {
  if (value.length < 6 || value.length > 512 || value.startsWith('[masked:')) return false;
  if (value.length >= 12) return true;
  return /\d/.test(value) ? /[^\d]/.test(value) || value.length >= 8 : /[^A-Za-z]/.test(value);
}

/** Looks for known values. */
export type KnownFinder = (text: string, out: Span[]) => void;

const isWordChar = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);

/**
 * Makes the search for a set of values: few are looked for one by one, many through an index over their first six
 * characters, so that time stays linear in the text.
 */
export function createKnownFinder(values: ReadonlyMap<string, string>): KnownFinder {
  const take = (text: string, at: number, value: string, detector: string, out: Span[]): void => {
    const glued =
      value.length < 12 &&
      (isWordChar(text.charCodeAt(at - 1)) || isWordChar(text.charCodeAt(at + value.length)));
    if (!glued) out.push({ start: at, end: at + value.length, detector, confidence: 0.7 });
  };
  if (values.size <= 24) {
    return (text, out) => {
      for (const [value, detector] of values) {
        for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + value.length))
          take(text, at, value, detector, out);
      }
    };
  }
  const filter = new Uint8Array(65_536);
  const index = new Map<string, { lengths: number[]; values: Map<string, string> }>();
  for (const [value, detector] of values) {
    filter[hash(value, 0)] = 1;
    const prefix = value.slice(0, 6);
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
    for (let at = 0; at + 6 <= text.length; at += 1) {
      if (filter[hash(text, at)] !== 1) continue;
      const bucket = index.get(text.slice(at, at + 6));
      if (bucket === undefined) continue;
      for (const length of bucket.lengths) {
        const detector = bucket.values.get(text.slice(at, at + length));
        if (detector === undefined) continue;
        take(text, at, text.slice(at, at + length), detector, out);
        at += length - 1;
        break;
      }
    }
  };
}

function hash(text: string, at: number): number {
  const mixed =
    Math.imul(text.charCodeAt(at) * 31 + text.charCodeAt(at + 1), 961) +
    text.charCodeAt(at + 2) * 31 +
    text.charCodeAt(at + 3);
  return (mixed ^ (mixed >>> 16)) & 0xffff;
}
