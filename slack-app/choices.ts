import type { ShownOffer } from '../db/held-opening.ts';

/** What an approver chose: how many further calls, and for how long. */
export interface GrantChoice {
  readonly calls: number;
  readonly forMs: number;
}

const someCalls = [1, 3, 5, 10, 20, 50, 100, 200, 500];
const someMinutes = [5, 15, 30, 60, 240, 1440];

/** Numbers of calls to choose from, smallest first: never more than policy offers. */
export function callChoices({ calls }: ShownOffer): readonly number[] {
  return [...someCalls.filter((some) => some < calls), calls];
}

/** Times to choose from, in ms, shortest first: never longer than policy offers. */
export function timeChoices({ forMs }: ShownOffer): readonly number[] {
  return [...someMinutes.map((minutes) => minutes * 60_000).filter((some) => some < forMs), forMs];
}

/** `30 minutes`, `2 hours`, `90 seconds`. */
export function spanWords(ms: number): string {
  const [count, unit] =
    ms % 86_400_000 === 0
      ? [ms / 86_400_000, 'day']
      : ms % 3_600_000 === 0
        ? [ms / 3_600_000, 'hour']
        : ms % 60_000 === 0
          ? [ms / 60_000, 'minute']
          : [Math.round(ms / 1000), 'second'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** What a grant of this offer covers, a line for each condition. The conditions are policy's own words. */
export function coverage(offer: ShownOffer): readonly string[] {
  return [
    offer.scope === 'session' ? 'same tool, same caller, this session' : 'same tool, same caller',
    ...offer.where,
  ];
}
