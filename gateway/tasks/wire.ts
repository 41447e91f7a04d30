import type { StoredTask } from '../../db/mcp-tasks.ts';
import { GatewayError } from '../errors.ts';
import { at, rawAt, withMember } from '../hold/json-text.ts';
import type { RpcRequest } from '../mcp/rpc-message.ts';
import { isModern, metaKeys } from '../mcp/versions.ts';

/** Name of the tasks extension (2026-07-28). */
export const tasksExtension = 'io.modelcontextprotocol/tasks';
const relatedTask = 'io.modelcontextprotocol/related-task';
/** What a host may tell its model at once, while the task goes on (2025-11-25). */
const immediateResponse = 'io.modelcontextprotocol/model-immediate-response';

/** How often clients are asked to look. */
const pollIntervalMs = 2000;

/**
 * How a protocol version does tasks: the client asks for one (`params.task`, 2025-11-25), or the server makes one for
 * clients that declare the extension (2026-07-28).
 */
export type TaskEra = 'augmented' | 'extension';

/** null where a version knows no tasks. */
export function taskEraOf(protocolVersion: string): TaskEra | null {
  if (isModern(protocolVersion)) return 'extension';
  return protocolVersion >= '2025-11-25' ? 'augmented' : null;
}

export function isTaskMethod(method: string): boolean {
  return method.startsWith('tasks/');
}

/** Whether a 2026-07-28 request declares the tasks extension; what other requests declared does not count. */
export function declaresTasks(request: RpcRequest): boolean {
  const meta = request.params?.['_meta'] as Record<string, unknown> | undefined;
  const capabilities = meta?.[metaKeys.clientCapabilities] as Record<string, unknown> | undefined;
  const extensions = capabilities?.['extensions'];
  return typeof extensions === 'object' && extensions !== null && Object.hasOwn(extensions, tasksExtension);
}

/** What a 2026-07-28 client is told that speaks of tasks without declaring the extension. */
export function missingTasks(what: string): GatewayError {
  return new GatewayError('missing_capability', `${what} needs the extension ${tasksExtension}`, {
    data: { requiredCapabilities: { extensions: { [tasksExtension]: {} } } },
  });
}

/** Whether a server tells of a task of its own, by an id that no client of Holdpoint's knows. */
export function isTaskNews(method: string | null): boolean {
  return method === 'notifications/tasks' || method?.startsWith('notifications/tasks/') === true;
}

/** The time to live that a client asks for, in ms; null when it asks for none. */
export function requestedTtlMs(request: RpcRequest): number | null {
  const ttl = (request.params?.['task'] as { ttl?: unknown } | undefined)?.ttl;
  return typeof ttl === 'number' && Number.isSafeInteger(ttl) && ttl >= 0 ? ttl : null;
}

/** What is told of a task; a {@link StoredTask} fits. */
export type ShownTask = Pick<
  StoredTask,
  'taskId' | 'state' | 'message' | 'callState' | 'createdAt' | 'updatedAt' | 'ttlMs'
>;

/** The members of a task as its generation of the protocol names them. */
export function taskMembers(task: ShownTask, era: TaskEra): Record<string, unknown> {
  const { taskId, state, createdAt, updatedAt, ttlMs } = task;
  const message =
    state === 'working' && task.callState === 'executing' ? 'Approved; it is running now.' : task.message;
  return {
    taskId,
    status: state,
    ...(message !== null && { statusMessage: message }),
    createdAt: createdAt.toISOString(),
    lastUpdatedAt: updatedAt.toISOString(),
    ...(era === 'augmented' ? { ttl: ttlMs, pollInterval: pollIntervalMs } : { ttlMs, pollIntervalMs }),
  };
}

/** The answer to a call that became a task. */
export function createdResponse(idJson: string, task: ShownTask, era: TaskEra): string {
  const result =
    era === 'extension'
      ? { resultType: 'task', ...taskMembers(task, era) }
      : {
          task: taskMembers(task, era),
          ...(task.message !== null && { _meta: { [immediateResponse]: task.message } }),
        };
  return responseOf(idJson, JSON.stringify(result));
}

export function responseOf(idJson: string, resultJson: string): string {
  return `{"jsonrpc":"2.0","id":${idJson},"result":${resultJson}}`;
}

/**
 * A task with all that is to be told of it (2026-07-28, `DetailedTask`), as members of a JSON object without braces.
 * @param response how it ended: the JSON-RPC response; null while it goes on
 * @param inputs raw JSON of `inputRequests`, while it needs any
 */
export function detailedMembers(task: ShownTask, response: string | null, inputs: string | null): string {
  const members = [JSON.stringify(taskMembers(task, 'extension')).slice(1, -1)];
  const name = { completed: 'result', failed: 'error' }[task.state as string];
  const end = name !== undefined && response !== null ? rawAt(response, [name]) : null;
  if (name !== undefined && end !== null) members.push(`"${name}":${end}`);
  if (task.state === 'input_required') members.push(`"inputRequests":${inputs ?? '{}'}`);
  return members.join(',');
}

/** A message that belongs to a task, saying so (2025-11-25). */
export function withRelatedTask(json: string, taskId: string): string {
  const holder = at(json, ['result']) ? 'result' : 'params';
  const related = JSON.stringify({ taskId });
  if (!at(json, [holder]))
    return holder === 'params' && at(json, ['error']) ? json : withParams(json, related);
  const meta = rawAt(json, [holder, '_meta']);
  return meta?.startsWith('{')
    ? withMember(json, [holder, '_meta'], relatedTask, related)
    : withMember(json, [holder], '_meta', `{"${relatedTask}":${related}}`);
}

function withParams(json: string, related: string): string {
  return withMember(json, [], 'params', `{"_meta":{"${relatedTask}":${related}}}`);
}
