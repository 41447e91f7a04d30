import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until something holds, however long the machine takes for it.
 *
 * @param what what is waited for, as the failure names it
 * @param look looked at every 20 ms; anything but `false`, `null`, `undefined`, `0` and `''` holds
 * @returns what `look` saw
 * @throws Error when it does not hold within `withinMs`
 */
export async function until<Seen>(
  what: string,
  look: () => Seen | Promise<Seen>,
  withinMs = 30_000,
): Promise<Exclude<Seen, false | null | undefined | 0 | ''>> {
  const late = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen as Exclude<Seen, false | null | undefined | 0 | ''>;
    if (performance.now() > late) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(20);
  }
}
