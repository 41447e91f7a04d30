/** An unbounded hand-over with an end: one side puts, the other iterates. */
export interface MessageQueue<T> extends AsyncIterable<T> {
  put(value: T): void;
  /** Ends the iteration once what was put is taken. */
  end(): void;
  /** Ends the iteration with an error once what was put is taken. */
  fail(error: Error): void;
}

/** Makes a queue for one reader. */
export function createMessageQueue<T>(): MessageQueue<T> {
  const values: T[] = [];
  let ended = false;
  let failure: Error | null = null;
  let wake: (() => void) | null = null;
  const signal = (): void => {
    wake?.();
    wake = null;
  };
  return {
    put(value) {
      values.push(value);
      signal();
    },
    end() {
      ended = true;
      signal();
    },
    fail(error) {
      failure ??= error;
      signal();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        while (values.length > 0) yield values.shift() as T;
        if (failure) throw failure;
        if (ended) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
