import type { BlockAction } from '@slack/bolt';
import type { ModalView } from '@slack/types';
import type { WebClient } from '@slack/web-api';
import { type CardFacts, cardFacts } from '../db/card-facts.ts';
import type { Queryable } from '../db/pool.ts';
import type { ClickedDecision } from '../db/slack-decisions.ts';
import { noticeModal } from './modals.ts';
import type { Workspace } from './workspace.ts';

/** Where a click came from, as far as it is needed later. */
export interface Origin {
  readonly callId: string;
  readonly actionTs: string;
  readonly channel: string | null;
  readonly messageTs: string | null;
}

/** A modal that was opened for a call. */
export interface Opened {
  readonly facts: CardFacts;
  readonly viewId: string;
}

/** What looking at a click needs. */
export interface ClickDeps {
  readonly db: Queryable;
  readonly client: WebClient;
  readonly workspace: () => Promise<Workspace>;
}

/** The trigger of a click lives for three seconds: the modal is opened at once, with what one query can tell. */
export async function openFor(
  deps: ClickDeps,
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

/**
 * Whether a click comes from outside the app's own workspace: in a channel shared over Slack Connect, or on an
 * Enterprise Grid, others see the same card.
 */
export async function isForeign(
  deps: Pick<ClickDeps, 'workspace'>,
  body: {
    team: { id: string } | null;
    user: { team_id?: string };
    is_enterprise_install?: boolean;
  },
): Promise<boolean> {
  const { team } = await deps.workspace();
  return body.team?.id !== team || (body.user.team_id ?? body.team.id) !== team;
}

/** Where a click on a card's or a view's button came from. */
export function originOf(body: BlockAction, action: { value?: string; action_ts: string }): Origin {
  return {
    callId: checkedCallId(action.value),
    actionTs: action.action_ts,
    channel: body.channel?.id ?? null,
    messageTs: body.message?.ts ?? null,
  };
}

/** A click as it is stored before anything becomes of it. */
export function clicked(
  origin: Origin,
  body: { team: { id: string } | null; user: { id: string; team_id?: string } },
  decision: 'approve' | 'deny',
  said: Pick<ClickedDecision, 'grantChoice' | 'bounds'> & { readonly reason?: string | null },
): ClickedDecision {
  const { callId, actionTs, channel, messageTs } = origin;
  return {
    updateId: `slack:${callId}:${body.user.id}:${actionTs}`,
    callId,
    team: body.user.team_id ?? body.team?.id ?? '',
    slackUser: body.user.id,
    decision,
    reason: said.reason ?? null,
    grantChoice: said.grantChoice ?? null,
    bounds: said.bounds ?? null,
    channel,
    messageTs,
  };
}

/** The origin that a modal carried. */
export function storedOrigin(privateMetadata: string): Origin {
  const { callId, actionTs, channel, messageTs } = JSON.parse(privateMetadata) as Origin;
  return { callId: checkedCallId(callId), actionTs, channel, messageTs };
}

/** Our buttons carry nothing but a call id; anything else is not one of ours. */
function checkedCallId(value: unknown): string {
  if (typeof value !== 'string' || !/^[A-Za-z0-9_-]{1,100}$/.test(value))
    throw new Error('a Holdpoint button came back from Slack without a call id');
  return value;
}
