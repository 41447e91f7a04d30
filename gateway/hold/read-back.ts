import { parseJson } from '../mcp/parse-json.ts';
import { sealedReadBack } from '../../db/held-companions.ts';
import type { ShownPreview } from '../../db/held-context.ts';
import { readBackDone, takeReadBacks } from '../../db/unknown-tasks.ts';
import { decide } from '../../policy/decide.ts';
import { callCompanion } from './companions.ts';
import type { KeptReadBack } from './keep-read-back.ts';
import { companionOf } from './precondition-check.ts';
import { shownResult } from './prepare.ts';
import { contextOf, type RunDeps } from './run-call.ts';
import { openRunSession } from './run-session.ts';
import { unsealReadBack } from './sealed-call.ts';

const lookEveryMs = 2000;
const openWithinMs = 10_000;

/** Makes read-backs of calls of which nobody knows, when they are wanted. Any number of gateways may. */
export function startReadBacks(deps: RunDeps): { close(): Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  let busy = false;
  const look = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    try {
      await makeReadBacks(deps);
    } catch (error) {
      deps.log.warn({ err: error }, 'read-backs could not be made; it is tried again');
    } finally {
      busy = false;
    }
  };
  const timer = setInterval(() => void (running = look()), lookEveryMs);
  return {
    async close() {
      clearInterval(timer);
      await running;
    },
  };
}

/** One look: takes what is wanted, calls, stores the masked answers. */
export async function makeReadBacks(deps: RunDeps): Promise<void> {
  for (const callId of await takeReadBacks(deps.pool, 3))
    await readBackDone(deps.pool, callId, await readBackOf(deps, callId));
}

async function readBackOf(deps: RunDeps, callId: string): Promise<ShownPreview> {
  const none = (because: string): ShownPreview => ({ tool: '', ok: false, text: because, leftOut: 0 });
  const sealed = await sealedReadBack(deps.pool, callId);
  if (!sealed) return none('it is no longer kept');
  try {
    const kept = JSON.parse(await unsealReadBack(deps.keyRing, callId, sealed)) as KeptReadBack;
    const why = whyNotNow(deps, kept);
    return why === null ? await call(deps, kept) : none(why);
  } catch (error) {
    deps.log.warn({ callId, err: error }, 'a read-back could not be made');
    return none('the server could not be asked');
  }
}

/** Policy may have changed since: it must let exactly this call pass now. */
function whyNotNow({ policy }: RunDeps, { facts, ready, tool }: KeptReadBack): string | null {
  const { params } = parseJson(ready.json) as { params: { arguments: unknown } };
  const { connection } = facts.bound;
  const verdict = decide(policy(), {
    call: { connection, method: 'tools/call', tool, args: params.arguments, annotations: {} },
    caller: facts.caller,
    session: { id: '', startedAt: new Date(0), calls: 0 },
    now: new Date(),
  });
  return verdict.kind === 'pass' ? null : `policy does not let ${tool} pass (rule ${verdict.rule})`;
}

async function call(deps: RunDeps, { facts, json, ready, tool }: KeptReadBack): Promise<ShownPreview> {
  const masker = deps.maskers().masker(facts.maskProfile);
  const context = contextOf(deps, {
    call: { facts, json },
    waiter: null,
    execToken: '',
    masker,
  });
  const session = await openRunSession(deps, context, AbortSignal.timeout(openWithinMs));
  try {
    const answered = await callCompanion(deps, companionOf(context, session), ready);
    return answered.ok
      ? shownResult(tool, answered.masked)
      : { tool, ok: false, text: answered.because, leftOut: 0 };
  } finally {
    await session.close();
  }
}
