import { recordActs } from '../db/approval-acts.ts';
import { decidedCall } from '../db/held-deciding.ts';
import { recordFact, type RecordingDeps } from './decision-record.ts';

const lookEveryMs = 1000;
const atOnce = 50;

/** Brings what people did beside voting into the recording of the session that it is about. */
export function startActs(deps: RecordingDeps): { look(): Promise<void>; stop(): Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    await recordActs(deps.pool, atOnce, async ({ callId, act, facts, doneAt }) => {
      const call = await decidedCall(deps.pool, callId);
      if (call)
        await recordFact(deps, callId, call, 'admin', { act, ...facts, doneAt: doneAt.toISOString() });
    });
  };
  const guarded = async (): Promise<void> => {
    try {
      await look();
    } catch (error) {
      deps.log.warn({ err: error }, 'what people did could not be recorded yet; it is tried again');
    }
  };
  let busy = false;
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    running = guarded().finally(() => {
      busy = false;
    });
  }, lookEveryMs);
  timer.unref();
  return {
    look,
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
