import type { Masker } from '../masking/engine.ts';
import type { Recorder } from '../recording/event.ts';

/**
 * Records what a person did on Holdpoint itself (looked at a session, exported, purged). Resolves once that is
 * durable; when it rejects, the act must not happen.
 */
export type RecordAct = (
  act: string,
  details: Readonly<Record<string, string | number | null>>,
) => Promise<void>;

/** Writes acts into one session a day, `admin/<date>`. */
export function createRecordAct(deps: {
  readonly recorder: Pick<Recorder, 'append'>;
  readonly masker: Masker;
  readonly now?: () => Date;
}): RecordAct {
  return async (act, details) => {
    const at = deps.now?.() ?? new Date();
    const facts = {
      sessionId: `admin/${at.toISOString().slice(0, 10)}`,
      connection: 'holdpoint',
      callerKey: 'holdpoint',
      subject: 'holdpoint',
      client: null,
      credentialId: null,
    };
    await deps.recorder.append(facts, {
      kind: 'admin',
      direction: 'none',
      callId: null,
      method: act,
      tool: null,
      verdict: null,
      rule: null,
      policyVersion: null,
      bytes: deps.masker.json(JSON.stringify({ act, ...details })).text,
    });
  };
}
