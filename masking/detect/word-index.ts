import { fives } from './five-bits.ts';
import { isDigit, isLetter, isWord } from './characters.ts';

/** All beyond ASCII as one. */
const fiveOf = (code: number): number => (code < 128 ? (fives[code] ?? 0) : 28);

/** Finds which of many words stand in a text, at a cost that does not grow with their number. */
export interface WordIndex<T> {
  /**
   * What belongs to the words that stand between two offsets, each once, in the order in which they were given. A word
   * of fewer than five letters must stand free (`sin`, not `using`) or be part of a name (`userSin`), and so must the end
   * of a longer name; between its words there may be a space, a hyphen, an underscore or nothing. What masking wrote is not read.
   */
  in(text: string, from: number, to: number): readonly T[];
  /** Whether there is any. */
  some(text: string): boolean;
}

interface Entry<T> {
  /** The word's characters, a space for where its parts meet. */
  readonly codes: Uint16Array;
  readonly letters: number;
  /** How many letters its last part has. */
  readonly lastPart: number;
  readonly values: { readonly order: number; readonly value: T }[];
}

function entryOf<T>(word: string): Entry<T> {
  return {
    codes: Uint16Array.from(word, (char) => char.charCodeAt(0)),
    letters: word.replaceAll(' ', '').length,
    lastPart: word.length - word.lastIndexOf(' ') - 1,
    values: [],
  };
}

/** @param entries words of at least three characters, in small letters, and what belongs to them */
export function createWordIndex<T>(entries: Iterable<readonly [string, T]>): WordIndex<T> {
  /** By the first three characters of words, which fourth ones go on, one bit each. */
  const fourths = new Uint32Array(32_768);
  const byWord = new Map<string, Entry<T>>();
  const byStart = new Map<number, Entry<T>[]>();
  let order = 0;
  for (const [word, value] of entries) {
    let entry = byWord.get(word);
    if (entry === undefined) {
      entry = entryOf(word);
      byWord.set(word, entry);
      const cell =
        (fiveOf(word.charCodeAt(0)) << 10) | (fiveOf(word.charCodeAt(1)) << 5) | fiveOf(word.charCodeAt(2));
      const fourth = word.charCodeAt(3);
      const bits = word.length > 3 && fourth !== 32 ? 1 << fiveOf(fourth) : -1;
      fourths[cell] = (fourths[cell] ?? 0) | bits;
      byStart.set(cell, [...(byStart.get(cell) ?? []), entry]);
    }
    entry.values.push({ order, value });
    order += 1;
  }
  const nothing: readonly T[] = [];
  const collect = (text: string, from: number, to: number, first: boolean): readonly T[] => {
    let found: { order: number; value: T }[] | null = null;
    let cell = 0;
    for (let i = from; i < to; i += 1) {
      cell = ((cell << 5) | fiveOf(text.charCodeAt(i))) & 0x7fff;
      const fourth = fourths[cell] ?? 0;
      if (fourth === 0 || i < from + 2 || ((fourth >>> fiveOf(text.charCodeAt(i + 1))) & 1) === 0) continue;
      for (const entry of byStart.get(cell) ?? []) {
        if (!standsAt(text, i - 2, to, entry)) continue;
        if (first) return entry.values.map(({ value }) => value);
        found = [...(found ?? []), ...entry.values];
      }
    }
    return found === null ? nothing : inOrder(found);
  };
  return {
    in: (text, from, to) => collect(text, from, to, false),
    some: (text) => collect(text, 0, text.length, true).length > 0,
  };
}

const inOrder = <T>(found: readonly { order: number; value: T }[]): readonly T[] => [
  ...new Set(found.toSorted((a, b) => a.order - b.order).map(({ value }) => value)),
];

const isJoint = (code: number): boolean => code === 32 || code === 0x2d || code === 0x5f;

/** The small letter of a character. */
function small(code: number): number {
  if (code < 128) return code >= 65 && code <= 90 ? code | 32 : code;
  return String.fromCharCode(code).toLowerCase().charCodeAt(0);
}

/** Whether a word stands at `at` and ends before `to`. */
function standsAt<T>(text: string, at: number, to: number, { codes, letters, lastPart }: Entry<T>): boolean {
  const ahead = text.charCodeAt(at - 1);
  const first = text.charCodeAt(at);
  const hump = ahead >= 97 && ahead <= 122 && first >= 65 && first <= 90;
  if (letters < 5 && isLetter(ahead) && !hump) return false;
  let i = at;
  for (let k = 0; k < codes.length; k += 1) {
    const code = codes[k] ?? 0;
    if (code === 32) {
      if (isJoint(text.charCodeAt(i))) i += 1;
      continue;
    }
    if (i >= to || small(text.charCodeAt(i)) !== code) return false;
    i += 1;
  }
  const behind = text.charCodeAt(i);
  const last = text.charCodeAt(i - 1);
  if (lastPart < 5 && isLetter(last)) {
    if (behind >= 97 && behind <= 122) return false;
    if (behind >= 65 && behind <= 90 && last <= 90) return false;
  }
  return !inMarker(text, at) && (letters >= 5 || !inToken(text, at, i));
}

/** Whether a short word is part of a run of letters that has digits too, as chance writes them: `X8NifFtufqzm4y`. */
function inToken(text: string, at: number, end: number): boolean {
  if (!isWord(text.charCodeAt(at - 1)) && !isWord(text.charCodeAt(end))) return false;
  for (let i = at - 1; i > at - 30 && isWord(text.charCodeAt(i)); i -= 1)
    if (isDigit(text.charCodeAt(i))) return true;
  for (let i = end; i < end + 30 && isWord(text.charCodeAt(i)); i += 1)
    if (isDigit(text.charCodeAt(i))) return true;
  return false;
}

/** Whether an offset lies in what masking wrote. */
function inMarker(text: string, at: number): boolean {
  const ahead = text.slice(Math.max(0, at - 40), at);
  const open = ahead.lastIndexOf('masked:');
  return open >= 0 && !ahead.includes(']', open);
}
