import { fives } from './five-bits.ts';
import { isLetter } from './characters.ts';

/** Where a name stands in a text. */
export interface NameHit {
  readonly name: string;
  readonly end: number;
}

/** Finds names in short texts: the last one that begins a word (or a hump of a camel-case word). */
export interface NameIndex {
  /** @returns the last name in `text` that begins at or after `from`, or null */
  lastIn(text: string, from: number): NameHit | null;
}

const fiveOf = (code: number): number => (code < 128 ? (fives[code] ?? 0) : 0);
const hash3 = (text: string, at: number): number =>
  (fiveOf(text.charCodeAt(at)) << 10) |
  (fiveOf(text.charCodeAt(at + 1)) << 5) |
  fiveOf(text.charCodeAt(at + 2));

/** @param names lower-case letters and digits, at least three of them */
export function createNameIndex(names: Iterable<string>): NameIndex {
  const known = new Uint8Array(32_768);
  const byStart = new Map<number, string[]>();
  for (const name of names) {
    const key = hash3(name, 0);
    known[key] = 1;
    byStart.set(
      key,
      [...(byStart.get(key) ?? []), name].sort((a, b) => b.length - a.length),
    );
  }
  return {
    lastIn(text, from) {
      // Backwards, so that the hash of three characters shifts by one.
      let key = hash3(text, text.length - 2) & 0x7fff;
      for (let at = text.length - 3; at >= from; at -= 1) {
        key = (fiveOf(text.charCodeAt(at)) << 10) | (key >> 5);
        if (known[key] !== 1 || !beginsWord(text, at)) continue;
        const lower = text.slice(at, at + 24).toLowerCase();
        for (const name of byStart.get(key) ?? []) {
          if (lower.startsWith(name) && endsName(text, at + name.length, name.length))
            return { name, end: at + name.length };
        }
      }
      return null;
    },
  };
}

function beginsWord(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  const code = text.charCodeAt(at);
  return !isLetter(before) || (before >= 97 && code <= 90);
}

/** A short name must not be the beginning of a longer word; a long one may be (`datadogkey`). */
function endsName(text: string, end: number, length: number): boolean {
  const next = text.charCodeAt(end);
  return length >= 6 || !(next >= 97 && next <= 122);
}
