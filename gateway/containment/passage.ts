import type { ServerResponse } from 'node:http';
import type { InFlight, Revocation } from '../../db/revocations.ts';
import type { Caller } from '../../policy/caller.ts';
import type { LiveSession } from '../sessions/session.ts';
import { type Gate, revokedError, type Watched } from './gate.ts';
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
  /** What is asked. */
  readonly asked: { readonly method: string | null; readonly tool: string | null };
}

/** Ends sessions at once. */
interface CutSessions {
  cut(session: LiveSession): void;
}

/**
 * Watches over one HTTP exchange. When it is cut, its socket is reset, so that what waits in buffers is lost as well,
 * and its session ends, and with that whatever goes on upstream for it.
 */
export function openPassage(
  gate: Gate,
  facts: PassageFacts,
  reply: ServerResponse,
  sessions: CutSessions,
): Passage {
  return new WatchedPassage(gate, facts, reply, sessions);
}

/** A class, since there is one for each held call: methods of its own would cost each of them more than what it keeps. */
class WatchedPassage implements Passage, Watched {
  readonly #gate: Gate;
  readonly #facts: PassageFacts;
  readonly #reply: ServerResponse;
  readonly #sessions: CutSessions;
  readonly #startedAtMs = Date.now();
  #session: LiveSession | null = null;
  #cutBy: Revocation | null = null;
  readonly #unwatch: () => void;

  constructor(gate: Gate, facts: PassageFacts, reply: ServerResponse, sessions: CutSessions) {
    this.#gate = gate;
    this.#facts = facts;
    this.#reply = reply;
    this.#sessions = sessions;
    this.#unwatch = gate.watch(this);
  }

  get clear(): boolean {
    return this.#cutBy === null && this.#gate.sure;
  }

  async wait(): Promise<boolean> {
    while (this.#alive && !this.#gate.sure) await this.#gate.confirm().catch(() => {}); // Said by whoever asks anew; here it waits.
    return this.#alive;
  }

  join(session: LiveSession): void {
    this.#session = session;
    const by = this.#cutBy ?? this.#gate.revocationOf(() => this.handles());
    if (by) throw revokedError(by);
  }

  end(): void {
    this.#unwatch();
  }

  handles(): readonly string[] {
    const { caller, connection } = this.#facts;
    return [
      ...callerHandles(caller),
      ...(this.#session ? sessionHandles(this.#session.facts) : [`connection:${connection}`]),
    ];
  }

  inFlight(): InFlight {
    const { kind, connection, caller, correlationId, asked } = this.#facts;
    return {
      kind,
      connection,
      ...asked,
      subject: caller.subject,
      sessionId: this.#session?.facts.sessionId ?? null,
      correlationId,
      callId: null,
      startedAt: new Date(this.#startedAtMs).toISOString(),
    };
  }

  cut(by: Revocation): void {
    this.#cutBy = by;
    // Not `end`: bytes that the system has not sent yet must not go.
    if (this.#reply.socket && !this.#reply.socket.destroyed) this.#reply.socket.resetAndDestroy();
    this.#reply.destroy();
    if (this.#session) this.#sessions.cut(this.#session);
  }

  get #alive(): boolean {
    return this.#cutBy === null && !this.#reply.destroyed;
  }
}
