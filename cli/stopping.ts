import type { Logger } from './log.ts';

/** Something to be stopped, with a name for the log. */
export interface Stoppable {
  readonly name: string;
  stop(): Promise<void>;
}

const stepLimitMs = 30_000;

/**
 * Stops everything in the reverse of the order in which it was started. Each step gets its time; one that fails or
 * takes too long is logged and the next goes on, since what was started must not be left running.
 */
export async function stopAll(started: readonly Stoppable[], log: Logger): Promise<void> {
  for (const part of started.toReversed()) {
    const limit = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error(`did not stop within ${stepLimitMs / 1000} s`)), stepLimitMs).unref();
    });
    try {
      await Promise.race([part.stop(), limit]);
      log.debug({ part: part.name }, 'stopped');
    } catch (error) {
      log.error({ part: part.name, err: error }, 'did not stop cleanly');
    }
  }
}

/**
 * Resolves with the name of the first signal that asks to stop. A second one more than a second later ends the
 * process at once.
 */
export async function untilAskedToStop(): Promise<NodeJS.Signals> {
  return new Promise((done) => {
    let askedAtMs = 0;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (askedAtMs === 0) {
          askedAtMs = Date.now();
          done(signal);
        } else if (Date.now() - askedAtMs > 1000) process.exit(130);
      });
    }
  });
}
