import { scopeOf } from '../definitions/discover.ts';
import { changeTask, insertTask, releaseTask } from '../../db/mcp-tasks.ts';
import type { HoldVerdict } from '../../policy/verdict.ts';
import { GatewayError } from '../errors.ts';
import type { MaskedExchange } from '../exchange.ts';
import { at, splice, withMember, withoutMember } from '../hold/json-text.ts';
import { readRpcMessage, type RpcRequest } from '../mcp/rpc-message.ts';
import { relayContext } from '../record.ts';
import { respond } from '../respond.ts';
import { newTaskId, newTaskKey, sealForTask } from './task-keys.ts';
import { createTaskStream, type TaskStream } from './task-stream.ts';
import { tellAside, type TaskWork } from './task-work.ts';
import { createdResponse, requestedTtlMs, type TaskEra, taskEraOf } from './wire.ts';

/** A task is kept at least this long, however short its client wants it, and at most this long after its call can end. */
const leastTtlMs = 60_000;
const mostTtlMs = 24 * 60 * 60_000;
/** What a client gets that asks for nothing. */
const usualTtlMs = 60 * 60_000;

/**
 * Makes a task of a call: stores it, answers the client that it is under way, and has the call carried out behind it.
 * Resolves when the client has its answer.
 * @param conclude carries the call out to its answer; never rejects
 * @throws GatewayError `too_many_tasks`, `database_unavailable`
 */
export async function beginTask(
  work: TaskWork,
  exchange: MaskedExchange,
  request: RpcRequest,
  conclude: (exchange: MaskedExchange, call: RpcRequest) => Promise<void>,
): Promise<void> {
  const { session, verdict, protocolVersion, masker, stream } = exchange;
  const era = taskEraOf(protocolVersion) as TaskEra;
  const taskId = newTaskId();
  const { key, ...stored } = await newTaskKey(work.keyRing, taskId);
  const message = verdict.kind === 'hold' ? masker.text(waitingFor(verdict)).text : null;
  const ttlMs = ttlOf(request, verdict.kind === 'hold' ? verdict.timeoutMs : 0);
  // Before it is stored: a look for tasks that were left may find it there before this goes on.
  work.beginning.add(taskId);
  const createdAt = await store(work, {
    ...stored,
    ...taskFacts(exchange, taskId),
    held: verdict.kind === 'hold',
    message,
    replica: work.replica,
    sealedUpstream: null,
    ttlMs,
  }).catch((error: unknown) => {
    work.beginning.delete(taskId);
    throw error;
  });
  const shown = { taskId, message, callState: null, createdAt, updatedAt: createdAt, ttlMs };
  const taskStream = streamOf(
    work,
    { taskId, key, sessionId: session.facts.sessionId },
    stream.progressToken,
  );
  const idJson = JSON.stringify(taskId);
  const { promise: over, resolve: onOver } = Promise.withResolvers<void>();
  const cancel = once(() => stopCall(work, exchange, taskStream));
  work.runs.set(taskId, { stream: taskStream, cancel, over });
  work.beginning.delete(taskId);
  try {
    const created = createdResponse(request.idJson, { ...shown, state: 'working' }, era);
    await respond(relayContext(work, exchange), created, stream);
  } catch (error) {
    // The client was told nothing, so nothing is done.
    await changeTask(work.pool, taskId, { state: 'cancelled', release: true });
    work.runs.delete(taskId);
    onOver();
    throw error;
  }
  // The session goes on elsewhere when it ends here: a held call does not depend on it.
  const onEnded = (): void => work.hold.letGo(session.facts.sessionId, idJson);
  session.ended.addEventListener('abort', onEnded, { once: true });
  session.open++;
  const call = asCall(request, idJson, keepsTask(work, exchange));
  void concludeAll(exchange, call, taskStream, conclude).finally(() => {
    session.ended.removeEventListener('abort', onEnded);
    session.open--;
    session.lastUsedAtMs = Date.now();
    void settle(work, taskId, taskStream).then(onOver);
  });
}

/** Carries a call out, and on with the client's answers for as long as its server asks something. */
async function concludeAll(
  exchange: MaskedExchange,
  first: RpcRequest,
  stream: TaskStream,
  conclude: (exchange: MaskedExchange, call: RpcRequest) => Promise<void>,
): Promise<void> {
  let call = first;
  for (;;) {
    await conclude({ ...exchange, message: call, stream }, call);
    const { question } = stream;
    const answers = question && (await question.answers);
    if (!question || answers === null) return;
    const { json } = first;
    const answered = withMember(json, ['params'], 'inputResponses', answers);
    call = readCall(
      question.state === null ? answered : withMember(answered, ['params'], 'requestState', question.state),
    );
  }
}

function readCall(json: string): RpcRequest {
  return readRpcMessage(json, { depth: Number.POSITIVE_INFINITY, loneSurrogates: 'allow' }) as RpcRequest;
}

function waitingFor({ approvers, rule }: HoldVerdict): string {
  const groups = approvers.map((group) => group.name).join(' or ');
  return `The call waits for ${groups} to approve it (rule "${rule}"). It has not been executed.`;
}

function ttlOf(request: RpcRequest, callMs: number): number {
  const wanted = requestedTtlMs(request) ?? usualTtlMs;
  return Math.min(Math.max(wanted, leastTtlMs, callMs + usualTtlMs), callMs + mostTtlMs);
}

async function store(work: TaskWork, task: Parameters<typeof insertTask>[1]): Promise<Date> {
  const createdAt = await insertTask(work.pool, task, work.tasksPerCaller).catch((cause: Error) => {
    throw new GatewayError('database_unavailable', 'the task could not be stored; try again later', {
      cause,
    });
  });
  if (createdAt) return createdAt;
  throw new GatewayError(
    'too_many_tasks',
    `${work.tasksPerCaller} of your tasks are kept already, which is the limit; nothing was sent`,
  );
}

/** A server that wants its tool called as a task gets it as one; what it makes of it is followed for the client. */
function keepsTask({ definitions }: TaskWork, { upstream, caller, target }: MaskedExchange): boolean {
  return definitions.find(scopeOf(upstream, caller), target)?.taskSupport === 'required';
}

/** The call behind a task: under the task's own id, so that a new request of the client's may use the old one. */
function asCall(request: RpcRequest, idJson: string, keepTask: boolean): RpcRequest {
  const plain = keepTask ? request.json : withoutMember(request.json, ['params'], 'task');
  const id = at(plain, ['id']);
  const json = id ? splice(plain, [{ ...id, with: idJson }]) : plain;
  return readCall(json);
}

/** Where a task's call answers to: its row, and whoever waits for it. */
export function streamOf(
  work: TaskWork,
  task: { readonly taskId: string; readonly key: Uint8Array; readonly sessionId: string },
  progressToken: string | null,
): TaskStream {
  return createTaskStream({
    pool: work.pool,
    taskId: task.taskId,
    key: task.key,
    progressToken,
    aside: (json) => tellAside(work, task, json),
    onEnd: () => work.results.leaveAll(task.taskId, 'ended'),
  });
}

/** Stops what a cancelled task does: a held call is withdrawn, one that is under way is cancelled upstream. */
async function stopCall(work: TaskWork, exchange: MaskedExchange, stream: TaskStream): Promise<void> {
  const { session, protocolVersion, headers } = exchange;
  const idJson = JSON.stringify(stream.taskId);
  const because = 'The client cancelled the task.';
  if (await work.hold.cancelled(session.facts.sessionId, idJson, because)) return;
  if (taskEraOf(protocolVersion) === 'augmented') {
    const params = `{"requestId":${idJson},"reason":${JSON.stringify(because)}}`;
    const json = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":${params}}`;
    const signal = AbortSignal.any([session.ended, AbortSignal.timeout(5000)]);
    for await (const none of session.upstream.send(json, { idJson: null, signal, headers })) void none;
  }
  stream.abort();
}

/** Does something the first time that it is asked for. */
export function once(work: () => Promise<void>): () => void {
  let begun = false;
  return () => {
    if (begun) return;
    begun = true;
    // Stopping is a courtesy: the task is cancelled, whatever the call still does.
    work().catch(() => {});
  };
}

/** The work at a task is over here: it has ended, or somebody is to go on with it. */
export async function settle(work: TaskWork, taskId: string, stream: TaskStream): Promise<void> {
  try {
    if (stream.ended) await releaseTask(work.pool, taskId);
  } catch (error) {
    work.log.warn({ taskId, err: error }, 'a task that has ended could not be let go; that is tried again');
  } finally {
    // What is not let go is found by the next look for tasks that nobody works at.
    work.runs.delete(taskId);
  }
}

/** What is stored of the call that a task stands for. */
function taskFacts({ session, verdict, protocolVersion, masker, target }: MaskedExchange, taskId: string) {
  return {
    taskId,
    session: session.facts,
    protocolVersion,
    tool: masker.text(target).text,
    rule: verdict.rule,
    maskProfile: verdict.maskProfile,
  };
}

/** A task that upstream made of a call (2026-07-28), under an id of Holdpoint's. @returns the response with that id */
export async function mapUpstreamTask(
  work: TaskWork,
  exchange: MaskedExchange,
  response: string,
  created: { readonly taskId: string; readonly ttlMs: number },
): Promise<string> {
  const taskId = newTaskId();
  const { key, ...stored } = await newTaskKey(work.keyRing, taskId);
  await store(work, {
    ...stored,
    ...taskFacts(exchange, taskId),
    held: false,
    message: null,
    replica: null,
    sealedUpstream: sealForTask(key, taskId, 'upstream id', created.taskId),
    ttlMs: created.ttlMs,
  });
  const place = at(response, ['result', 'taskId']);
  return place ? splice(response, [{ ...place, with: JSON.stringify(taskId) }]) : response;
}
