/** A set of UTF-16 units: a table for ASCII, ranges for the rest. */
export interface UnitSet {
  readonly ascii: Uint8Array;
  readonly ranges: readonly (readonly [number, number])[];
}

/** First and last unit, both included. */
export type Range = readonly [number, number];

const digits: Range[] = [[48, 57]];
const words: Range[] = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
const spaces: Range[] = [
  [9, 13],
  [32, 32],
];
/** Named classes as in `[[:alnum:]]`. */
export const posix: Readonly<Record<string, Range[]>> = {
  alnum: [
    [48, 57],
    [65, 90],
    [97, 122],
  ],
  alpha: [
    [65, 90],
    [97, 122],
  ],
  digit: digits,
  lower: [[97, 122]],
  upper: [[65, 90]],
  space: spaces,
  word: words,
  xdigit: [
    [48, 57],
    [65, 70],
    [97, 102],
  ],
  punct: [
    [33, 47],
    [58, 64],
    [91, 96],
    [123, 126],
  ],
  print: [[32, 126]],
  graph: [[33, 126]],
  blank: [
    [9, 9],
    [32, 32],
  ],
  cntrl: [
    [0, 31],
    [127, 127],
  ],
  ascii: [[0, 127]],
};

/** Classes written as one escaped letter, and whether they are turned round. */
export const escapeRanges: Readonly<Record<string, readonly [Range[], boolean]>> = {
  d: [digits, false],
  D: [digits, true],
  w: [words, false],
  W: [words, true],
  s: [spaces, false],
  S: [spaces, true],
};
/** Everything that is not in the ranges. */
export function complement(ranges: readonly Range[]): Range[] {
  const out: Range[] = [];
  let from = 0;
  for (const [low, high] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (low > from) out.push([from, low - 1]);
    from = Math.max(from, high + 1);
  }
  if (from <= 0xffff) out.push([from, 0xffff]);
  return out;
}

/** Makes the set of some ranges, in either case where `fold`, turned round where `negated`. */
export function setOf(given: readonly Range[], fold: boolean, negated: boolean): UnitSet {
  let ranges = [...given];
  if (fold) {
    for (const [low, high] of given) {
      for (const [from, to, shift] of [
        [65, 90, 32],
        [97, 122, -32],
      ] as const) {
        const start = Math.max(low, from);
        const end = Math.min(high, to);
        if (start <= end) ranges.push([start + shift, end + shift]);
      }
    }
  }
  if (negated) ranges = complement(ranges);
  const ascii = new Uint8Array(128);
  for (const [low, high] of ranges)
    for (let code = low; code <= Math.min(high, 127); code += 1) ascii[code] = 1;
  return { ascii, ranges: ranges.filter(([, high]) => high > 127) };
}
