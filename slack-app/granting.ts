import type { App, BlockAction, BlockButtonAction, ViewSubmitAction } from '@slack/bolt';
import type { ModalView } from '@slack/types';
import { type CardFacts, cardFacts } from '../db/card-facts.ts';
import { revokeGrant, shownGrant } from '../db/grants.ts';
import type { Pool } from '../db/pool.ts';
import { actionIds } from './buttons.ts';
import { callChoices, type GrantChoice, timeChoices } from './choices.ts';
import type { Eligible, Refused } from './eligibility.ts';
import { grantModal, grantModalId } from './grant-blocks.ts';
import { clicked, isForeign, openFor, type Origin, originOf, storedOrigin } from './clicks.ts';
import type { InteractionDeps } from './interactions.ts';
import { noticeModal } from './modals.ts';
import { cardRequest } from './request.ts';
import { stateOf } from './state.ts';
import { tell } from './telling.ts';
import { foreignWorkspace } from './workspace.ts';

/** What giving and revoking grants from Slack needs. */
export interface GrantingDeps extends InteractionDeps {
  readonly pool: Pool;
}

/** Registers what happens when an approver releases further calls, or ends a grant. */
export function registerGranting(app: App, deps: GrantingDeps): void {
  app.action<BlockButtonAction>(actionIds.grant, async ({ body, action, ack }) => {
    await openTerms(deps, body, originOf(body, action));
    await ack();
  });

  app.view<ViewSubmitAction>(grantModalId, async ({ body, view, ack }) => {
    const origin = storedOrigin(view.private_metadata);
    const chosen = (id: string): number =>
      Number(view.state.values[id]?.[id]?.selected_option?.value ?? Number.NaN);
    const grantChoice = { calls: chosen(actionIds.grantCalls), forMs: chosen(actionIds.grantFor) };
    const click = clicked(origin, body, 'approve', { grantChoice });
    if (await isForeign(deps, body)) {
      await deps.queue.refuse(click, 'ForeignWorkspace', foreignWorkspace);
      return ack();
    }
    const facts = await cardFacts(deps.db, origin.callId);
    const wrong = whyNot(facts, grantChoice);
    if (wrong !== null) return ack({ response_action: 'errors', errors: { [actionIds.grantCalls]: wrong } });
    await deps.queue.take(click);
    await ack();
    void deps.queue.work(click.updateId);
  });

  app.action<BlockButtonAction>(actionIds.revoke, async ({ body, action, ack }) => {
    const foreign = await isForeign(deps, body);
    await ack();
    void revoke(deps, body, foreign ? null : (action.value ?? ''));
  });
}

/** Asks how much further an approval is to go. */
export async function openTerms(deps: InteractionDeps, body: BlockAction, origin: Origin): Promise<void> {
  if (await isForeign(deps, body))
    await deps.queue.refuse(clicked(origin, body, 'approve', {}), 'ForeignWorkspace', foreignWorkspace);
  else await openFor(deps, body, origin, (facts) => termsFor(facts, JSON.stringify(origin)));
}

/** The choices are ours; what comes back is compared with them all the same. */
function whyNot(facts: CardFacts | null, { calls, forMs }: GrantChoice): string | null {
  const offer = facts?.grantOffer;
  if (!offer) return 'Policy offers no grant for this call.';
  return callChoices(offer).includes(calls) && timeChoices(offer).includes(forMs)
    ? null
    : 'That is more than policy offers.';
}

function termsFor(facts: CardFacts, privateMetadata: string): ModalView {
  const { heading } = stateOf(cardRequest(facts));
  if (heading !== null) return noticeModal('Already decided', `${heading}. There is nothing left to decide.`);
  return facts.grantOffer
    ? grantModal(facts, facts.grantOffer, privateMetadata)
    : noticeModal('No grant', 'Policy offers no grant for this call.');
}

/** Ends a grant at once, for whoever may decide on the call it was given with. */
async function revoke(deps: GrantingDeps, body: BlockAction, grantId: string | null): Promise<void> {
  const to = {
    channel: body.channel?.id ?? null,
    slackUser: body.user.id,
    callId: grantId ?? '',
  };
  try {
    if (grantId === null) return await tell(deps, to, foreignWorkspace);
    const { team } = await deps.workspace();
    const text = await revokeAs(deps, { team, user: body.user.id }, grantId);
    await tell(deps, to, text);
    if (to.channel === null) await deps.showHome(body.user.id);
  } catch (error) {
    deps.log.warn({ err: error, grantId }, 'a grant could not be revoked from Slack');
    await tell(deps, to, 'The grant could not be revoked: a service is not answering. Please tap again.');
  }
}

/** @returns what the person is told */
export async function revokeAs(
  deps: {
    readonly pool: Pool;
    readonly eligibility: (
      facts: CardFacts,
      who: { team: string; user: string },
    ) => Promise<Eligible | Refused>;
  },
  who: { team: string; user: string },
  id: string,
): Promise<string> {
  const grant = await shownGrant(deps.pool, id);
  const facts = grant && (await cardFacts(deps.pool, grant.callId));
  if (!grant || !facts) return 'There is no such grant, or it is not yours to revoke.';
  const standing = await deps.eligibility(facts, who);
  if (standing.state === 'refused')
    return standing.code === 'MembershipUnknown'
      ? standing.text
      : 'There is no such grant, or it is not yours to revoke.';
  const revoked = await revokeGrant(deps.pool, grant.grantId, { person: standing.person, via: 'slack' });
  if (revoked) return 'Revoked. Further calls are asked about again.';
  return grant.revokedAt === null
    ? 'There is nothing left to revoke: the grant is over.'
    : `${grant.revokedBy?.name ?? 'Somebody'} has revoked it already.`;
}
