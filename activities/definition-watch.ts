import type { WebClient } from '@slack/web-api';
import type { KnownBlock } from '@slack/types';
import { tellOfWaiting, type Untold } from '../db/definition-notices.ts';
import type { Pool } from '../db/pool.ts';

/** What telling of waiting definitions needs. */
export interface DefinitionWatchDeps {
  readonly pool: Pool;
  readonly client: WebClient;
  /** The message for a channel. */
  readonly notice: (untold: Untold) => { text: string; blocks: KnownBlock[] };
  readonly log: { warn(facts: object, text: string): void };
  readonly everyMs?: number;
}

/**
 * Tells the approvers' Slack channels that tools wait whose definitions are new or have changed. Once; where Slack
 * does not take it, again later. Where no group has a channel, the console and the command line show them.
 */
export function startDefinitionWatch(deps: DefinitionWatchDeps): { look(): Promise<void>; stop(): void } {
  const { pool, notice, log, everyMs = 10_000 } = deps;
  const untold = (error: unknown): void =>
    log.warn({ err: error }, 'Slack was not told of tools that wait; it is tried again');
  const look = async (): Promise<void> => {
    const failed = await tellOfWaiting(pool, async (waiting) => {
      for (const channel of waiting.channels) {
        const message = { channel, ...notice(waiting) };
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- Slack's, not a window's
        await deps.client.chat.postMessage(message);
      }
    });
    for (const error of failed) untold(error);
  };
  let looking: Promise<void> | null = null;
  const timer = setInterval(() => {
    looking ??= look()
      .catch(untold)
      .finally(() => {
        looking = null;
      });
  }, everyMs);
  timer.unref();
  return { look, stop: () => clearInterval(timer) };
}
