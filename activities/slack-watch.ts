import type { WebClient } from '@slack/web-api';
import type { Pool } from '../db/pool.ts';
import { slackAnswered, slackFailed } from '../db/slack-reach.ts';
import { slackTrouble } from './slack-errors.ts';

/** What watching Slack needs. */
export interface SlackWatchDeps {
  readonly pool: Pool;
  readonly client: WebClient;
  readonly log: { warn(facts: object, text: string): void; info(facts: object, text: string): void };
  readonly everyMs?: number;
  readonly awayAfterMs?: number;
}

/** Watching that runs. */
export interface SlackWatch {
  /** Looks now; for those who cannot wait. */
  look(): Promise<void>;
  stop(): void;
}

/**
 * Asks Slack every few seconds whether it is there, so that "nobody answered" and "nobody could be asked" are known
 * apart. Slack counts as away when no process has had an answer for a minute; a token that Slack refuses is as good
 * as no Slack.
 */
export function startSlackWatch(deps: SlackWatchDeps): SlackWatch {
  const { pool, client, log, everyMs = 15_000, awayAfterMs = 60_000 } = deps;
  const look = async (): Promise<void> => {
    const failure = await failureOf(client);
    if (failure === null) {
      if (await slackAnswered(pool)) log.info({}, 'Slack answers again');
    } else if (await slackFailed(pool, failure, awayAfterMs))
      log.warn(
        { failure },
        'Slack cannot be reached: requests can be decided in the console and on the command line',
      );
  };
  let looking: Promise<void> | null = null;
  const timer = setInterval(() => {
    looking ??= look()
      .catch((error: unknown) => log.warn({ err: error }, 'how Slack is reached could not be noted'))
      .finally(() => {
        looking = null;
      });
  }, everyMs);
  timer.unref();
  return { look, stop: () => clearInterval(timer) };
}

async function failureOf(client: WebClient): Promise<string | null> {
  try {
    await client.auth.test();
    return null;
  } catch (error) {
    const trouble = slackTrouble(error);
    if (!trouble) throw error;
    if (trouble.kind === 'rate-limited') return null;
    return trouble.kind === 'refused' ? `Slack refused the bot token: ${trouble.error}` : trouble.what;
  }
}
