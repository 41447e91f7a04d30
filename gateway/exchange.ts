import type { Masked } from '../masking/masked.ts';
import type { Masker } from '../masking/engine.ts';
import type { OpenedToken } from '../masking/tokens.ts';
import type { Caller } from '../policy/caller.ts';
import type { Verdict } from '../policy/verdict.ts';
import type { ClientStream } from './client-stream.ts';
import type { RecentRequest } from './hold-port.ts';
import type { RpcMessage } from './mcp/rpc-message.ts';
import type { LiveSession } from './sessions/session.ts';
import type { Upstream } from './upstreams/upstream.ts';

/** After `read` and `identify`: who says what, in which session. */
export interface Exchange {
  readonly message: RpcMessage;
  readonly caller: Caller;
  readonly upstream: Upstream;
  readonly session: LiveSession;
  readonly correlationId: string;
  /** The client's new session id, while its handshake is under way. */
  readonly newSessionId: string | null;
  /** Such as `2025-11-25`. */
  readonly protocolVersion: string;
  /** MCP headers that go upstream with the message; never credentials. */
  readonly headers: Readonly<Record<string, string>>;
  readonly stream: ClientStream;
  /** What was put in for tokens in `message`; absent where nothing was. */
  readonly restored?: readonly OpenedToken[];
  /** Where the client stated what its call is for: `message` is then the call without it. */
  readonly stated?: {
    /** Null when it is no text. */
    readonly intent: string | null;
    /** The message as the client sent it. */
    readonly json: string;
  };
}

/** Why a request is denied, where it is not simply a rule that denies. */
export interface Objection {
  readonly rule: string;
  /** What happened, why, and what to do, in words for the model. */
  readonly text: string;
  /** Goes into the result's `_meta`. */
  readonly meta: Readonly<Record<string, unknown>>;
}

/** After `classify`. */
export interface Classified extends Exchange {
  readonly verdict: Verdict;
  /** Tool, prompt or resource; empty when the method has none. */
  readonly target: string;
  /** The session's requests before this one, latest first. */
  readonly recent: readonly RecentRequest[];
}

/** After `mask`. */
export interface MaskedExchange extends Classified {
  readonly masker: Masker;
  /** The target as it is recorded and shown: a resource's address may hold a secret. */
  readonly shownTarget: string;
  readonly maskedJson: Masked<string>;
  readonly objection?: Objection;
}
