import type { App, BlockAction, BlockButtonAction, ViewSubmitAction } from '@slack/bolt';
import type { ModalView } from '@slack/types';
import type { WebClient } from '@slack/web-api';
import { type CardFacts, cardFacts } from '../db/cards.ts';
import type { Queryable } from '../db/pool.ts';
import type { Masked } from '../masking/masked.ts';
import type { ClickedDecision } from '../db/slack-decisions.ts';
import { actionIds } from './buttons.ts';
import type { DecisionQueue } from './decision-queue.ts';
import type { Eligible, Refused } from './eligibility.ts';
import { denyModal, detailsModal, longestReason, modalIds, noticeModal } from './modals.ts';
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

/** Where a click came from, as far as it is needed later. */
interface Origin {
  readonly callId: string;
  readonly actionTs: string;
  readonly channel: string | null;
  readonly messageTs: string | null;
}

/** Registers what happens on Approve, Deny, Details and on a denial's modal. */
export function registerInteractions(app: App, deps: InteractionDeps): void {
  app.action<BlockButtonAction>(actionIds.approve, async ({ body, action, ack }) => {
    const origin = originOf(body, action);
    const click = clicked(origin, body, 'approve', null);
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
      await deps.queue.refuse(clicked(origin, body, 'deny', null), 'ForeignWorkspace', foreignWorkspace);
      return ack();
    }
    const opened = await openFor(deps, body, origin, (facts) => {
      const { heading } = stateOf(cardRequest(facts));
      return heading === null
        ? denyModal(facts, JSON.stringify(origin))
        : noticeModal('Already decided', `${heading}. There is nothing left to decide.`);
    });
    await ack();
    if (opened) void sayIfNotEligible(deps, opened, body);
  });

  app.action<BlockButtonAction>(actionIds.details, async ({ body, action, ack }) => {
    const origin = originOf(body, action);
    await openFor(deps, body, origin, (facts) => detailsModal(cardRequest(facts), deps.consoleUrl));
    await ack();
  });

  app.view<ViewSubmitAction>(modalIds.deny, async ({ body, view, ack }) => {
    const reason = view.state.values[actionIds.reason]?.[actionIds.reason]?.value?.trim() ?? '';
    const problem = whyNoReason(reason);
    if (problem !== null) return ack({ response_action: 'errors', errors: { [actionIds.reason]: problem } });
    const origin = storedOrigin(view.private_metadata);
    const click = clicked(origin, body, 'deny', deps.maskText(reason));
    if (await isForeign(deps, body)) {
      await deps.queue.refuse(click, 'ForeignWorkspace', foreignWorkspace);
      return ack();
    }
    await deps.queue.take(click);
    await ack();
    void deps.queue.work(click.updateId).then(() => afterDenial(deps, click));
  });
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

/** The trigger of a click lives for three seconds: the modal is opened at once, with what one query can tell. */
async function openFor(
  deps: InteractionDeps,
  body: BlockAction,
  origin: Origin,
  view: (facts: CardFacts) => ModalView,
): Promise<Opened | null> {
  const facts = (await isForeign(deps, body)) ? null : await cardFacts(deps.db, origin.callId);
  const opened = await deps.client.views.open({
    trigger_id: body.trigger_id,
    view: facts ? view(facts) : noticeModal('Not found', 'This request is not known any more.'),
  });
  return facts && opened.view?.id !== undefined ? { facts, viewId: opened.view.id } : null;
}

/** A modal that was opened for a call. */
interface Opened {
  readonly facts: CardFacts;
  readonly viewId: string;
}

/**
 * Looking someone up takes longer than a trigger lives: it happens while they begin to write, so that nobody writes a
 * reason for nothing. What counts is the look-up when they submit.
 */
async function sayIfNotEligible(deps: InteractionDeps, opened: Opened, body: BlockAction): Promise<void> {
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

/**
 * Whether a click comes from outside the app's own workspace: in a channel shared over Slack Connect, or on an
 * Enterprise Grid, others see the same card.
 */
async function isForeign(
  deps: InteractionDeps,
  body: {
    team: { id: string } | null;
    user: { team_id?: string };
    is_enterprise_install?: boolean;
  },
): Promise<boolean> {
  const { team } = await deps.workspace();
  return body.team?.id !== team || (body.user.team_id ?? body.team.id) !== team;
}

function originOf(body: BlockAction, action: { value?: string; action_ts: string }): Origin {
  return {
    callId: checkedCallId(action.value),
    actionTs: action.action_ts,
    channel: body.channel?.id ?? null,
    messageTs: body.message?.ts ?? null,
  };
}

function clicked(
  origin: Origin,
  body: { team: { id: string } | null; user: { id: string; team_id?: string } },
  decision: 'approve' | 'deny',
  reason: string | null,
): ClickedDecision {
  const { callId, actionTs, channel, messageTs } = origin;
  return {
    updateId: `slack:${callId}:${body.user.id}:${actionTs}`,
    callId,
    team: body.user.team_id ?? body.team?.id ?? '',
    slackUser: body.user.id,
    decision,
    reason,
    channel,
    messageTs,
  };
}

function storedOrigin(privateMetadata: string): Origin {
  const { callId, actionTs, channel, messageTs } = JSON.parse(privateMetadata) as Origin;
  return { callId: checkedCallId(callId), actionTs, channel, messageTs };
}

/** Our buttons carry nothing but a call id; anything else is not one of ours. */
function checkedCallId(value: unknown): string {
  if (typeof value !== 'string' || !/^[A-Za-z0-9_-]{1,100}$/.test(value))
    throw new Error('a Holdpoint button came back from Slack without a call id');
  return value;
}

function whyNoReason(reason: string): string | null {
  if (reason === '') return 'Please say why: the agent gets this reason.';
  return reason.length > longestReason ? `Please use at most ${longestReason} characters.` : null;
}
