import { setTimeout as sleep } from 'node:timers/promises';
import { parseJson } from '../mcp/parse-json.ts';
import { changeTask, noteHeldCall, type TaskChange } from '../../db/mcp-tasks.ts';
import type { Pool } from '../../db/pool.ts';
import type { Masked } from '../../masking/masked.ts';
import type { ClientStream } from '../client-stream.ts';
import { rawAt, withMember, withoutMember } from '../hold/json-text.ts';
import { sealForTask } from './task-keys.ts';

/** Where the messages of a task go: what ends it is stored, and what comes before goes to whoever listens. */
export interface TaskStream extends ClientStream {
  readonly taskId: string;
  /** Whether its end is stored, or it is upstream's to end. */
  readonly ended: boolean;
  /** What its server needs of the client to go on (2026-07-28); null when it needs nothing. */
  readonly question: TaskQuestion | null;
  /** Takes answers of the client's; what is not asked for is left alone. */
  give(answersJson: string): Promise<void>;
  /** Gives up what works at it. */
  abort(): void;
}

export interface TaskQuestion {
  /** The state that goes with the answers, as raw JSON; null when there is none. */
  readonly state: string | null;
  /** Resolves with `inputResponses`, as raw JSON, once all is answered; null when the task is given up. */
  readonly answers: Promise<string | null>;
}

export interface TaskStreamDeps {
  readonly pool: Pool;
  readonly taskId: string;
  readonly key: Uint8Array;
  /** The progress token of the call, which stays good for as long as its task goes on. */
  readonly progressToken: string | null;
  /** Takes a message to the client, which has no connection of its own open for this. */
  readonly aside: (json: Masked<string>) => Promise<void>;
  /** Told once when the end is stored. */
  readonly onEnd: () => void;
}

const attempts = 60;
const retryMs = 500;
/** How soon a server is asked again that needs nothing but to be asked again. */
const emptyQuestionMs = 250;

export function createTaskStream(deps: TaskStreamDeps): TaskStream {
  const { pool, taskId, key } = deps;
  const gone = new AbortController();
  let ended = false;
  let open: OpenQuestion | null = null;
  const ask = async (inputs: string, state: string | null): Promise<void> => {
    const { promise: answers, resolve } = Promise.withResolvers<string | null>();
    open = { question: { state, answers }, inputs, answered: '{}', resolve };
    gone.signal.addEventListener('abort', () => resolve(null), { once: true });
    await persistently(() => needs(inputs));
    if (isEmpty(inputs)) setTimeout(() => resolve('{}'), emptyQuestionMs);
  };
  const needs = (inputs: string): Promise<boolean> =>
    changeTask(pool, taskId, {
      state: isEmpty(inputs) ? 'working' : 'input_required',
      sealedInputs: isEmpty(inputs) ? null : sealForTask(key, taskId, 'inputs', inputs),
    });
  return {
    get question() {
      return open?.question ?? null;
    },
    async give(answersJson) {
      if (!open) return;
      for (const name of Object.keys(parseJson(answersJson) as object)) {
        const answer = rawAt(open.inputs, [name]) === null ? null : rawAt(answersJson, [name]);
        if (answer === null) continue;
        open.inputs = withoutMember(open.inputs, [], name);
        open.answered = withMember(open.answered, [], name, answer);
      }
      const { inputs, answered, resolve } = open;
      await needs(inputs);
      if (isEmpty(inputs)) resolve(answered);
    },
    taskId,
    get ended() {
      return ended;
    },
    get alive() {
      return !ended && !gone.signal.aborted;
    },
    gone: gone.signal,
    whenGone: (run) =>
      gone.signal.aborted ? run() : gone.signal.addEventListener('abort', run, { once: true }),
    progressToken: deps.progressToken,
    message: (json) => deps.aside(json),
    heldAs: (callId, waitingText) => noteHeldCall(pool, taskId, callId, waitingText),
    // Nobody listens: the state says that it is working.
    keepAlive: async () => {},
    async respond(json) {
      if (ended) return false;
      open = null;
      if (rawAt(json, ['result', 'resultType']) === '"input_required"') {
        const inputs = rawAt(json, ['result', 'inputRequests']) ?? '{}';
        await ask(inputs, rawAt(json, ['result', 'requestState']));
        return true;
      }
      const taken = await persistently(() => changeTask(pool, taskId, endOf(taskId, key, json)));
      ended = true;
      deps.onEnd();
      return taken;
    },
    abort: () => gone.abort(),
  };
}

/** A question that is not wholly answered yet. */
interface OpenQuestion {
  readonly question: TaskQuestion;
  inputs: string;
  answered: string;
  readonly resolve: (answers: string | null) => void;
}

function isEmpty(objectJson: string): boolean {
  return Object.keys(parseJson(objectJson) as object).length === 0;
}

/** A task of upstream's takes its place; everything else is its end. */
function endOf(taskId: string, key: Uint8Array, json: Masked<string>): TaskChange {
  const upstreamId = rawAt(json, ['result', 'resultType']) === '"task"' && rawAt(json, ['result', 'taskId']);
  if (upstreamId) {
    const sealedUpstream = sealForTask(key, taskId, 'upstream id', JSON.parse(upstreamId) as string);
    return { state: 'working', message: null, sealedUpstream, release: true };
  }
  return {
    state: rawAt(json, ['error']) === null ? 'completed' : 'failed',
    message: null,
    sealedResponse: sealForTask(key, taskId, 'response', json),
    sealedInputs: null,
    release: true,
  };
}

/** Nobody else knows the end of a task: storing it is tried for as long as a database may be away. */
async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === attempts) throw error;
      await sleep(retryMs);
    }
  }
}
