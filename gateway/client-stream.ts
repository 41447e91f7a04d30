import type { Masked } from '../masking/masked.ts';

/**
 * Where the messages of one exchange go: the reply of the client's POST. What is written was masked and recorded
 * before. The first `message` or `keepAlive` that is not the final response turns the reply into an SSE stream.
 */
export interface ClientStream {
  /** False once the client is gone. Writing to a stream that is gone does nothing. */
  readonly alive: boolean;
  /** Aborted when the client is gone (closed socket). */
  readonly gone: AbortSignal;
  /** Calls `run` when the client is gone, at once if it is. For who needs no signal: it costs but the function. */
  whenGone(run: () => void): void;
  /** The task whose messages these are; undefined where a connection of the client's is behind the stream. */
  readonly taskId?: string;
  /** The client's progress token as raw JSON text, or null when it sent none. */
  readonly progressToken: string | null;
  /** Writes a message that is not the response. Resolves when the socket has taken it (back-pressure). */
  message(json: Masked<string>): Promise<void>;
  /**
   * Upstream has begun a stream, so the reply becomes one too: at once with the next message, or after a moment in
   * which none came.
   */
  openSoon?(): void;
  /** The request waits for this held call: whoever takes the stream over finds what became of it there. */
  heldAs?(callId: string, waitingText: Masked<string>): Promise<void>;
  /** Keeps intermediaries and clients from giving up: progress where there is a token, else an SSE comment. */
  keepAlive(text: Masked<string>): Promise<void>;
  /**
   * Writes the response and ends the reply.
   * @param status HTTP status where the reply has not begun; 200 when left out
   * @returns whether all of it was handed to a socket that was still open
   */
  respond(json: Masked<string>, status?: number): Promise<boolean>;
}
