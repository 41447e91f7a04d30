import { Client } from 'pg';

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

/**
 * Listens for changes of held calls on one connection of its own, which must not go through a pooler in
 * transaction mode. Keeps trying until closed.
 * @returns once it listens, or has failed for the first time (then `lost` was told)
 */
export async function watchHeldCalls(
  databaseUrl: string,
  listener: HeldCallListener,
): Promise<{ close(): Promise<void> }> {
  let closed = false;
  let client: Client | undefined;
  let retry: NodeJS.Timeout | undefined;
  let failures = 0;

  const broke = (of: Client, error: Error): void => {
    if (closed || client !== of) return;
    client = undefined;
    of.end().catch(() => {}); // It is broken already; there is nothing left to be told.
    listener.lost(error);
    retry = setTimeout(() => void connect(), Math.min(5000, 100 * 2 ** failures++));
  };
  const connect = async (): Promise<void> => {
    const mine = new Client({
      connectionString: databaseUrl,
      application_name: 'holdpoint-watch',
      keepAlive: true,
      connectionTimeoutMillis: 5000,
    });
    client = mine;
    mine.on('error', (error) => broke(mine, error));
    mine.on('end', () => broke(mine, new Error('the connection ended')));
    mine.on('notification', ({ payload }) => {
      if (payload) listener.changed(payload);
    });
    try {
      await mine.connect();
      await mine.query(`listen ${heldCallChannel}`);
      failures = 0;
      if (!closed) listener.listening();
    } catch (error) {
      broke(mine, error as Error);
    }
  };
  await connect();
  return {
    async close() {
      closed = true;
      clearTimeout(retry);
      await client?.end();
    },
  };
}
