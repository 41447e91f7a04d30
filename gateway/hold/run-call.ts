import type { Logger } from 'pino';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ExecutedState,
  finish,
  heldCallState,
  type SealedValue,
  seen,
} from '../../db/held-execution.ts';
import type { Pool } from '../../db/pool.ts';
import type { Masker, MaskingEngine } from '../../masking/engine.ts';
import type { Masked } from '../../masking/masked.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Direction, EventKind, Recorder, SessionFacts } from '../../recording/event.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import type { CountedVote, ExecuteResult } from '../../workflows/contract.ts';
import type { Gate } from '../containment/gate.ts';
import type { ToolDefinitions } from '../definitions/registry.ts';
import type { Running } from './running.ts';
import { recordVotes } from './record-votes.ts';
import { wrapQuestion } from './question.ts';
import { type HeldCall, sealResult } from './sealed-call.ts';
import { type Sent, sendCall } from './send.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { HoldSettings } from './settings.ts';
import type { Waiter, Waiters } from './waiters.ts';

/** What running a claimed call needs. */
export interface RunDeps {
  readonly pool: Pool;
  readonly keyRing: KeyRing;
  readonly recorder: Recorder;
  readonly maskers: () => MaskingEngine;
  readonly definitions: Pick<ToolDefinitions, 'learn'>;
  readonly policy: () => Policy;
  readonly upstreams: { get(connection: string): Upstream | undefined };
  readonly waiters: Waiters;
  readonly running: Running;
  readonly gate: Gate;
  readonly settings: HoldSettings;
  readonly log: Logger;
  readonly now: () => number;
  /** 32 bytes that all gateways share. */
  readonly attachSecret: Uint8Array;
}

/** A call that this process has claimed. */
export interface Claimed {
  readonly call: HeldCall;
  /** Whose client sees it happen; null when it runs for a client that has gone. */
  readonly waiter: Waiter | null;
  readonly execToken: string;
  readonly masker: Masker;
  /** The votes by which it runs, and how many of them have been recorded; left out under a grant. */
  readonly votes?: { readonly all: readonly CountedVote[]; readonly recorded: number };
  /** The grant under which it runs, and as which use; left out for a call that people decided on. */
  readonly grant?: { readonly grantId: string; readonly use: number };
}

/** What steps of a run share. */
export interface RunContext extends Claimed {
  /** The session under which the run is recorded. */
  readonly session: SessionFacts;
  /** Records durably; rejects when it could not. */
  record(kind: EventKind, direction: Direction, bytes: Masked<string>, unmasked?: string): Promise<void>;
}

const beatMs = 2000;

/** Runs a claimed call to its end, whatever happens, and stores that end. The row is no longer `executing` then. */
export async function runCall(deps: RunDeps, claimed: Claimed): Promise<ExecuteResult> {
  const { call, execToken } = claimed;
  const { callId } = call.facts.bound;
  const context = contextOf(deps, claimed);
  const lost = new AbortController();
  const beat = setInterval(() => {
    seen(deps.pool, callId, execToken).then(
      (own) => own || lost.abort(new Error('the call was given up as lost meanwhile')),
      (error: unknown) => deps.log.warn({ callId, err: error }, 'could not say that a held call still runs'),
    );
  }, beatMs);
  try {
    // Begun first, so that they stand before the claim; who claims needs not wait for them alone.
    const recording = recordVotes(deps, claimed);
    const sent = await recorded(context, asked(deps, call, await sendCall(deps, context, lost.signal)));
    const decided = await recording;
    const summary = sent.because === null ? null : context.masker.text(sent.because).text;
    const result = sent.response === null ? null : await sealed(deps, context, sent.response);
    const end = { callId, execToken, state: sent.state, because: summary, result };
    const stored = await persist(deps, { ...end, retentionMs: deps.settings.retentionMs, decided });
    deps.waiters.leaveAll(callId, 'ended');
    if (!stored) return await asStored(deps, callId);
    return { execution: sent.state, summary, ...(decided && { settled: true, rowEnded: true }) };
  } finally {
    clearInterval(beat);
  }
}

/** What upstream asks comes back to it under Holdpoint's state, so that answering needs no second approval. */
function asked(deps: RunDeps, { facts, json }: HeldCall, sent: Sent): Sent {
  if (sent.response === null) return sent;
  const { callId, callerKey, connection, method, tool, policyVersion } = facts.bound;
  const call = { callId, callerKey, connection, method, tool, policyVersion, json };
  return { ...sent, response: wrapQuestion(deps, call, 1, sent.response) };
}

/** The masked result for a client that comes back; null when it cannot be masked or sealed: how the call ended is known all the same. */
async function sealed(deps: RunDeps, context: RunContext, response: string): Promise<SealedValue | null> {
  const { callId } = context.call.facts.bound;
  try {
    return await sealResult(deps.keyRing, callId, (await context.masker.later.message(response)).text);
  } catch (error) {
    deps.log.error(
      { callId, err: error },
      'the result of a held call could not be sealed, so it is not stored',
    );
    return null;
  }
}

/** What the steps of a run share; the run is recorded in the waiting client's session, or in one of its own. */
export function contextOf(deps: RunDeps, claimed: Claimed): RunContext {
  const { call, waiter } = claimed;
  const { facts } = call;
  const { callId, method, tool, policyVersion } = facts.bound;
  // The session that asked may have ended long ago, and an ended session takes no more events.
  const session = waiter?.session ?? { ...facts.session, sessionId: `run-${callId}` };
  const shownTool = claimed.masker.text(tool).text;
  return {
    ...claimed,
    session,
    async record(kind, direction, bytes, unmasked) {
      await patiently(deps, callId, () =>
        deps.recorder.append(session, {
          kind,
          direction,
          callId,
          method,
          tool: shownTool,
          verdict: 'hold',
          rule: facts.rule,
          policyVersion,
          ...(facts.risk !== undefined && { risk: facts.risk }),
          bytes,
          ...(unmasked !== undefined && { unmasked }),
        }),
      );
    },
  };
}

const recordTries = 30;
const recordPauseMs = 500;

/**
 * Records, and keeps trying while the database is away for a moment: giving up would cost people a second decision
 * before the call is sent, and make its outcome unknown after. A try that failed may have been recorded all the same.
 */
async function patiently(deps: RunDeps, callId: string, append: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await append();
      return;
    } catch (error) {
      const passes = (error as { code?: unknown }).code === 'recording_unavailable';
      if (!passes || attempt === recordTries) throw error;
      deps.log.warn({ callId, attempt, err: error }, 'a run could not be recorded yet');
      await sleep(recordPauseMs);
    }
  }
}

/** Records how it ended, with the response; one that cannot be recorded is not passed on. */
async function recorded(context: RunContext, sent: Sent): Promise<Sent> {
  const { state, because, response } = sent;
  const head = JSON.stringify({ callId: context.call.facts.bound.callId, execution: state, because });
  const json = response === null ? head : `${head.slice(0, -1)},"response":${response}}`;
  try {
    await context.record('outcome', 'none', (await context.masker.later.json(json)).text, json);
    return sent;
  } catch {
    const why = 'it could not be recorded, so it is not passed on';
    return state === 'failed' && response === null
      ? sent
      : { state: 'unknown', because: `The upstream answered, but ${why}.`, response: null };
  }
}

/** Stores the end of a call; keeps trying while the database is away, for nobody else knows the result. */
async function persist(deps: RunDeps, end: Parameters<typeof finish>[1]): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await finish(deps.pool, end);
    } catch (error) {
      if (attempt === 30) throw error;
      deps.log.warn(
        { callId: end.callId, attempt, err: error },
        'the end of a held call could not be stored yet',
      );
      await sleep(500);
    }
  }
}

/** Somebody gave the call up as lost while it ran: what they stored stays. */
async function asStored(deps: RunDeps, callId: string): Promise<ExecuteResult> {
  const row = await heldCallState(deps.pool, callId);
  const ended: ExecutedState = row?.state === 'succeeded' || row?.state === 'failed' ? row.state : 'unknown';
  return { execution: ended, summary: row?.endedBecause ?? null };
}
