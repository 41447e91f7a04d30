import type { SessionFacts } from '../../recording/event.ts';
import type { RecentRequest } from '../hold-port.ts';
import type { Elicits } from '../hold/elicit.ts';
import type { UpstreamSession } from '../upstreams/upstream.ts';

/**
 * A client session on this replica: what the messages of one client have in common. The counters are the only
 * things that change, and only the session registry and `classify` change them.
 */
export interface LiveSession {
  readonly facts: SessionFacts;
  readonly upstream: UpstreamSession;
  readonly startedAt: Date;
  /** Aborted when the session ends; everything that waits for upstream on its behalf stops. */
  readonly ended: AbortSignal;
  /** Seals what is stored on the session's behalf; null until the session is stored. */
  sealKey: Uint8Array | null;
  /** The version that client and upstream agreed on; null until the handshake is answered. */
  protocolVersion: string | null;
  /** What its client can be asked; known with the version. */
  elicits: readonly Elicits[];
  /** Requests that policy has looked at. */
  calls: number;
  /** The last few of them that named a tool, latest first. */
  recent: readonly RecentRequest[];
  lastUsedAtMs: number;
  /** Replies and streams open now: a call may be held for hours, and its session is in use. */
  open: number;
}

/** What client and upstream have agreed on when a session begins. */
export interface Handshake {
  readonly protocolVersion: string;
  readonly elicits: readonly Elicits[];
}
