import type { Masked } from '../masking/masked.ts';
import type { Masker } from '../masking/engine.ts';
import type { OpenedToken } from '../masking/tokens.ts';
import type { Caller } from '../policy/caller.ts';
import type { HoldVerdict, Verdict } from '../policy/verdict.ts';
import type { SessionFacts } from '../recording/event.ts';
import type { ClientStream } from './client-stream.ts';
import type { Elicits } from './hold/elicit.ts';
import type { UpstreamSession } from './upstreams/upstream.ts';

/** A request that policy holds, with everything that deciding and running it needs. */
export interface HeldRequest {
  readonly caller: Caller;
  readonly session: SessionFacts;
  readonly correlationId: string;
  /** The protocol version of the exchange, such as `2025-11-25`. */
  readonly protocolVersion: string;
  /** The whole strictly read JSON-RPC request, exactly as it is to be forwarded. */
  readonly json: string;
  /** Raw JSON text of its id, so that no digit is lost. */
  readonly idJson: string;
  readonly method: string;
  readonly tool: string;
  /** Raw slice of `params.arguments`; null when the request has none. */
  readonly argsJson: string | null;
  /** `sha256:<hex>` of the tool's definition as this connection last listed it; null when never listed. */
  readonly definitionHash: string | null;
  readonly verdict: HoldVerdict;
  /** What the agent says that the call is for, in its own words, which nothing proves; null when it says nothing. */
  readonly intent: Masked<string> | null;
  /** The session's requests before this one, latest first, as far as this replica saw them. */
  readonly recent?: readonly RecentRequest[];
  /** The session's masker of the verdict's profile. */
  readonly masker: Masker;
  /** What was put in for tokens in the request, which whoever runs it must hide again; absent where nothing was. */
  readonly restored?: readonly OpenedToken[];
  /** Headers that the message takes upstream (2026-07-28 mirrors); never credentials. */
  readonly headers: Readonly<Record<string, string>>;
  /** The client session's own upstream session: progress and server-to-client requests flow through it. */
  readonly upstream: UpstreamSession;
  /** What the client says that it can be asked. */
  readonly elicits: readonly Elicits[];
  readonly stream: ClientStream;
}

/** What waits for a call that was held before: a task, or a client that came back to its stream. */
export interface Returning {
  readonly callId: string;
  /** Raw JSON of the id under which it is answered. */
  readonly idJson: string;
  /** Under which it is recorded. */
  readonly session: SessionFacts;
  readonly protocolVersion: string;
  readonly correlationId: string;
  readonly tool: string;
  readonly masker: Masker;
  /** The session that can carry the call; null where it must run in one of its own. */
  readonly upstream: UpstreamSession | null;
  readonly stream: ClientStream;
  /** When its client began to wait; null for a task, which has all the time there is. */
  readonly since: Date | null;
}

/** An earlier request of a session. */
export interface RecentRequest {
  readonly tool: string;
  /** `pass`, `deny` or `hold`. */
  readonly verdict: string;
  readonly atMs: number;
}

/** A request that may answer what upstream asked in the middle of a call, whatever policy says of it now. */
export type Resuming = Omit<HeldRequest, 'verdict'> & { readonly verdict: Verdict };

/** A call that goes on, without a second approval. */
export interface Resumed {
  readonly callId: string;
  /** The request as it goes upstream: with upstream's own state. Recorded already. */
  readonly json: string;
  /** What upstream answers, as it goes to the client: a further question under a state of Holdpoint's. */
  wrap(response: string): string;
}

/** The hold step of the line. */
export interface HoldPort {
  /**
   * Holds a request until it is decided, run and answered on its stream, or its client is gone. Expected endings
   * (denied, expired, no Temporal) are answered on the stream and do not reject.
   */
  hold(request: HeldRequest): Promise<void>;
  /**
   * Takes the answer to what upstream asked in the middle of an approved call, once.
   * @returns null when the request is no such answer
   * @throws GatewayError `invalid_params` when it is one that must not be taken
   */
  resume(request: Resuming): Promise<Resumed | null>;
  /**
   * A client's `notifications/cancelled`.
   * @returns true when it named a request that is held here, in which case nothing goes upstream
   */
  cancelled(sessionId: string, requestIdJson: string, reason: string | null): Promise<boolean>;
  /**
   * Waits once more for a call that was held before, and gives its outcome. Resolves when that is done, when the
   * client is gone again, or when this gateway stops, and then without an answer.
   */
  adopt(returning: Returning): Promise<void>;
  /** Cancels a held call that nobody waits for here, and that nobody else is to wait for. */
  withdraw(callId: string, because: string): Promise<void>;
  /** A client's response to a question of Holdpoint's own: its user does not want to wait any longer. */
  answered(sessionId: string, idJson: string): void;
  /** How many requests wait on this gateway for held calls, by connection. */
  waiting(): ReadonlyMap<string, number>;
  /** Lets a task's request go without an answer: its client session has ended, and it is to be adopted. */
  letGo(sessionId: string, requestIdJson: string): void;
  close(): Promise<void>;
}
