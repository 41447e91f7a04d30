import type { Masked } from '../masking/masked.ts';

/** What an event is about. */
export type EventKind =
  | 'message' // one JSON-RPC message as it passed, masked
  | 'connect'
  | 'disconnect'
  | 'verdict' // policy's answer for a message that did not simply pass
  | 'hold'
  | 'decision'
  | 'claim'
  | 'outcome'
  | 'admin' // an act of a person on Holdpoint itself
  | 'end'; // seals a session

/** Which way a message went; `none` for events that are not messages. */
export type Direction = 'client-to-upstream' | 'upstream-to-client' | 'none';

/** A session as the recording knows it: one MCP session, or one caller's stateless use of a connection. */
export interface SessionFacts {
  readonly sessionId: string;
  readonly connection: string;
  /** Stable key, subject and client of whoever opened it. */
  readonly callerKey: string;
  readonly subject: string;
  readonly client: string | null;
  readonly credentialId: string | null;
  /** Who acts for the subject, outermost first. */
  readonly actors?: readonly string[];
}

/** One thing to record. The recorder adds time, sequence number, chain and seal. */
export interface RecordEvent {
  readonly kind: EventKind;
  readonly direction: Direction;
  readonly callId: string | null;
  readonly method: string | null;
  readonly tool: string | null;
  readonly verdict: string | null;
  readonly rule: string | null;
  readonly policyVersion: string | null;
  /** The tier that policy gave it; left out where policy had no say. */
  readonly risk?: string;
  /** The masked bytes as they passed; for events that are not messages, masked JSON. */
  readonly bytes: Masked<Uint8Array> | Masked<string>;
  /** The bytes before masking, only to be put through the keyed hash; never stored. */
  readonly unmasked?: Uint8Array | string;
}

/** What a durable event was given. */
export interface Receipt {
  readonly sessionId: string;
  /** The strand (one recorder's part of the session) as a UUID. */
  readonly strand: string;
  /** Position within the strand, from 0. */
  readonly seq: number;
}

/** Why something was not recorded. */
export type RecordingErrorCode =
  | 'recording_unavailable' // PostgreSQL cannot be reached, or refused; try again later
  | 'recording_overloaded' // more waits to be written than may
  | 'session_ended' // the session was sealed
  | 'session_purged' // the session's key was destroyed
  | 'event_too_large'
  | 'recorder_closed';

/** An event was not recorded, so what it describes must not happen. */
export class RecordingError extends Error {
  readonly code: RecordingErrorCode;
  constructor(code: RecordingErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RecordingError';
    this.code = code;
  }
}

/**
 * Writes events. `append` resolves only once the event is durable in PostgreSQL; events of one session keep the
 * order in which `append` was called. When it rejects, the event's bytes must not pass: it was not recorded, or
 * stands in the recording as one whose writer was never told (see `resumes` in docs/recording-format.md).
 */
export interface Recorder {
  /** @throws RecordingError */
  append(session: SessionFacts, event: RecordEvent): Promise<Receipt>;
  /**
   * Seals a session: nothing can be appended to it afterwards. Does nothing for a session of which nothing was
   * recorded, or that has ended already.
   * @throws RecordingError
   */
  end(sessionId: string, because: string): Promise<void>;
  /** Seals this recorder's strands, flushes what is pending and stops. */
  close(): Promise<void>;
}
