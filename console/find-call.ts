import { shownCall, type ShownCall } from '../db/held-calls-shown.ts';
import type { ConsoleContext } from './deps.ts';
import { PageError } from './errors.ts';
import type { Identity } from './identity.ts';
import { maySee } from './sight.ts';

/**
 * A call that somebody may see.
 * @throws PageError 404, the same whether there is none or it is not theirs to see, so that ids tell nothing
 */
export async function findCall(
  context: Pick<ConsoleContext, 'pool' | 'viewers'>,
  callId: string,
  identity: Identity,
): Promise<ShownCall> {
  const call = await shownCall(context.pool, callId);
  if (call && maySee(call, identity, context.viewers)) return call;
  throw new PageError(
    404,
    'There is no such approval request for you',
    `No request has this id, or you are not among those who may see it: its approvers, whoever asked, and auditors.${slackHint(identity)}`,
    'Look for it in the list of approvals, or ask whoever sent you the link.',
  );
}

/** What to add where somebody sees nothing of a call; says nothing of any call: only why nobody may be known here as a member of a group in Slack. */
export function slackHint({ slack, person }: Identity): string {
  if (!slack) return '';
  if (!person.keys.some((key) => key.startsWith('slack:')))
    return ' If you are an approver by a group in Slack, link your account first: /holdpoint link in Slack.';
  return slack.unknown.length > 0
    ? ' Slack did not say just now to which of its groups you belong: try again in a moment.'
    : '';
}
