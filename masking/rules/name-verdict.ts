/**
 * What a name says of its value. `strong` values are hidden whatever they look like, `weak` ones only if random;
 * `faint` is a name that speaks of a secret somewhere in it: only long random values count.
 */
export interface NameVerdict {
  readonly detector: string;
  readonly strength: 'strong' | 'weak' | 'faint';
  /** Says of a value whether it is what the name promises, where only a form tells. */
  readonly fits?: (value: string) => boolean;
}
