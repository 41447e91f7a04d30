import type { Waiter } from './waiters.ts';

/** An execution that this process has under way. */
export interface Execution {
  readonly callId: string;
  /** The request whose client sees it happen; null when it runs for a client that has gone. */
  readonly waiter: Waiter | null;
  /** The client wants it stopped: upstream is told so. What came of it is still found out. */
  cancel(): void;
}

/** The executions of this process. */
export interface Running {
  add(execution: Execution): void;
  remove(execution: Execution): void;
  get(callId: string): Execution | null;
}

export function createRunning(): Running {
  const byCall = new Map<string, Execution>();
  return {
    add: (execution) => void byCall.set(execution.callId, execution),
    remove: (execution) => void byCall.delete(execution.callId),
    get: (callId) => byCall.get(callId) ?? null,
  };
}
