/** What a name says of its value. `strong` values are hidden whatever they look like; `weak` ones only if random. */
export interface NameVerdict {
  readonly detector: string;
  readonly strength: 'strong' | 'weak';
}
