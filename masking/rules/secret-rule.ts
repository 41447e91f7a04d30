/** A vendor's token, recognised by text it always starts with. Shapes: see `shape.ts`. */
export interface PrefixRule {
  /** Detector name, as in markers and policy: `github-token`. */
  readonly name: string;
  readonly shapes: readonly string[];
  /** Where the format is published. */
  readonly source: string;
  /** Lowest Shannon entropy (bits a character) of a match; for short or common prefixes. */
  readonly entropy?: number;
}

/** A vendor's token without a prefix of its own: believed only near one of the vendor's words. */
export interface NearRule {
  readonly name: string;
  /** Lower-case words; one of them stands before the token, on its line or in its key. */
  readonly near: readonly string[];
  readonly shapes: readonly string[];
  readonly source: string;
}

/** Shorthand for a {@link PrefixRule}, so that rules read as a table. */
export function token(name: string, source: string, ...shapes: readonly string[]): PrefixRule {
  return { name, source, shapes };
}

/** Shorthand for a {@link NearRule}. */
export function near(
  name: string,
  source: string,
  words: readonly string[],
  ...shapes: readonly string[]
): NearRule {
  return { name, source, near: words, shapes };
}
