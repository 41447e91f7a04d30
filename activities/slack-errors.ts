import { ApplicationFailure } from '@temporalio/common';
import {
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebAPIRequestError,
} from '@slack/web-api';

/** Why Slack did not do what it was asked, as far as it matters here. */
export type SlackTrouble =
  | { readonly kind: 'rate-limited'; readonly retryAfterMs: number }
  /** No answer, or a broken one: it may have been done. */
  | { readonly kind: 'ambiguous'; readonly what: string }
  /** Slack answered that it did not do it. */
  | { readonly kind: 'refused'; readonly error: string };

/** Sorts an error of `@slack/web-api`; null for anything else. */
export function slackTrouble(error: unknown): SlackTrouble | null {
  if (error instanceof WebAPIRateLimitedError)
    return { kind: 'rate-limited', retryAfterMs: Math.max(1, error.retryAfter) * 1000 };
  if (error instanceof WebAPIPlatformError) {
    // Slack says of these that the call may have gone through.
    const unclear = ['internal_error', 'fatal_error', 'request_timeout', 'service_unavailable'];
    if (unclear.includes(error.data.error)) return { kind: 'ambiguous', what: error.data.error };
    if (error.data.error === 'ratelimited') return { kind: 'rate-limited', retryAfterMs: 30_000 };
    return { kind: 'refused', error: error.data.error };
  }
  if (error instanceof WebAPIHTTPError) return { kind: 'ambiguous', what: `HTTP ${error.statusCode}` };
  if (error instanceof WebAPIRequestError) return { kind: 'ambiguous', what: 'no answer' };
  return null;
}

/** How long a refusal that someone has to put right (invite the app, grant a scope) waits for its next try. */
const refusedRetryMs = 60_000;

/**
 * The failure with which an activity tells Temporal when to try again: after `Retry-After` when Slack named one,
 * after a minute when someone has to change something in Slack, else by the activity's retry policy.
 */
export function slackFailure(trouble: SlackTrouble, doing: string): ApplicationFailure {
  if (trouble.kind === 'rate-limited')
    return ApplicationFailure.create({
      type: 'SlackRateLimited',
      message: `Slack asked to wait ${trouble.retryAfterMs / 1000} s before ${doing}`,
      // Everyone who was sent away would come back at the same moment: spread over half the time again.
      nextRetryDelay: Math.round(trouble.retryAfterMs * (1 + Math.random() / 2)),
    });
  if (trouble.kind === 'refused')
    return ApplicationFailure.create({
      type: 'SlackRefused',
      message: `Slack refused ${doing}: ${trouble.error}${advice[trouble.error] ?? ''}`,
      nextRetryDelay: refusedRetryMs,
    });
  return ApplicationFailure.create({
    type: 'SlackUnreachable',
    message: `Slack could not be reached for ${doing}: ${trouble.what}`,
  });
}

const advice: Readonly<Record<string, string>> = {
  channel_not_found:
    ' (check slackChannel in the policy: it takes a channel id, and the app must be in a private channel)',
  not_in_channel: ' (invite the app to the channel: /invite @Holdpoint)',
  is_archived: ' (the channel is archived: name another one in the policy)',
  invalid_auth: ' (the bot token is wrong: check slack.botToken)',
  account_inactive: ' (the app was removed from the workspace: install it again)',
  token_revoked: ' (the bot token was revoked: install the app again)',
  missing_scope: ' (the app lacks a scope: compare it with slack-app/manifest.yaml and install it again)',
};
