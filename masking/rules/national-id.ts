/** A person's number that a state issues. `pattern` is bounded; `check` gets the match without separators, upper case. */
export interface NationalId {
  readonly name: string;
  readonly pattern: string;
  readonly check: (compact: string) => boolean;
  /** Lower-case words of which one must stand near; absent when form and checksum are proof enough. */
  readonly near?: readonly string[];
  readonly source: string;
  /** A made-up number that passes. */
  readonly example: string;
}

/** Number written in part of a text. */
export const n = (text: string, start: number, end: number): number => Number(text.slice(start, end));
/** The last digit. */
export const last = (text: string): number => text.charCodeAt(text.length - 1) - 48;
/** For numbers that have a form and no check digit. */
export const anything = (): boolean => true;
/** Numbers of equal digits pass many checksums and belong to nobody. */
export const varied = (text: string): boolean => !/^(\d)\1+$/.test(text);

/** A number of which form and check digit prove too little: one of the words must stand near. */
export const named = (
  name: string,
  pattern: string,
  near: readonly string[],
  example: string,
  source: string,
  check: NationalId['check'] = anything,
): NationalId => ({ name, pattern, check, near, source, example });
