import type { ServerResponse } from 'node:http';
import type { InFlight, Revocation } from '../../db/revocations.ts';
import type { Caller } from '../../policy/caller.ts';
import type { LiveSession } from '../sessions/session.ts';
import { type Gate, revokedError } from './gate.ts';
import { callerHandles, sessionHandles } from './handles.ts';

/** What lets the bytes of one HTTP exchange pass, until it is cut. */
export interface Passage {
  /** Whether bytes may go now, without waiting. */
  readonly clear: boolean;
  /** Waits until bytes may go, however long that takes. @returns false when it was cut, or its socket is gone */
  wait(): Promise<boolean>;
  /** The exchange turns out to belong to a session. @throws GatewayError `revoked` */
  join(session: LiveSession): void;
  /** The exchange is over. Safe to repeat. */
  end(): void;
}

export interface PassageFacts {
  readonly caller: Caller;
  readonly connection: string;
  readonly correlationId: string;
  readonly kind: 'request' | 'stream';
  /** What is asked, once it is known. */
  readonly asked: () => { readonly method: string | null; readonly tool: string | null };
}

/**
 * Watches over one HTTP exchange. When it is cut, its socket is reset, so that what waits in buffers is lost as well,
 * and its session ends, and with that whatever goes on upstream for it.
 */
export function openPassage(
  gate: Gate,
  facts: PassageFacts,
  reply: ServerResponse,
  endSession: (session: LiveSession, by: Revocation) => void,
): Passage {
  const startedAtMs = Date.now();
  let session: LiveSession | null = null;
  let cutBy: Revocation | null = null;
  const handles = (): readonly string[] => [
    ...callerHandles(facts.caller),
    ...(session ? sessionHandles(session.facts) : [`connection:${facts.connection}`]),
  ];
  const inFlight = (): InFlight => ({
    kind: facts.kind,
    connection: facts.connection,
    ...facts.asked(),
    subject: facts.caller.subject,
    sessionId: session?.facts.sessionId ?? null,
    correlationId: facts.correlationId,
    callId: null,
    startedAt: new Date(startedAtMs).toISOString(),
  });
  const unwatch = gate.watch({
    handles,
    inFlight,
    cut(by) {
      cutBy = by;
      // Not `end`: bytes that the system has not sent yet must not go.
      if (reply.socket && !reply.socket.destroyed) reply.socket.resetAndDestroy();
      reply.destroy();
      if (session) endSession(session, by);
    },
  });
  const alive = (): boolean => cutBy === null && !reply.destroyed;
  return {
    get clear() {
      return cutBy === null && gate.sure;
    },
    async wait() {
      while (alive() && !gate.sure) await gate.confirm().catch(() => {}); // Said by whoever asks anew; here it waits.
      return alive();
    },
    join(joined) {
      session = joined;
      const by = cutBy ?? gate.revocationOf(handles);
      if (by) throw revokedError(by);
    },
    end: unwatch,
  };
}
