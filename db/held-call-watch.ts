import { watchChannel } from './channel-watch.ts';

/** Channel on which the database tells the id of every held call whose state changes (migration 0050). */
export const heldCallChannel = 'holdpoint_held_calls';

/** What a watcher tells. */
export interface HeldCallListener {
  /** A held call changed its state. May be told twice. */
  changed(callId: string): void;
  /** Listening began, or began again after a broken connection: changes before this may have been missed. */
  listening(): void;
  /** The connection broke; it is tried again by itself. */
  lost(error: Error): void;
}

/** Listens for changes of held calls ({@link watchChannel}). */
export function watchHeldCalls(
  databaseUrl: string,
  listener: HeldCallListener,
): Promise<{ close(): Promise<void> }> {
  return watchChannel(databaseUrl, heldCallChannel, {
    notified: (callId) => listener.changed(callId),
    listening: () => listener.listening(),
    lost: (error) => listener.lost(error),
  });
}
