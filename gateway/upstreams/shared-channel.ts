import type { RpcEnvelope, RpcMessage } from '../mcp/rpc-message.ts';

/** A way to an upstream on which everything it says comes on one stream: a process's pipes, or old HTTP+SSE. */
export interface SharedChannel {
  /**
   * Makes sure that `message` can be written.
   * @throws UpstreamError when it cannot
   */
  ready(message: RpcMessage, signal: AbortSignal): Promise<void>;
  /** @throws UpstreamError when upstream refuses to take the message */
  write(json: string): Promise<void>;
  /** True when a message answers the channel's own question and so is not for the client. */
  consume(message: RpcEnvelope): boolean;
  /** Tells of each message of upstream's, as the bytes of its JSON text. */
  onLine(handler: (line: Buffer) => void): void;
  /** Tells that upstream is gone; what was not answered will not be. */
  onGone(handler: (because: string) => void): void;
  stop(): Promise<void>;
}
