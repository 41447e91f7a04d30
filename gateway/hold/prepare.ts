import type { Logger } from 'pino';
import { storeBefore } from '../../db/held-companions.ts';
import type { ShownPreview } from '../../db/held-context.ts';
import { storeContext } from '../../db/held-opening.ts';
import type { Pool } from '../../db/pool.ts';
import type { Masker } from '../../masking/engine.ts';
import type { Recorder } from '../../recording/event.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import type { HeldRequest } from '../hold-port.ts';
import {
  callCompanion,
  type CompanionDeps,
  type CompanionOf,
  readyCompanion,
  resultOf,
} from './companions.ts';
import { contextOf } from './context.ts';
import type { Draft } from './draft.ts';
import { checkPrecondition } from './precondition.ts';
import { sealBefore } from './sealed-call.ts';

/** What preparing a request for the people who decide needs. */
export interface PrepareDeps extends CompanionDeps {
  readonly pool: Pool;
  readonly keyRing: KeyRing;
  readonly recorder: Recorder;
  readonly log: Logger;
}

const previewLength = 3000;

/**
 * Gets a new request ready for the people who decide: checks its precondition, makes its preview, and gathers what
 * helps to decide. Preview and precondition run side by side.
 * @returns null, or in plain words why nobody is to be asked
 */
export async function prepare(
  deps: PrepareDeps,
  request: HeldRequest,
  masker: Masker,
  { row }: Draft,
): Promise<string | null> {
  const { offers } = request.verdict;
  const { callId } = row;
  const of = companionOf(deps, request, masker, row);
  const [shown, checked] = await Promise.all([
    offers.preview && previewOf(deps, of, offers.preview),
    offers.precondition && checkPrecondition(deps, of, offers.precondition, null),
  ]);
  if (checked && !checked.holds) return checked.because;
  if (checked) await storeBefore(deps.pool, callId, await sealBefore(deps.keyRing, callId, checked.response));
  const { attachKey, shownArgs } = row;
  try {
    const context = await contextOf(deps, request, { attachKey, shownArgs, preview: shown });
    await storeContext(deps.pool, callId, context);
  } catch (error) {
    // People are asked all the same: the call itself is shown whole without it.
    deps.log.error({ callId, err: error }, 'what helps to decide on a call could not be gathered');
  }
  return null;
}

function companionOf(
  deps: PrepareDeps,
  request: HeldRequest,
  masker: Masker,
  { callId, policyVersion, expiresAt }: Draft['row'],
): CompanionOf {
  const { caller, session, method, tool, definitionHash, verdict, json, protocolVersion, upstream } = request;
  const { connection } = session;
  const bound = { callId, callerKey: caller.key, connection, method, tool, definitionHash, policyVersion };
  return {
    facts: { bound: { ...bound, expiresAtMs: expiresAt.getTime() }, caller },
    json,
    protocolVersion,
    upstream,
    masker,
    maskProfile: verdict.maskProfile,
    record: async (direction, bytes, unmasked) => {
      await deps.recorder.append(session, {
        kind: 'message',
        direction,
        callId,
        method: 'tools/call',
        tool: masker.text(tool).text,
        verdict: 'hold',
        rule: verdict.rule,
        policyVersion,
        bytes,
        unmasked,
      });
    },
  };
}

async function previewOf(
  deps: PrepareDeps,
  of: CompanionOf,
  companion: NonNullable<HeldRequest['verdict']['offers']['preview']>,
): Promise<ShownPreview> {
  const { tool } = companion;
  const none = (because: string): ShownPreview => ({ tool, ok: false, text: because, leftOut: 0 });
  const ready = readyCompanion(deps, of, companion, 'preview');
  if ('because' in ready) return none(ready.because);
  const answered = await callCompanion(deps, of, ready);
  return answered.ok ? shownResult(tool, answered.masked) : none(answered.because);
}

/** A masked answer as people are shown it: its text, else its structure. */
export function shownResult(tool: string, masked: string): ShownPreview {
  const { text, structured, isError } = resultOf(masked);
  const said = text !== '' ? text : structured === null ? '' : JSON.stringify(structured, null, 2);
  const head = said.slice(0, previewLength).replace(/[\ud800-\udbff]$/, '');
  return { tool, ok: !isError, text: head, leftOut: said.length - head.length };
}
