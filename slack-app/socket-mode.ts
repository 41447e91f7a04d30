import { setTimeout as sleep } from 'node:timers/promises';
import type { ReceiverEvent } from '@slack/bolt';
import { SocketModeClient } from '@slack/socket-mode';
import { WebAPIPlatformError } from '@slack/web-api';
import { clientOptions, type Log, slackLogger } from './web-client.ts';

/** Takes what Slack sends. Resolves when it was handled; it acknowledges by itself. */
export type Deliver = (event: ReceiverEvent) => Promise<void>;

/** A way in which Slack's payloads arrive. */
export interface Transport {
  stop(): Promise<void>;
}

interface SlackEvent {
  readonly ack: (response?: unknown) => Promise<void>;
  readonly body: Record<string, unknown>;
  readonly retry_num?: number;
  readonly retry_reason?: string;
}

const longestWaitMs = 30_000;
const helloTimeoutMs = 15_000;
const stopWithinMs = 5000;

/**
 * Keeps several Socket Mode connections open at once, each watched over by itself. Slack sends a payload over any one
 * of them and closes each about once an hour; the library's own reconnecting leaves a gap of 5 s and more, and a
 * rejection of it goes unhandled. Here every connection is a new client without reconnecting of its own, replaced as
 * soon as it closes, while the others take over.
 * @returns once the first connection stands, or Slack cannot be reached for now (then it goes on trying)
 * @throws Error when Slack refuses the app token
 */
export async function startSocketMode(options: {
  appToken: string;
  apiUrl: string;
  connections: number;
  log: Log;
  deliver: Deliver;
}): Promise<Transport> {
  const stopping = new AbortController();
  const open = new Set<SocketModeClient>();
  const first = Promise.withResolvers<void>();
  const keepers = Array.from({ length: options.connections }, (_, index) =>
    keepOpen(index).catch((error: unknown) => first.reject(error)),
  );

  async function keepOpen(index: number): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; ) {
      try {
        await connectOnce();
        failures = 0;
      } catch (error) {
        failures += 1;
        const refused = error instanceof WebAPIPlatformError ? error.data.error : null;
        options.log.warn({ connection: index, failures, refused }, 'Socket Mode connection failed');
        if (refused !== null && refused !== 'ratelimited')
          first.reject(
            new Error(`Slack refused slack.appToken (${refused}): it needs the scope connections:write`),
          );
        else first.resolve();
      }
      const waitMs = failures === 0 ? 0 : Math.min(longestWaitMs, 500 * 2 ** Math.min(failures, 8));
      await sleep(waitMs * (0.5 + Math.random() / 2), undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  /** One connection from opening to its end. */
  async function connectOnce(): Promise<void> {
    const client = new SocketModeClient({
      appToken: options.appToken,
      autoReconnectEnabled: false,
      clientOptions: clientOptions(options.apiUrl, options.log),
      logger: slackLogger(options.log),
    });
    client.on('slack_event', (event: SlackEvent) => void take(event));
    const ended = new Promise<void>((resolve) => client.once('disconnected', () => resolve()));
    open.add(client);
    const tooLate = setTimeout(() => void client.disconnect(), helloTimeoutMs);
    try {
      await client.start();
      clearTimeout(tooLate);
      first.resolve();
      if (stopping.signal.aborted) await client.disconnect();
      await ended;
    } finally {
      clearTimeout(tooLate);
      open.delete(client);
    }
  }

  async function take(event: SlackEvent): Promise<void> {
    let acknowledged = false;
    try {
      await options.deliver({
        body: event.body,
        ack: async (response) => {
          if (acknowledged) return;
          acknowledged = true;
          await event.ack(response);
        },
        ...(event.retry_num === undefined ? {} : { retryNum: event.retry_num }),
        ...(event.retry_reason === undefined ? {} : { retryReason: event.retry_reason }),
      });
    } catch (error) {
      // Not acknowledged: Slack tells the person that it did not work.
      options.log.error({ err: error }, 'a payload from Slack could not be handled');
    }
  }

  const stop = async (): Promise<void> => {
    stopping.abort();
    const closed = Promise.all([
      ...[...open].map((client) => client.disconnect().catch(() => {})),
      ...keepers,
    ]);
    // A Slack that does not answer any more must not keep the process from ending.
    await Promise.race([closed, sleep(stopWithinMs, undefined, { ref: false })]);
  };
  try {
    await first.promise;
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}
