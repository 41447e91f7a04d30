import type { Caller } from '../../policy/caller.ts';

/** What the gateway tells an upstream session about the client session it serves. */
export interface UpstreamContext {
  readonly connection: string;
  readonly sessionId: string;
  readonly caller: Caller;
  readonly correlationId: string;
  /** Whether what is said is of 2026-07-28, which knows no upstream session ids. */
  readonly stateless?: boolean;
}

/** A message from upstream: the JSON text of exactly one JSON-RPC message, strictly read, not yet masked. */
export interface UpstreamMessage {
  readonly json: string;
  /** `response` ends the exchange it answers. */
  readonly kind: 'response' | 'request' | 'notification';
  /** Null for responses. */
  readonly method: string | null;
  /** Made by the gateway in upstream's place, so that nothing is learned of upstream from it. */
  readonly own?: true;
  /** HTTP status with which a refused request was answered (a JSON-RPC error); undefined otherwise. */
  readonly status?: number;
}

export interface SendOptions {
  /** Raw JSON text of the id of the request that is sent; null when it is a notification or a response. */
  readonly idJson: string | null;
  /** Aborting stops waiting; whether upstream saw the message is told by `onSent`. */
  readonly signal: AbortSignal;
  /** For a stream on which upstream may say nothing for as long as it likes (`subscriptions/listen`). */
  readonly mayBeSilent?: boolean;
  /** Called when upstream answers with a stream and not with the response at once. */
  readonly onStream?: () => void;
  /** Called once, right before the first byte may reach upstream. From then on the call may have happened. */
  readonly onSent?: () => void;
  /** Headers that go with this message (2026-07-28 mirrors, `Mcp-Protocol-Version`); never credentials. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One upstream session: an HTTP session id, or a stdio process. Serves one client session. */
export interface UpstreamSession {
  /**
   * Sends one JSON-RPC message exactly as given. For a request, yields what upstream sends on its stream, the
   * response last; for notifications and responses, yields nothing.
   * @throws UpstreamError (gateway/errors.ts) with a distinct code for each way in which it can fail
   */
  send(json: string, options: SendOptions): AsyncIterable<UpstreamMessage>;
  /**
   * Subscribes to messages that belong to no request (GET stream, unsolicited stdio lines). Resolves once upstream
   * has agreed to send them; the iterable ends when the session ends.
   * @throws UpstreamError `upstream_no_events` when upstream offers none
   */
  events(signal: AbortSignal): Promise<AsyncIterable<UpstreamMessage>>;
  /**
   * What another replica needs to serve this session ({@link Upstream.resume}): upstream's own session id. A secret.
   * Null when no other replica can (a process of this machine).
   */
  readonly resumable: string | null;
  /** Ends the session upstream (DELETE, or end of the process). Safe to repeat. */
  close(): Promise<void>;
}

/** A configured upstream server. */
export interface Upstream {
  readonly connection: string;
  /**
   * Names, without revealing it, the credential with which a caller's sessions reach this server; empty where all
   * callers share one. What the server says (its tools) is kept apart by it. Left out, all share one.
   */
  credentialContext?(caller: Caller): string;
  /** Where each person signs in at this server themselves; left out where nobody does. */
  readonly personal?: {
    signedIn(caller: Caller): Promise<boolean>;
    /** Whether it wants more of them than they have agreed to there. */
    wantsMore(caller: Caller): Promise<boolean>;
  };
  /** A session that nobody has initialized yet: the client's own `initialize` is its first message. */
  open(context: UpstreamContext): Promise<UpstreamSession>;
  /** A session that was initialized before, perhaps through another replica. Null when that cannot be. */
  resume(context: UpstreamContext, resumable: string): UpstreamSession | null;
  /** Stops everything this upstream has started. */
  close(): Promise<void>;
}
