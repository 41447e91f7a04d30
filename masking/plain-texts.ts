/**
 * The strings of one walk over a message in which nothing was found and nothing but their own characters was looked
 * at, in the order they were met. A second walk, which knows more values, meets them in the same order and need only
 * look for these values there. It compares text and name, so that a walk that goes another way skips nothing.
 */
export interface PlainTexts {
  /** Counts a string in. @returns its turn */
  meet(): number;
  add(turn: number, text: string, key: string, depth: number): void;
  /** Whether the string of this turn was this one, under this name, as deep, and held nothing. */
  has(turn: number, text: string, key: string, depth: number): boolean;
}

/** An empty list for one walk. */
export function createPlainTexts(): PlainTexts {
  // A turn in which something was found leaves a hole.
  const texts: string[] = [];
  const keys: string[] = [];
  const depths: number[] = [];
  let met = 0;
  return {
    meet: () => met++,
    add(turn, text, key, depth) {
      texts[turn] = text;
      keys[turn] = key;
      depths[turn] = depth;
    },
    has: (turn, text, key, depth) => texts[turn] === text && keys[turn] === key && depths[turn] === depth,
  };
}
