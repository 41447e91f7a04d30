import type { Masker } from '../masking/engine.ts';
import type { Recorder, SessionFacts } from '../recording/event.ts';
import type { GatewayErrorCode } from './errors.ts';

/** What is said of a request that was refused before it belonged to a session. */
export interface Refusal {
  readonly code: GatewayErrorCode;
  readonly message: string;
  readonly connection: string;
  readonly correlationId: string;
  /** Address of whoever was connected: of a proxy, where there is one. */
  readonly from: string | null;
}

/** Records such refusals. */
export interface Refusals {
  /** Takes note; nothing waits for it, since what is refused goes nowhere. */
  note(refusal: Refusal): void;
  /** Records what is still counted, and waits for what is under way. */
  close(): Promise<void>;
}

/** Whoever has no token must not be able to fill the recording: of more than this a second, only the number is kept. */
const mostASecond = 20;
/** Longer ones are in no configuration. */
const longestName = 200;
/** Said while the recording itself, or this process, is what does not work. */
const notRecorded: ReadonlySet<GatewayErrorCode> = new Set([
  'stopping',
  'recording_unavailable',
  'database_unavailable',
]);

/** Writes refusals into one session a day, `refused/<date>`. */
export function createRefusals(deps: {
  readonly recorder: Pick<Recorder, 'append'>;
  readonly masker: () => Masker;
  readonly now: () => Date;
  readonly onError: (error: Error) => void;
}): Refusals {
  const under = new Set<Promise<unknown>>();
  let second = { at: 0, recorded: 0 };
  let uncounted = new Map<GatewayErrorCode, number>();

  function append(code: GatewayErrorCode | null, what: object): void {
    const writing = deps.recorder
      .append(factsOf(deps.now()), {
        kind: 'verdict',
        direction: 'none',
        callId: null,
        method: code === null ? 'refused.more' : `refused.${code}`,
        tool: null,
        verdict: 'refused',
        rule: null,
        policyVersion: null,
        bytes: deps.masker().json(JSON.stringify(what)).text,
      })
      .catch(deps.onError)
      .finally(() => under.delete(writing));
    under.add(writing);
  }

  function tellUncounted(): void {
    if (uncounted.size === 0) return;
    append(null, { alsoRefused: Object.fromEntries(uncounted) });
    uncounted = new Map();
  }

  return {
    note(refusal) {
      const { code } = refusal;
      if (notRecorded.has(code)) return;
      const at = Math.floor(deps.now().getTime() / 1000);
      if (at !== second.at) {
        second = { at, recorded: 0 };
        tellUncounted();
      }
      if (second.recorded >= mostASecond) {
        uncounted.set(code, (uncounted.get(code) ?? 0) + 1);
        return;
      }
      second.recorded += 1;
      // Not cut before it is masked: the half of a secret looks like none.
      const { connection } = refusal;
      append(code, { ...refusal, connection: connection.length > longestName ? '' : connection });
    },
    async close() {
      tellUncounted();
      await Promise.all(under);
    },
  };
}

function factsOf(now: Date): SessionFacts {
  return {
    sessionId: `refused/${now.toISOString().slice(0, 10)}`,
    connection: 'holdpoint',
    callerKey: 'holdpoint',
    subject: 'holdpoint',
    client: null,
    credentialId: null,
  };
}
