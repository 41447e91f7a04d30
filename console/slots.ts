/** What only so many may do at the same time. */
export interface Slots {
  /** @returns what gives the place back, however often it is called; null when all are taken */
  take(): (() => void) | null;
}

export function createSlots(most: number): Slots {
  const taken = new Set<() => void>();
  return {
    take() {
      if (taken.size >= most) return null;
      const giveBack = (): void => void taken.delete(giveBack);
      taken.add(giveBack);
      return giveBack;
    },
  };
}
