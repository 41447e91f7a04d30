import { parseJson } from '../mcp/parse-json.ts';
import { scopeOf } from '../definitions/discover.ts';
import {
  cancelledTasks,
  changedTasks,
  deleteExpiredTasks,
  endedTasks,
  takeTaskMessages,
  type StoredTask,
} from '../../db/mcp-tasks.ts';
import { removeReplica, showReplica } from '../../db/gateway-replicas.ts';
import type { MaskedExchange } from '../exchange.ts';
import { rawAt } from '../hold/json-text.ts';
import type { RpcRequest } from '../mcp/rpc-message.ts';
import { maskAndRecord } from '../relay.ts';
import type { UpstreamMessage } from '../upstreams/upstream.ts';
import { mayHold } from './advertise.ts';
import { answerTaskMethod, askWhatWaits } from './task-methods.ts';
import { withoutTaskNews } from './follow-task.ts';
import { isListening, listening } from './subscribe.ts';
import { lookAtWatched } from './task-watch.ts';
import { adoptOrphans } from './task-adopt.ts';
import { beginTask, mapUpstreamTask } from './task-run.ts';
import { openTaskKey, unsealForTask } from './task-keys.ts';
import { createTaskWork, type Listener, type TasksDeps, type TaskWork } from './task-work.ts';
import { declaresTasks, isTaskMethod, taskEraOf, taskMembers } from './wire.ts';

/** Calls that their clients follow as tasks. */
export interface Tasks {
  /** Whether a request is about tasks, and so answered here and not by upstream. */
  isAboutTasks(exchange: MaskedExchange, request: RpcRequest): boolean;
  /** @throws GatewayError */
  answer(exchange: MaskedExchange, request: RpcRequest): Promise<void>;
  /** Whether a call is to become a task. */
  becomesTask(exchange: MaskedExchange, request: RpcRequest): boolean;
  /** Makes a task of a call, answers so, and has it concluded behind it. @throws GatewayError */
  begin(
    exchange: MaskedExchange,
    request: RpcRequest,
    conclude: (exchange: MaskedExchange, call: RpcRequest) => Promise<void>,
  ): Promise<void>;
  /**
   * What comes back for a request: of a call, with tasks that upstream makes of it under ids of Holdpoint's; of
   * `subscriptions/listen` (2026-07-28), with what Holdpoint tells of tasks.
   * @param forward sends a request upstream
   */
  answers(
    exchange: MaskedExchange,
    request: RpcRequest,
    forward: (request: RpcRequest) => AsyncIterable<UpstreamMessage>,
  ): AsyncIterable<UpstreamMessage>;
  /** A client that does not wait for a result any more. @returns true when it waited here */
  cancelled(sessionId: string, requestIdJson: string): boolean;
  /** A session hears of its tasks on a stream of its own. @returns ends that */
  listen(sessionId: string, listener: Listener): () => void;
  /** Tasks that this gateway works at. */
  readonly count: number;
  /** Lets everybody who waits go, and begins and adopts nothing any more. */
  close(): Promise<void>;
  /** Resolves when the calls behind tasks are over, or let go. */
  idle(): Promise<void>;
  /** Leaves what is not over to other gateways, at once. */
  leave(): Promise<void>;
}

const tickMs = 1000;
const showEvery = 3;
const forgetEvery = 30;
/** How far back a look for changes goes: a tick may be late. */
const changesMs = 5000;

export function createTasks(deps: TasksDeps): Tasks {
  const work = createTaskWork(deps);
  const ticking = startTicking(work);
  return {
    isAboutTasks: ({ protocolVersion }, { method }) =>
      isTaskMethod(method) && taskEraOf(protocolVersion) !== null,
    answer: (exchange, request) => answerTaskMethod(work, exchange, request),
    becomesTask: (exchange, request) => becomesTask(work, exchange, request),
    begin: (exchange, request, conclude) => beginTask(work, exchange, request, conclude),
    answers: (exchange, request, forward) =>
      isListening(request) && taskEraOf(exchange.protocolVersion) === 'extension'
        ? listening(work, exchange, request, forward)
        : mapped(work, exchange, request, forward(request)),
    cancelled(sessionId, requestIdJson) {
      const waiter = work.results.find(sessionId, requestIdJson);
      if (waiter) work.results.leave(waiter, 'cancelled');
      return waiter !== null;
    },
    listen(sessionId, listener) {
      work.listeners.set(sessionId, listener);
      return () => {
        if (work.listeners.get(sessionId) === listener) work.listeners.delete(sessionId);
      };
    },
    get count() {
      return work.runs.size;
    },
    async close() {
      await ticking.stop();
      for (const taskId of work.results.calls()) work.results.leaveAll(taskId, 'closing');
    },
    async idle() {
      await Promise.all([...work.runs.values()].map(({ over }) => over));
    },
    leave: () =>
      removeReplica(deps.pool, deps.replica).catch((error: unknown) =>
        deps.log.warn({ err: error }, 'this gateway could not sign off; others notice in a moment'),
      ),
  };
}

/**
 * 2025-11-25: the client asks, and Holdpoint (or the tool's own server) has said that it may. 2026-07-28: the call is
 * held, and the request declares that its client can follow tasks.
 */
function becomesTask(work: TaskWork, exchange: MaskedExchange, request: RpcRequest): boolean {
  const { protocolVersion, verdict, upstream, caller, target, stream } = exchange;
  if (request.method !== 'tools/call' || stream.taskId !== undefined) return false;
  switch (taskEraOf(protocolVersion)) {
    case 'extension':
      return verdict.kind === 'hold' && declaresTasks(request);
    case 'augmented': {
      const { task } = request.params ?? {};
      if (typeof task !== 'object' || task === null) return false;
      const listed = work.definitions.find(scopeOf(upstream, caller), target);
      return (
        mayHold(work.policy(), exchange, null) || ['optional', 'required'].includes(listed?.taskSupport ?? '')
      );
    }
    default:
      return false;
  }
}

async function* mapped(
  work: TaskWork,
  exchange: MaskedExchange,
  request: RpcRequest,
  messages: AsyncIterable<UpstreamMessage>,
): AsyncGenerator<UpstreamMessage> {
  // A task's own stream takes upstream's in its place.
  const mayMakeOne =
    exchange.stream.taskId === undefined &&
    request.method === 'tools/call' &&
    taskEraOf(exchange.protocolVersion) === 'extension' &&
    declaresTasks(request);
  for await (const message of withoutTaskNews(messages)) {
    const created = mayMakeOne && message.kind === 'response' ? createdIn(message.json) : null;
    yield created
      ? { ...message, json: await mapUpstreamTask(work, exchange, message.json, created) }
      : message;
  }
}

const defaultTtlMs = 24 * 60 * 60_000;

function createdIn(response: string): { taskId: string; ttlMs: number } | null {
  if (rawAt(response, ['result', 'resultType']) !== '"task"') return null;
  const { result } = parseJson(response) as { result: { taskId?: unknown; ttlMs?: unknown } };
  if (typeof result.taskId !== 'string') return null;
  const ttlMs = typeof result.ttlMs === 'number' && result.ttlMs > 0 ? Math.ceil(result.ttlMs) : defaultTtlMs;
  return { taskId: result.taskId, ttlMs: Math.min(ttlMs, 30 * defaultTtlMs) };
}

/** One timer for everything that a gateway looks after for its tasks; what there is none of is not asked for. */
function startTicking(work: TaskWork): { stop(): Promise<void> } {
  const { pool, replica, log } = work;
  const told = new Map<string, number>();
  let tick = 0;
  let busy: Promise<void> | null = null;
  const round = async (): Promise<void> => {
    if (tick % showEvery === 1) {
      await showReplica(pool, replica);
      await adoptOrphans(work);
    }
    if (tick % forgetEvery === 1) await deleteExpiredTasks(pool);
    const waiting = work.results.calls();
    if (waiting.length > 0) {
      for (const taskId of await endedTasks(pool, waiting)) work.results.leaveAll(taskId, 'ended');
      await askWhatWaits(work, waiting);
    }
    if (work.runs.size > 0) await lookAfterRuns(work);
    await lookAtWatched(work);
    if (work.listeners.size > 0) await tellOfChanges(work, told);
  };
  // From its first moment on nobody is to take this gateway for dead.
  showReplica(pool, replica).catch((error: unknown) =>
    log.warn({ err: error }, 'this gateway could not sign on yet'),
  );
  const timer = setInterval(() => {
    tick++;
    busy ??= round()
      .catch((error: unknown) => log.warn({ err: error }, 'looking after tasks failed; it is tried again'))
      .finally(() => {
        busy = null;
      });
  }, tickMs).unref();
  return {
    async stop() {
      clearInterval(timer);
      await busy;
    },
  };
}

/** What clients have said about the tasks of this gateway, wherever they said it. */
async function lookAfterRuns({ pool, replica, runs, keyRing }: TaskWork): Promise<void> {
  for (const taskId of await cancelledTasks(pool, replica)) runs.get(taskId)?.cancel();
  const asking = [...runs].flatMap(([taskId, { stream }]) => (stream.question ? [taskId] : []));
  if (asking.length === 0) return;
  for (const { taskId, sealed, ...stored } of await takeTaskMessages(pool, asking, false)) {
    const key = await openTaskKey(keyRing, { taskId, ...stored });
    await runs.get(taskId)?.stream.give(unsealForTask(key, taskId, 'message', sealed));
  }
}

/** Tells sessions that listen here what changed about the tasks that they began (2025-11-25). */
async function tellOfChanges(work: TaskWork, told: Map<string, number>): Promise<void> {
  const changed = await changedTasks(work.pool, changesMs);
  for (const task of changed) {
    const listener = work.listeners.get(task.session.sessionId);
    if (!listener?.stream.alive || taskEraOf(task.protocolVersion) !== 'augmented') continue;
    if (told.get(task.taskId) === task.updatedAt.getTime()) continue;
    told.set(task.taskId, task.updatedAt.getTime());
    await tell(listener, task);
  }
  const oldestMs = Date.now() - 10 * changesMs;
  for (const [taskId, atMs] of told) if (atMs < oldestMs) told.delete(taskId);
}

async function tell({ stream, context }: Listener, task: StoredTask): Promise<void> {
  const method = 'notifications/tasks/status';
  const json = JSON.stringify({ jsonrpc: '2.0', method, params: taskMembers(task, 'augmented') });
  await stream.message(await maskAndRecord(context, json, method));
}
