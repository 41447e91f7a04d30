import { type TaskStamp, taskStamps } from '../../db/mcp-task-stamps.ts';
import { findTask, type TaskState } from '../../db/mcp-tasks.ts';
import type { MaskedExchange } from '../exchange.ts';
import { rawAt, withMember, withoutMember } from '../hold/json-text.ts';
import { metaKeys } from '../mcp/versions.ts';
import { rawParam, readRpcMessage, type RpcRequest } from '../mcp/rpc-message.ts';
import { hasEnded, membersOf, noting, ownerOf } from './task-methods.ts';
import { keyOf, type TaskWork } from './task-work.ts';
import { askUpstream } from './upstream-task.ts';

/** Tasks of a client's that it wants to hear of on its stream of `subscriptions/listen` (2026-07-28). */
export interface TaskWatch {
  /** Those that may still change. */
  readonly open: ReadonlySet<string>;
  /** Looks at what is new of them. Never waits for anything and never throws. */
  look(stamps: ReadonlyMap<string, TaskStamp>): void;
  /** The next notification that was not taken; null when there is none. Of each task, only the latest state is kept. */
  take(): string | null;
}

/** How often upstream is asked about a task of its own, unless it wants less. */
const leastAskMs = 2000;
const usualAskMs = 5000;
const mostAskMs = 60_000;

interface Watched {
  /** What was told last, as JSON. */
  told: string;
  stamp: string;
  askAtMs: number;
  busy: boolean;
}

/**
 * @param taskIds of this caller's on this connection
 * @param wake told when there is something to take
 */
export function createTaskWatch(
  work: TaskWork,
  exchange: MaskedExchange,
  request: RpcRequest,
  taskIds: readonly string[],
  wake: () => void,
): TaskWatch {
  const watched = new Map<string, Watched>(
    taskIds.map((taskId) => [taskId, { told: '', stamp: '', askAtMs: 0, busy: false }]),
  );
  const open = new Set(taskIds);
  const waiting = new Map<string, string>();
  const meta = `{"io.modelcontextprotocol/subscriptionId":${request.idJson}}`;

  async function see(taskId: string, one: Watched): Promise<void> {
    const task = await findTask(work.pool, ownerOf(exchange), taskId);
    if (!task) return void open.delete(taskId);
    const state = task.sealedUpstream
      ? await askedUpstream(work, exchange, request, task)
      : `{${await membersOf(work, task)}}`;
    if (state === null) return;
    one.askAtMs = Date.now() + askAfterMs(state);
    if (hasEnded(JSON.parse(rawAt(state, ['status']) ?? 'null') as TaskState)) open.delete(taskId);
    if (state === one.told) return;
    one.told = state;
    // The id that the client knows, whatever upstream calls the task.
    const named = withMember(withMember(state, [], 'taskId', JSON.stringify(taskId)), [], '_meta', meta);
    waiting.set(taskId, `{"jsonrpc":"2.0","method":"notifications/tasks","params":${named}}`);
    wake();
  }

  return {
    open,
    look(stamps) {
      for (const taskId of open) {
        const one = watched.get(taskId);
        const stamp = stamps.get(taskId);
        if (!stamp) open.delete(taskId);
        if (!stamp || !one || one.busy) continue;
        if (stamp.stamp === one.stamp && !(stamp.upstream && Date.now() >= one.askAtMs)) continue;
        one.stamp = stamp.stamp;
        one.busy = true;
        see(taskId, one)
          .catch((error: unknown) => {
            one.stamp = '';
            work.log.warn({ taskId, err: error }, 'a task could not be looked at; that is tried again');
          })
          .finally(() => {
            one.busy = false;
          });
      }
    },
    take() {
      const [first] = waiting;
      if (!first) return null;
      waiting.delete(first[0]);
      return first[1];
    },
  };
}

/** One look, at the tasks of all who listen here. */
export async function lookAtWatched({ pool, watches }: TaskWork): Promise<void> {
  const taskIds = new Set([...watches].flatMap(({ open }) => [...open]));
  if (taskIds.size === 0) return;
  const stamps = new Map((await taskStamps(pool, [...taskIds])).map((stamp) => [stamp.taskId, stamp]));
  for (const watch of watches) watch.look(stamps);
}

/** What upstream says of a task of its own, recorded as a question of the client's that it has asked once for all. */
async function askedUpstream(
  work: TaskWork,
  exchange: MaskedExchange,
  request: RpcRequest,
  task: Parameters<typeof askUpstream>[2],
): Promise<string | null> {
  const { session, masker, correlationId, verdict } = exchange;
  const idJson = JSON.stringify(`${request.idJson} tasks/get ${task.taskId}`);
  const capabilities = rawParam(request, '_meta', metaKeys.clientCapabilities) ?? '{}';
  const meta = `{"${metaKeys.protocolVersion}":"${exchange.protocolVersion}","${metaKeys.clientCapabilities}":${capabilities}}`;
  const json = `{"jsonrpc":"2.0","id":${idJson},"method":"tasks/get","params":{"taskId":"${task.taskId}","_meta":${meta}}}`;
  const asked = readRpcMessage(json, {
    depth: Number.POSITIVE_INFINITY,
    loneSurrogates: 'allow',
  }) as RpcRequest;
  await work.recorder.append(session.facts, {
    kind: 'message',
    direction: 'client-to-upstream',
    callId: correlationId,
    method: asked.method,
    tool: task.tool,
    verdict: null,
    rule: null,
    policyVersion: verdict.policyVersion,
    bytes: (await masker.later.message(json)).text,
    unmasked: json,
  });
  const as = { ...exchange, headers: { ...exchange.headers, 'mcp-method': asked.method } };
  let state: string | null = null;
  for await (const message of noting(work, task, askUpstream(as, asked, task, await keyOf(work, task))))
    if (message.kind === 'response') state = rawAt(message.json, ['result']);
  return state?.startsWith('{') ? withoutMember(state, [], 'resultType') : null;
}

function askAfterMs(state: string): number {
  const wanted = Number(rawAt(state, ['pollIntervalMs']) ?? usualAskMs);
  return Number.isFinite(wanted) ? Math.min(Math.max(wanted, leastAskMs), mostAskMs) : usualAskMs;
}
