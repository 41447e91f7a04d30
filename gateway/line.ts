import type { Logger } from 'pino';
import type { Recorder } from '../recording/event.ts';
import { classify, type ClassifyDeps } from './classify.ts';
import { denial } from './deny.ts';
import type { GatewayErrorCode } from './errors.ts';
import type { Exchange, MaskedExchange } from './exchange.ts';
import { type AskDeps, askToSignIn, question } from './connect/ask.ts';
import { admit, type AdmitDeps } from './definitions/admit.ts';
import { prepare } from './definitions/prepare.ts';
import { forward, type ForwardDeps } from './forward.ts';
import { frozenAnswer, type KillSwitch } from './kill-switch.ts';
import { answersOwnQuestion } from './hold/elicit.ts';
import { goesOn, holdRequest, resumeRequest, withdraw } from './hold-request.ts';
import type { HoldPort, Resumed } from './hold-port.ts';
import { mask, type MaskDeps } from './mask.ts';
import { readRpcMessage, type RpcRequest } from './mcp/rpc-message.ts';
import { isModern } from './mcp/versions.ts';
import { record, relayContext } from './record.ts';
import { relay } from './relay.ts';
import { asFault } from './faults.ts';
import { restore, type RestoreDeps } from './restore.ts';
import { respond, respondFault } from './respond.ts';
import type { Tasks } from './tasks/tasks.ts';
import type { UpstreamMessage } from './upstreams/upstream.ts';

export interface LineDeps extends ClassifyDeps, ForwardDeps, AdmitDeps, AskDeps, MaskDeps, RestoreDeps {
  readonly recorder: Recorder;
  readonly hold: HoldPort;
  readonly tasks: Tasks;
  readonly killSwitch: KillSwitch;
  readonly log: Logger;
  /** Told of every error that a client is told of. */
  readonly onFault: (code: GatewayErrorCode) => void;
}

/**
 * One message of a client, from what was read to the answer:
 *
 * read → identify → **(restore tokens) → classify → mask → record → (deny | hold → decide → claim) → forward → mask → record → respond**
 *
 * `read` and `identify` are before this (`enter.ts`): they work on whole HTTP requests. `decide` and `claim` happen
 * inside `hold`. Resolves when the message is dealt with; a request has then been answered.
 */
export async function carry(deps: LineDeps, exchange: Exchange): Promise<void> {
  const found = await recorded(deps, exchange);
  return found ? answer(deps, found) : undefined;
}

/** A request that was masked and recorded, and is to be answered. */
interface Recorded {
  readonly exchange: MaskedExchange;
  /** What is to be answered, and how the client said it. */
  readonly request: RpcRequest;
  readonly said: RpcRequest;
}

/**
 * The line up to where a request is recorded. A function of its own, so that what only this needs is not kept for as
 * long as the answer takes.
 * @returns null when the message is dealt with
 */
async function recorded(deps: LineDeps, exchange: Exchange): Promise<Recorded | null> {
  const { spoken, failed } = await prepared(deps, restore(deps, exchange));
  const masked = await mask(deps, classify(deps, spoken));
  const { message } = masked;
  if (message.kind !== 'request') {
    await record(deps, masked);
    await deliver(deps, masked);
    return null;
  }
  try {
    if (failed) throw failed.error;
    const asked = await askToSignIn(deps, masked, message);
    if (asked.answer !== null) {
      await record(deps, asked.exchange);
      await respond(relayContext(deps, masked), asked.answer, masked.stream);
      return null;
    }
    const admitted = await admit(deps, asked.exchange, asked.request);
    await record(deps, admitted);
    return { exchange: admitted, request: asked.request, said: message };
  } catch (error) {
    await fault(deps, masked, message, error);
    return null;
  }
}

/** What cannot be made ready is masked and answered like everything else that fails. */
async function prepared(
  deps: LineDeps,
  exchange: Exchange,
): Promise<{ spoken: Exchange; failed: { error: unknown } | null }> {
  try {
    return { spoken: await prepare(deps, exchange), failed: null };
  } catch (error) {
    return { spoken: exchange, failed: { error } };
  }
}

/** Not an async function, which would be kept for as long as the call is held. */
function answer(deps: LineDeps, { exchange, request, said }: Recorded): Promise<void> {
  const failed = (error: unknown): Promise<void> => fault(deps, exchange, said, error);
  try {
    return answered(deps, exchange, request).catch(failed);
  } catch (error) {
    return failed(error);
  }
}

/** A call that becomes a task is answered at once, and concluded behind it. */
function answered(deps: LineDeps, exchange: MaskedExchange, request: RpcRequest): Promise<void> {
  const { tasks } = deps;
  if (tasks.becomesTask(exchange, request))
    return tasks.begin(exchange, request, (task, call) =>
      conclude(deps, task, call).catch((error: unknown) => fault(deps, task, call, error)),
    );
  if (exchange.verdict.kind === 'pass' && tasks.isAboutTasks(exchange, request))
    return tasks.answer(exchange, request);
  return conclude(deps, exchange, request);
}

async function conclude(deps: LineDeps, exchange: MaskedExchange, request: RpcRequest): Promise<void> {
  const { verdict, stream } = exchange;
  const context = relayContext(deps, exchange);
  switch (verdict.kind) {
    case 'deny':
      return respond(context, denial(exchange, request), stream);
    case 'hold':
    case 'pass': {
      const answersUpstream = goesOn(exchange, request);
      // What is held asks for itself, where the database can say it for certain.
      if (verdict.kind === 'hold' && !answersUpstream) return holdRequest(deps, exchange, request, verdict);
      if (await deps.killSwitch.stops(request.method))
        return respond(context, frozenAnswer(exchange, request), stream);
      const resumed = answersUpstream ? await resumeRequest(deps, exchange, request) : null;
      const sent = resumed ? readAgain(resumed.json) : request;
      const answers = deps.tasks.answers(exchange, sent, (request) =>
        forward(deps, exchange, request, giveUpSignal(exchange)),
      );
      await relay(context, wrapped(resumed, answers), stream);
    }
  }
}

/** A call that goes on after a question goes on after the next one, too. */
async function* wrapped(
  resumed: Resumed | null,
  messages: AsyncIterable<UpstreamMessage>,
): AsyncGenerator<UpstreamMessage, void, void> {
  for await (const message of messages)
    yield resumed && message.kind === 'response' ? { ...message, json: resumed.wrap(message.json) } : message;
}

/** A request that was strictly read before, and then changed in one place. */
function readAgain(json: string): RpcRequest {
  return readRpcMessage(json, { depth: Number.POSITIVE_INFINITY, loneSurrogates: 'allow' }) as RpcRequest;
}

/** A notification, or a client's answer to a request of the server's: it goes on, and nothing comes back. */
async function deliver(deps: LineDeps, exchange: MaskedExchange): Promise<void> {
  const { message, session, headers } = exchange;
  if (await withdraw(deps, exchange)) return;
  if (message.kind === 'response' && answersOwnQuestion(message.idJson))
    return deps.hold.answered(session.facts.sessionId, message.idJson);
  const sent = session.upstream.send(message.json, { idJson: null, signal: session.ended, headers });
  for await (const unexpected of sent) void unexpected;
}

/** A client that is gone has cancelled in 2026-07-28, and has not in the versions before; a task's is never gone. */
function giveUpSignal({ protocolVersion, session, stream }: Exchange): AbortSignal {
  return isModern(protocolVersion) || stream.taskId !== undefined
    ? AbortSignal.any([session.ended, stream.gone])
    : session.ended;
}

async function fault(
  deps: LineDeps,
  exchange: MaskedExchange,
  request: RpcRequest,
  error: unknown,
): Promise<void> {
  const { correlationId, session, stream } = exchange;
  const told = asFault(error);
  deps.onFault(told.code);
  const facts = { correlationId, connection: session.facts.connection, code: told.code };
  if (told.code === 'internal') deps.log.error({ ...facts, err: error }, 'a request failed');
  else deps.log.warn(facts, told.message);
  if (told.code === 'upstream_session_lost') await deps.sessions.end(session, 'upstream lost the session');
  // A sign-in that ended just now is asked for like one that never was.
  if (told.code === 'sign_in_needed' && request.method === 'tools/call')
    return respond(relayContext(deps, exchange), await question(deps, exchange, request), stream);
  await respondFault(relayContext(deps, exchange), request.idJson, told, correlationId, stream);
}
