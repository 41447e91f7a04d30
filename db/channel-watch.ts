import { Client } from 'pg';

/** What a watcher of a notification channel tells. */
export interface ChannelListener {
  /** Somebody notified. May be told twice. */
  notified(payload: string): void;
  /** Listening began, or began again after a broken connection: what was notified before may have been missed. */
  listening(): void;
  /** The connection broke; it is tried again by itself. */
  lost(error: Error): void;
}

/**
 * Listens to one channel on a connection of its own, which must not go through a pooler in transaction mode. Keeps
 * trying until closed.
 * @param channel an identifier of our own, never anybody's input
 * @returns once it listens, or has failed for the first time (then `lost` was told)
 */
export async function watchChannel(
  databaseUrl: string,
  channel: string,
  listener: ChannelListener,
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
      if (payload) listener.notified(payload);
    });
    try {
      await mine.connect();
      await mine.query(`listen ${channel}`);
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
