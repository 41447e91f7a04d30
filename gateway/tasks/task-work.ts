import type { Logger } from 'pino';
import { changeTask, putTaskMessage, type StoredTask } from '../../db/mcp-tasks.ts';
import type { Pool } from '../../db/pool.ts';
import type { Masked } from '../../masking/masked.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Recorder } from '../../recording/event.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import type { ClientStream } from '../client-stream.ts';
import { rawAt } from '../hold/json-text.ts';
import { createWaiters, type Waiters, type Waiting } from '../hold/waiters.ts';
import type { HoldPort } from '../hold-port.ts';
import type { SessionMasker } from '../mask.ts';
import type { RelayContext } from '../relay.ts';
import type { ToolDefinitions } from '../definitions/registry.ts';
import { openTaskKey, sealForTask } from './task-keys.ts';
import type { TaskStream } from './task-stream.ts';
import type { TaskWatch } from './task-watch.ts';

/** What following calls as tasks needs. */
export interface TasksDeps {
  readonly pool: Pool;
  readonly keyRing: KeyRing;
  readonly recorder: Recorder;
  readonly hold: HoldPort;
  readonly policy: () => Policy;
  readonly definitions: ToolDefinitions;
  readonly sessionMasker: SessionMasker;
  readonly log: Logger;
  readonly replica: string;
  /** How many tasks one caller may have stored. */
  readonly tasksPerCaller: number;
}

/** A task that this gateway works at. */
export interface Run {
  readonly stream: TaskStream;
  /** Stops the work, as far as it can be stopped. Safe to repeat. */
  cancel(): void;
  /** Resolves when the work is over, however it ended. */
  readonly over: Promise<void>;
}

/** A client's `tasks/result` that waits for the end of a task. */
export interface ResultWaiter extends Waiting {
  readonly task: StoredTask;
  readonly stream: ClientStream;
  readonly context: RelayContext;
}

/** The stream on which a client session hears of what belongs to no request. */
export interface Listener {
  readonly stream: ClientStream;
  readonly context: RelayContext;
}

/** What the parts of following tasks share in one gateway. */
export interface TaskWork extends TasksDeps {
  /** By task id. */
  readonly runs: Map<string, Run>;
  /** Tasks that are stored, or about to be, and about to be among the runs: nobody has left them. */
  readonly beginning: Set<string>;
  readonly results: Waiters<ResultWaiter>;
  /** By recording session. */
  readonly listeners: Map<string, Listener>;
  /** Of streams of `subscriptions/listen` that are open here. */
  readonly watches: Set<TaskWatch>;
}

export function createTaskWork(deps: TasksDeps): TaskWork {
  return {
    ...deps,
    runs: new Map(),
    beginning: new Set(),
    results: createWaiters(),
    listeners: new Map(),
    watches: new Set(),
  };
}

/**
 * Takes a message to a task's client, which was masked and recorded before: on the `tasks/result` that waits for the
 * task, else on the session's own stream. A question for which neither is open here waits until the client asks for
 * the result, wherever; what is no question is not kept.
 */
export async function tellAside(
  work: TaskWork,
  task: { readonly taskId: string; readonly sessionId: string; readonly key: Uint8Array },
  json: Masked<string>,
): Promise<void> {
  const { taskId, sessionId, key } = task;
  const stream = work.results.of(taskId)[0]?.stream ?? work.listeners.get(sessionId)?.stream;
  if (stream?.alive) return stream.message(json);
  if (rawAt(json, ['id']) === null) return;
  await putTaskMessage(work.pool, {
    taskId,
    outward: true,
    sealed: sealForTask(key, taskId, 'message', json),
  });
  await changeTask(work.pool, taskId, { state: 'input_required' });
}

export function keyOf(work: TaskWork, task: StoredTask): Promise<Uint8Array> {
  return openTaskKey(work.keyRing, task);
}
