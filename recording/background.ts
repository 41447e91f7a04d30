/** Something that runs until it is stopped. */
export interface Background {
  /** Resolves once it has finished what it was doing. */
  stop(): Promise<void>;
}

/** Runs `work` until it is stopped, by the signal that it is given. */
export function inBackground(work: (stopping: AbortSignal) => Promise<void>): Background {
  const stopping = new AbortController();
  const running = work(stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
