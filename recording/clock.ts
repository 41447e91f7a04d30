/** Reads the time for the recording. */
export interface Clock {
  /** What the wall clock says, in microseconds since 1970. May jump either way. */
  wallMicros(): number;
  /** Microseconds that never run backwards; only differences mean something. */
  steadyMicros(): number;
}

/** Above this much disagreement the wall clock was set, and the estimate follows it. */
const followMicros = 2000;

/**
 * The machine's clock with microseconds: the steady clock carries the time between the wall clock's milliseconds,
 * and every jump of the wall clock shows.
 */
export function systemClock(): Clock {
  const steadyMicros = (): number => Math.round(performance.now() * 1000);
  let offset = Date.now() * 1000 - steadyMicros();
  return {
    steadyMicros,
    wallMicros() {
      const coarse = Date.now() * 1000;
      const steady = steadyMicros();
      if (Math.abs(steady + offset - coarse) > followMicros) offset = coarse - steady;
      return steady + offset;
    },
  };
}

/**
 * Times for one strand: strictly growing whatever the wall clock does. While the wall clock is behind, time goes on
 * at the steady clock's pace, so that durations stay true.
 */
export function monotoneTimes(clock: Clock): () => { atMicros: number; clockMicros: number } {
  let last = 0;
  let lastSteady = clock.steadyMicros();
  return () => {
    const clockMicros = clock.wallMicros();
    const steady = clock.steadyMicros();
    const atMicros = Math.max(clockMicros, last + Math.max(1, steady - lastSteady));
    last = atMicros;
    lastSteady = steady;
    return { atMicros, clockMicros };
  };
}
