/** Lets at most `atOnce` pieces of work run; the others wait for their turn, first come first served. */
export interface Turns {
  /** @throws Error when no turn came within the time that the turns were made with; `work` was then not begun */
  take<T>(work: () => Promise<T>): Promise<T>;
}

/**
 * @param limits.waitMs how long a turn is waited for, so that a queue that stands still fails whoever is in it
 */
export function createTurns(limits: { atOnce: number; waitMs: number }): Turns {
  let running = 0;
  const waiting = new Set<() => void>();
  const next = (): void => {
    const [first] = waiting;
    if (first) first();
    else running--;
  };
  const turn = async (): Promise<void> => {
    if (running < limits.atOnce) {
      running++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const begin = (): void => {
        waiting.delete(begin);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.delete(begin);
        reject(new Error(`no turn came within ${limits.waitMs} ms: ${limits.atOnce} are still under way`));
      }, limits.waitMs);
      waiting.add(begin);
    });
  };
  return {
    take: async (work) => {
      await turn();
      try {
        return await work();
      } finally {
        next();
      }
    },
  };
}
