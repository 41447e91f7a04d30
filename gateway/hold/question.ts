import { claimAnswer } from '../../db/held-questions.ts';
import type { Pool } from '../../db/pool.ts';
import type { Recorder } from '../../recording/event.ts';
import { GatewayError } from '../errors.ts';
import type { Resumed, Resuming } from '../hold-port.ts';
import { rawAt, withMember, withoutMember } from './json-text.ts';
import { bareOwner, openState, type StateOwner, sealState } from './request-state.ts';

/** What upstream asks in the middle of an approved call, as its client carries it back: sealed, so that nobody else can. */
interface Question {
  readonly callId: string;
  /** Which question of this call it is; each is answered once. */
  readonly round: number;
  readonly policyVersion: string;
  /** Raw JSON of upstream's own state; null when it gave none. */
  readonly upstreamState: string | null;
  readonly expiresAtMs: number;
}

const prefix = 'hp2.';
/** How long a client may take to answer. */
const answerWithinMs = 60 * 60_000;

export interface QuestionDeps {
  readonly pool: Pool;
  readonly recorder: Recorder;
  readonly attachSecret: Uint8Array;
  readonly now: () => number;
}

/**
 * Puts upstream's state inside one of Holdpoint's, where upstream asks something: the request that brings the answer
 * then needs no second approval, and only the caller who was asked can send it, for the same call.
 * @returns the response as it is, when it asks nothing
 */
export function wrapQuestion(
  deps: Pick<QuestionDeps, 'attachSecret' | 'now'>,
  call: StateOwner & { readonly callId: string; readonly policyVersion: string },
  round: number,
  response: string,
): string {
  if (rawAt(response, ['result', 'resultType']) !== '"input_required"') return response;
  const question: Question = {
    callId: call.callId,
    round,
    policyVersion: call.policyVersion,
    upstreamState: rawAt(response, ['result', 'requestState']),
    expiresAtMs: deps.now() + answerWithinMs,
  };
  const state = prefix + sealState(deps.attachSecret, bareOwner(call), JSON.stringify(question));
  return withMember(response, ['result'], 'requestState', JSON.stringify(state));
}

/** Whether a request brings the answer to a question in the middle of a call. */
export function answersQuestion(json: string): boolean {
  return rawAt(json, ['params', 'requestState'])?.startsWith(`"${prefix}`) ?? false;
}

/**
 * Takes the answer to a question, once: what is returned goes upstream as it is.
 * @returns null when the request is no such answer ({@link answersQuestion})
 * @throws GatewayError `invalid_params` when its state was changed, is another caller's or another call's, is too old,
 *   was used before, or was given under another policy
 */
export async function resumeCall(deps: QuestionDeps, request: Resuming): Promise<Resumed | null> {
  const { json, verdict, session, method, tool } = request;
  if (!answersQuestion(json)) return null;
  const owner = bareOwner({
    callerKey: request.caller.key,
    connection: session.connection,
    method,
    tool,
    json,
  });
  const written = JSON.parse(rawAt(json, ['params', 'requestState']) ?? '""') as string;
  const opened = openState(deps.attachSecret, owner, written.slice(prefix.length));
  const question = opened === null ? null : (JSON.parse(opened) as Question);
  if (!question) throw refused('is not one that was given for this request');
  const { callId, round, upstreamState } = question;
  if (question.expiresAtMs <= deps.now()) throw refused('is too old');
  if (verdict.kind === 'hold' && question.policyVersion !== verdict.policyVersion)
    throw refused('was given under another policy, which has changed since');
  if (!(await claimAnswer(deps.pool, callId, round))) throw refused('was answered before');
  const sent =
    upstreamState === null
      ? withoutMember(json, ['params'], 'requestState')
      : withMember(json, ['params'], 'requestState', upstreamState);
  await record(deps, request, callId, sent);
  const call = { ...owner, callId, policyVersion: question.policyVersion };
  return { callId, json: sent, wrap: (response) => wrapQuestion(deps, call, round + 1, response) };
}

/** The answer belongs to the approved call, and its bytes are durable before they go. */
async function record(
  { recorder }: QuestionDeps,
  { masker, session, method, tool, verdict }: Resuming,
  callId: string,
  sent: string,
): Promise<void> {
  const shownTool = masker.text(tool).text;
  const shared = { callId, method, tool: shownTool, verdict: verdict.kind, rule: verdict.rule } as const;
  await recorder.append(session, {
    ...shared,
    kind: 'message',
    direction: 'client-to-upstream',
    policyVersion: verdict.policyVersion,
    bytes: (await masker.later.message(sent)).text,
    unmasked: sent,
  });
}

function refused(why: string): GatewayError {
  return new GatewayError(
    'invalid_params',
    `the requestState ${why}; nothing was sent. Send the request without it, and without inputResponses, to begin anew`,
  );
}
