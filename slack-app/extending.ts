import type { App, BlockAction, BlockButtonAction, BlockOverflowAction } from '@slack/bolt';
import { cardFacts } from '../db/card-facts.ts';
import { wishRefresh } from '../db/grants.ts';
import type { Approvals, DecideAnswer } from '../workflows/client.ts';
import { actionIds, type MoreAct } from './buttons.ts';
import { isForeign, type Origin, originOf } from './clicks.ts';
import { openTerms } from './granting.ts';
import type { BatchingDeps } from './batching.ts';
import { openDetails } from './interactions.ts';
import { cardRequest } from './request.ts';
import { stateOf } from './state.ts';
import { tell } from './telling.ts';
import { foreignWorkspace } from './workspace.ts';

/** What giving more time from Slack needs. */
export interface ExtendingDeps extends BatchingDeps {
  readonly approvals: Pick<Approvals, 'extend'>;
}

/** Registers the button that gives everybody more time, and the menu of a call among several. */
export function registerExtending(app: App, deps: ExtendingDeps): void {
  const extend = async (body: BlockAction, origin: Origin, ack: () => Promise<void>): Promise<void> => {
    const foreign = await isForeign(deps, body);
    await ack();
    void extendAndSay(deps, body, origin, foreign);
  };
  app.action<BlockButtonAction>(actionIds.extend, async ({ body, action, ack }) =>
    extend(body, originOf(body, action), ack),
  );
  app.action<BlockOverflowAction>(actionIds.more, async ({ body, action, ack }) => {
    const [act, value] = action.selected_option.value.split(':');
    const origin = originOf(body, { value: value ?? '', action_ts: action.action_ts });
    const acts: Record<MoreAct, () => Promise<void>> = {
      details: () => openDetails(deps, body, origin).then(() => ack()),
      grant: () => openTerms(deps, body, origin).then(() => ack()),
      extend: () => extend(body, origin, ack),
    };
    if (!Object.hasOwn(acts, act ?? ''))
      throw new Error('a menu of Holdpoint came back from Slack with something else chosen');
    await acts[act as MoreAct]();
  });
}

async function extendAndSay(
  deps: ExtendingDeps,
  body: BlockAction,
  origin: Origin,
  foreign: boolean,
): Promise<void> {
  const { callId, channel } = origin;
  const to = { callId, channel, slackUser: body.user.id };
  try {
    const told = foreign ? foreignWorkspace : await extendAs(deps, body.user.id, origin);
    await tell(deps, to, told);
  } catch (error) {
    deps.log.warn({ err: error, callId }, 'a request could not be extended from Slack');
    await tell(
      deps,
      to,
      'That could not be finished: a service is not answering. If the card shows no more time in a minute, please tap again.',
    );
  }
}

/** @returns what the person is told */
async function extendAs(deps: ExtendingDeps, user: string, { callId, actionTs }: Origin): Promise<string> {
  const facts = await cardFacts(deps.pool, callId);
  if (!facts) return 'This request is not known any more.';
  const { heading } = stateOf(cardRequest(facts));
  if (heading !== null) return `${heading}: there is nothing left to decide.`;
  const { team } = await deps.workspace();
  const who = await deps.eligibility(facts, { team, user });
  if (who.state === 'refused') return who.text;
  const { person, groups } = who;
  const { workflowId, digest } = facts;
  const updateId = `slack-extend:${callId}:${user}:${actionTs}`;
  const answer = await deps.approvals.extend({
    workflowId,
    callId,
    digest,
    updateId,
    person,
    groups,
    via: 'slack',
  });
  // The worker wishes it too; whoever asked sees it whatever becomes of that.
  if (answer.kind === 'counted') await wishRefresh(deps.pool, callId);
  return answerWords(answer);
}

function answerWords(answer: DecideAnswer): string {
  if (answer.kind === 'refused') return `No more time was given: ${answer.message}.`;
  if (answer.kind === 'ended') return 'No more time was given: the request has ended.';
  return `Everybody has more time: it expires at ${new Date(answer.status.expiresAtMs).toISOString().slice(0, 16).replace('T', ' ')} UTC.`;
}
