import {
  changeTask,
  findTask,
  listTasks,
  putTaskMessage,
  type StoredTask,
  type TaskOwner,
  takeTaskMessages,
  type TaskState,
} from '../../db/mcp-tasks.ts';
import type { Masked } from '../../masking/masked.ts';
import { errorResponse, GatewayError } from '../errors.ts';
import type { MaskedExchange } from '../exchange.ts';
import { withId } from '../hold/answers.ts';
import { rawAt } from '../hold/json-text.ts';
import { rawParam, type RpcRequest } from '../mcp/rpc-message.ts';
import { relay } from '../relay.ts';
import { relayContext } from '../record.ts';
import { respond } from '../respond.ts';
import { cancelledResponse } from './answers.ts';
import { sealForTask, unsealForTask } from './task-keys.ts';
import { keyOf, type TaskWork } from './task-work.ts';
import { askUpstream } from './upstream-task.ts';
import {
  declaresTasks,
  detailedMembers,
  missingTasks,
  responseOf,
  type TaskEra,
  taskEraOf,
  taskMembers,
  withRelatedTask,
} from './wire.ts';

const methods: Readonly<Record<TaskEra, readonly string[]>> = {
  augmented: ['tasks/get', 'tasks/result', 'tasks/list', 'tasks/cancel'],
  extension: ['tasks/get', 'tasks/update', 'tasks/cancel'],
};
const pageSize = 50;

/**
 * Answers a client's `tasks/…` request. Every task that clients know of is Holdpoint's, so that none of them reaches
 * upstream by an id that its caller was not given here.
 * @throws GatewayError `task_unknown`, `task_ended`, `missing_capability`, `method_not_found`, `invalid_params`
 */
export async function answerTaskMethod(
  work: TaskWork,
  exchange: MaskedExchange,
  request: RpcRequest,
): Promise<void> {
  const era = taskEraOf(exchange.protocolVersion) as TaskEra;
  const { method, idJson } = request;
  if (!methods[era].includes(method)) {
    const unknown = new GatewayError('method_not_found', `${exchange.protocolVersion} has no ${method}`);
    if (era === 'extension') throw unknown;
    // A session's client would take HTTP's 404 for the end of its session.
    return respond(
      relayContext(work, exchange),
      errorResponse(idJson, unknown, exchange.correlationId),
      exchange.stream,
    );
  }
  if (era === 'extension' && !declaresTasks(request)) throw missingTasks(method);
  const say = (resultJson: string): Promise<void> =>
    respond(relayContext(work, exchange), responseOf(idJson, resultJson), exchange.stream);
  if (method === 'tasks/list') return say(await page(work, ownerOf(exchange), request));
  const task = await taskOf(work, exchange, request);
  if (task.sealedUpstream) {
    const messages = askUpstream(exchange, request, task, await keyOf(work, task));
    return void (await relay(relayContext(work, exchange), noting(work, task, messages), exchange.stream));
  }
  switch (method) {
    case 'tasks/get':
      return say(await shown(work, task, era));
    case 'tasks/cancel':
      return say(await cancel(work, task, era));
    case 'tasks/update':
      return say(await update(work, task, request));
    default:
      return result(work, exchange, request, task);
  }
}

export function ownerOf({ caller, session }: MaskedExchange): TaskOwner {
  return { callerKey: caller.key, connection: session.facts.connection };
}

async function taskOf(work: TaskWork, exchange: MaskedExchange, request: RpcRequest): Promise<StoredTask> {
  const taskId = request.params?.['taskId'];
  const task =
    typeof taskId === 'string' && taskId.length <= 100
      ? await findTask(work.pool, ownerOf(exchange), taskId)
      : null;
  if (!task)
    throw new GatewayError(
      'task_unknown',
      'there is no such task, or it was kept for as long as it could be',
    );
  return task;
}

/** @returns raw JSON of the task; of the 2026-07-28 generation, with its end in it */
async function shown(work: TaskWork, task: StoredTask, era: TaskEra): Promise<string> {
  if (era === 'augmented') return JSON.stringify(taskMembers(task, era));
  return `{"resultType":"complete",${await membersOf(work, task)}}`;
}

/** All that is to be told of a task at which upstream does not work (2026-07-28), as members without braces. */
export async function membersOf(work: TaskWork, task: StoredTask): Promise<string> {
  const { taskId, sealedResponse, sealedInputs } = task;
  const key = sealedResponse || sealedInputs ? await keyOf(work, task) : null;
  const response = key && sealedResponse ? unsealForTask(key, taskId, 'response', sealedResponse) : null;
  const inputs = key && sealedInputs ? unsealForTask(key, taskId, 'inputs', sealedInputs) : null;
  return detailedMembers(task, response, inputs);
}

async function page(work: TaskWork, owner: TaskOwner, request: RpcRequest): Promise<string> {
  const { cursor } = request.params ?? {};
  const after = cursor === undefined ? null : placeOf(cursor);
  const found = await listTasks(work.pool, owner, after, pageSize + 1);
  const tasks = found.slice(0, pageSize);
  const last = found.length > pageSize ? tasks.at(-1) : undefined;
  return JSON.stringify({
    tasks: tasks.map((task) => taskMembers(task, 'augmented')),
    ...(last && {
      nextCursor: Buffer.from(JSON.stringify([last.place, last.taskId])).toString('base64url'),
    }),
  });
}

function placeOf(cursor: unknown): { createdAt: string; taskId: string } {
  try {
    const place = JSON.parse(Buffer.from(String(cursor), 'base64url').toString()) as unknown[];
    const [createdAt, taskId] = place;
    if (typeof createdAt === 'string' && typeof taskId === 'string' && !Number.isNaN(Date.parse(createdAt)))
      return { createdAt, taskId };
  } catch {
    // Not one of ours, like one of another shape.
  }
  throw new GatewayError('invalid_params', 'the cursor is not one that this server has given');
}

async function cancel(work: TaskWork, task: StoredTask, era: TaskEra): Promise<string> {
  const { taskId } = task;
  const key = await keyOf(work, task);
  const cancelled = await changeTask(work.pool, taskId, {
    state: 'cancelled',
    message: null,
    sealedResponse: sealForTask(key, taskId, 'response', cancelledResponse(task)),
    sealedInputs: null,
  });
  if (cancelled) {
    // On another gateway it is found cancelled in a moment.
    work.runs.get(taskId)?.cancel();
    work.results.leaveAll(taskId, 'ended');
  }
  if (era === 'extension') return '{"resultType":"complete"}';
  if (!cancelled)
    throw new GatewayError(
      'task_ended',
      'the task has ended already and cannot be cancelled; ask for its result',
    );
  return JSON.stringify(
    taskMembers({ ...task, state: 'cancelled', message: null, updatedAt: new Date() }, era),
  );
}

/** Answers of the client to what a task needs; what is not asked for is left alone. */
async function update(work: TaskWork, task: StoredTask, request: RpcRequest): Promise<string> {
  const answers = rawParam(request, 'inputResponses');
  if (answers === null || !answers.startsWith('{'))
    throw new GatewayError('invalid_params', '`inputResponses` must be an object');
  const asking = work.runs.get(task.taskId)?.stream;
  if (asking?.question) await asking.give(answers);
  else if (task.state === 'input_required') {
    // The gateway that asks finds it in a moment.
    const sealed = sealForTask(await keyOf(work, task), task.taskId, 'message', answers);
    await putTaskMessage(work.pool, { taskId: task.taskId, outward: false, sealed });
  }
  return '{"resultType":"complete"}';
}

/** Waits for the end of a task and gives it, as often as it is asked for (2025-11-25). */
async function result(
  work: TaskWork,
  exchange: MaskedExchange,
  request: RpcRequest,
  task: StoredTask,
): Promise<void> {
  const { stream, session, masker } = exchange;
  const { taskId } = task;
  const context = relayContext(work, exchange);
  if (!hasEnded(task.state)) {
    const waitingText = masker.text(task.message ?? `The task ${taskId} goes on.`).text;
    const shared = { stream, waitingText, budgetAtMs: null, idJson: request.idJson };
    const waiter = { ...shared, callId: taskId, session: session.facts, task, context };
    const onGone = (): void => work.results.leave(waiter, 'gone');
    stream.gone.addEventListener('abort', onGone, { once: true });
    const left = work.results.wait(waiter);
    if (stream.gone.aborted) onGone();
    await askWhatWaits(work, [taskId]);
    // It may have ended before anybody knew that somebody waits.
    if (hasEnded((await taskOf(work, exchange, request)).state)) work.results.leave(waiter, 'ended');
    const because = await left;
    stream.gone.removeEventListener('abort', onGone);
    if (because === 'closing')
      throw new GatewayError('stopping', 'this gateway is stopping; ask for the result again');
    if (because !== 'ended') return;
  }
  const ended = await taskOf(work, exchange, request);
  if (!ended.sealedResponse) throw new GatewayError('internal', 'the end of the task is not stored');
  const response = unsealForTask(await keyOf(work, ended), taskId, 'response', ended.sealedResponse);
  await respond(context, withRelatedTask(withId(response, request.idJson), taskId), stream);
}

/** Gives what servers ask to those who wait for the results of these tasks here. */
export async function askWhatWaits(work: TaskWork, taskIds: readonly string[]): Promise<void> {
  for (const { taskId, sealed } of await takeTaskMessages(work.pool, taskIds, true)) {
    const [waiter] = work.results.of(taskId);
    const json = waiter && unsealForTask(await keyOf(work, waiter.task), taskId, 'message', sealed);
    if (!waiter || json === undefined) continue;
    // Masked and recorded before it was sealed.
    await waiter.stream.message(json as Masked<string>);
    await changeTask(work.pool, taskId, { state: 'working' });
  }
}

export function hasEnded(state: TaskState): boolean {
  return state === 'completed' || state === 'failed' || state === 'cancelled';
}

/** Notes the state of upstream's task as it goes by, so that listing and notifying know it. */
export async function* noting<T extends { readonly json: string; readonly kind: string }>(
  work: TaskWork,
  task: StoredTask,
  messages: AsyncIterable<T>,
): AsyncGenerator<T> {
  for await (const message of messages) {
    const status = message.kind === 'response' ? rawAt(message.json, ['result', 'status']) : null;
    const state = status === null ? null : (JSON.parse(status) as TaskState);
    if (state !== null && state !== task.state && known.has(state))
      await changeTask(work.pool, task.taskId, { state });
    yield message;
  }
}

const known: ReadonlySet<string> = new Set(['working', 'input_required', 'completed', 'failed', 'cancelled']);
