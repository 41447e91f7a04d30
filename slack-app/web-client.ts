import { type Logger, LogLevel } from '@slack/logger';
import { WebClient, type WebClientOptions } from '@slack/web-api';

/** What the Slack parts write their log lines to; pino's loggers fit. */
export interface Log {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/**
 * Options of every client of Slack's API: no retries (the library's own last half an hour; who calls decides when to
 * try again) and a limit on how long an answer may take.
 * @param apiUrl Slack's API or a compatible server, for example `https://slack.com/api/`
 */
export function clientOptions(apiUrl: string, log: Log): WebClientOptions {
  return {
    slackApiUrl: apiUrl.endsWith('/') ? apiUrl : `${apiUrl}/`,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: 10_000,
    // A token must never follow a URL that came in from outside.
    allowAbsoluteUrls: false,
    logger: slackLogger(log),
  };
}

/** A client for the app's bot. */
export function createSlackClient(options: { botToken: string; apiUrl: string; log: Log }): WebClient {
  return new WebClient(options.botToken, clientOptions(options.apiUrl, options.log));
}

/**
 * Slack's libraries log whole payloads at debug and tokens' fragments at info: only warnings and errors get through.
 */
export function slackLogger(log: Log): Logger {
  const text = (parts: unknown[]): string => parts.map(String).join(' ').slice(0, 500);
  return {
    debug: () => {},
    info: () => {},
    warn: (...parts) => log.warn({ from: 'slack-library' }, text(parts)),
    error: (...parts) => log.warn({ from: 'slack-library' }, text(parts)),
    setLevel: () => {},
    getLevel: () => LogLevel.WARN,
    setName: () => {},
  };
}
