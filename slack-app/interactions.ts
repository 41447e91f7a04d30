import type { App, BlockAction, BlockButtonAction, ViewSubmitAction } from '@slack/bolt';
import type { WebClient } from '@slack/web-api';
import type { CardFacts } from '../db/card-facts.ts';
import type { Queryable } from '../db/pool.ts';
import type { Masked } from '../masking/masked.ts';
import type { ClickedDecision } from '../db/slack-decisions.ts';
import { actionIds } from './buttons.ts';
import { clicked, isForeign, openFor, type Opened, type Origin, originOf, storedOrigin } from './clicks.ts';
import type { DecisionQueue } from './decision-queue.ts';
import type { Eligible, Refused } from './eligibility.ts';
import { denyModal, detailsModal, longestBounds, longestReason, modalIds, noticeModal } from './modals.ts';
import { cardRequest } from './request.ts';
import { stateOf } from './state.ts';
import type { Log } from './web-client.ts';
import { foreignWorkspace, type Workspace } from './workspace.ts';

/** What the handlers of clicks and modals need. */
export interface InteractionDeps {
  readonly db: Queryable;
  readonly client: WebClient;
  readonly consoleUrl: string;
  readonly workspace: () => Promise<Workspace>;
  readonly queue: DecisionQueue;
  /** Whether someone may decide on a call now. */
  readonly eligibility: (
    facts: CardFacts,
    who: { team: string; user: string },
  ) => Promise<Eligible | Refused>;
  /** Brings a person's App Home up to date. */
  readonly showHome: (user: string) => Promise<void>;
  /** Masks what people write before it is stored or goes anywhere. */
  readonly maskText: (text: string) => Masked<string>;
  readonly log: Log;
}

/** Registers what happens on Approve, Deny, Details and on a denial's modal. */
export function registerInteractions(app: App, deps: InteractionDeps): void {
  app.action<BlockButtonAction>(actionIds.approve, async ({ body, action, ack }) => {
    const origin = originOf(body, action);
    const click = clicked(origin, body, 'approve', {});
    if (await isForeign(deps, body)) {
      await deps.queue.refuse(click, 'ForeignWorkspace', foreignWorkspace);
      return ack();
    }
    await deps.queue.take(click);
    await ack();
    void deps.queue.work(click.updateId);
  });

  app.action<BlockButtonAction>(actionIds.deny, async ({ body, action, ack }) => {
    const origin = originOf(body, action);
    if (await isForeign(deps, body)) {
      await deps.queue.refuse(clicked(origin, body, 'deny', {}), 'ForeignWorkspace', foreignWorkspace);
      return ack();
    }
    const opened = await openFor(deps, body, origin, (facts) => {
      const { heading } = stateOf(cardRequest(facts));
      return heading === null
        ? denyModal(facts, JSON.stringify(origin), 1)
        : noticeModal('Already decided', `${heading}. There is nothing left to decide.`);
    });
    await ack();
    if (opened) void sayIfNotEligible(deps, opened, body);
  });

  // A link: Slack tells of the click, and there is nothing to do.
  app.action(actionIds.stepUp, async ({ ack }) => ack());
  app.action<BlockButtonAction>(actionIds.details, async ({ body, action, ack }) => {
    await openDetails(deps, body, originOf(body, action));
    await ack();
  });

  app.view<ViewSubmitAction>(modalIds.deny, async ({ body, view, ack }) => {
    const reason = view.state.values[actionIds.reason]?.[actionIds.reason]?.value?.trim() ?? '';
    const problem = whyNoReason(reason);
    if (problem !== null) return ack({ response_action: 'errors', errors: { [actionIds.reason]: problem } });
    const origin = storedOrigin(view.private_metadata);
    const bounds = view.state.values[actionIds.bounds]?.[actionIds.bounds]?.value?.trim() ?? '';
    const tooLong = whyNoBounds(bounds);
    if (tooLong !== null) return ack({ response_action: 'errors', errors: { [actionIds.bounds]: tooLong } });
    const click = clicked(origin, body, 'deny', {
      reason: deps.maskText(reason),
      bounds: bounds === '' ? null : deps.maskText(bounds),
    });
    if (await isForeign(deps, body)) {
      await deps.queue.refuse(click, 'ForeignWorkspace', foreignWorkspace);
      return ack();
    }
    await deps.queue.take(click);
    await ack();
    void deps.queue.work(click.updateId).then(() => afterDenial(deps, click));
  });
}

/** Shows everything that is known about a call. */
export async function openDetails(deps: InteractionDeps, body: BlockAction, origin: Origin): Promise<void> {
  await openFor(deps, body, origin, (facts) => detailsModal(cardRequest(facts), deps.consoleUrl));
}

/** A denial from the App Home: what was denied no longer waits there. */
async function afterDenial(deps: InteractionDeps, click: ClickedDecision): Promise<void> {
  if (click.channel !== null) return;
  try {
    await deps.showHome(click.slackUser);
  } catch (error) {
    deps.log.warn({ err: error }, 'an App Home could not be brought up to date');
  }
}

/**
 * Looking someone up takes longer than a trigger lives: it happens while they begin to write, so that nobody writes a
 * reason for nothing. What counts is the look-up when they submit.
 */
export async function sayIfNotEligible(
  deps: InteractionDeps,
  opened: Opened,
  body: BlockAction,
): Promise<void> {
  try {
    const { team } = await deps.workspace();
    const who = await deps.eligibility(opened.facts, { team, user: body.user.id });
    if (who.state === 'eligible' || who.code === 'MembershipUnknown') return;
    await deps.client.views.update({
      view_id: opened.viewId,
      view: noticeModal('Not yours to decide', who.text),
    });
  } catch (error) {
    deps.log.warn({ err: error, callId: opened.facts.callId }, 'a modal could not be brought up to date');
  }
}

/** What is wrong with the bounds of a denial; null when nothing is. Not cut: the half of a secret looks like none. */
export function whyNoBounds(bounds: string): string | null {
  return bounds.length > longestBounds ? `Please use at most ${longestBounds} characters.` : null;
}

/** What is wrong with a denial's reason; null when nothing is. */
export function whyNoReason(reason: string): string | null {
  if (reason === '') return 'Please say why: the agent gets this reason.';
  return reason.length > longestReason ? `Please use at most ${longestReason} characters.` : null;
}
