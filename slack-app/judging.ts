import type { App, BlockAction, BlockButtonAction, ViewSubmitAction } from '@slack/bolt';
import { cardFacts } from '../db/card-facts.ts';
import { type Mark, markOutcome, takeTask, wantReadBack } from '../db/unknown-tasks.ts';
import type { Person } from '../workflows/contract.ts';
import { actionIds } from './buttons.ts';
import { isForeign, openFor, type Origin, originOf, storedOrigin } from './clicks.ts';
import type { GrantingDeps } from './granting.ts';
import { noticeModal } from './modals.ts';
import { longestMarkReason, markModal, markModalId } from './task-blocks.ts';
import { tell } from './telling.ts';

const marks: Readonly<Record<string, Mark>> = {
  [actionIds.happened]: 'happened',
  [actionIds.didNotHappen]: 'did-not-happen',
};

/** Registers what people do about a call that was sent and never answered. */
export function registerJudging(app: App, deps: GrantingDeps): void {
  for (const [actionId, mark] of Object.entries(marks))
    app.action<BlockButtonAction>(actionId, async ({ body, action, ack }) => {
      const origin = originOf(body, action);
      await openFor(deps, body, origin, (facts) =>
        facts.task && facts.task.mark === null
          ? markModal(facts, mark, JSON.stringify({ ...origin, mark }))
          : noticeModal('Nothing to mark', 'What became of this call is known already.'),
      );
      await ack();
    });

  app.view<ViewSubmitAction>(markModalId, async ({ body, view, ack }) => {
    const reason = view.state.values[actionIds.markReason]?.[actionIds.markReason]?.value?.trim() ?? '';
    if (reason === '' || reason.length > longestMarkReason)
      return ack({
        response_action: 'errors',
        errors: { [actionIds.markReason]: 'Please say how you know, in at most 1000 characters.' },
      });
    const origin = storedOrigin(view.private_metadata);
    const { mark } = JSON.parse(view.private_metadata) as { mark: Mark };
    const foreign = await isForeign(deps, body);
    const done = foreign
      ? notYours
      : await act(deps, origin.callId, body.user.id, (by) =>
          markOutcome(deps.pool, origin.callId, {
            ...by,
            mark: mark === 'happened' ? mark : 'did-not-happen',
            reason: deps.maskText(reason),
          }),
        );
    // Only what is written down is acknowledged: else the modal stays, with the words in it.
    await ack();
    await say(deps, origin, body.user.id, done ?? 'Written down. The agent is told when it asks.');
  });

  const simple = (
    actionId: string,
    work: (callId: string, by: { person: Person; via: string }) => Promise<boolean>,
    said: string,
  ): void =>
    app.action<BlockButtonAction>(actionId, async ({ body, action, ack }) => {
      const origin = originOf(body, action);
      const foreign = await isForeign(deps, body);
      await ack();
      void doAndSay(deps, origin, body, foreign, work, said);
    });
  simple(
    actionIds.take,
    (callId, by) => takeTask(deps.pool, callId, by),
    'The card says that you look into it.',
  );
  simple(
    actionIds.readBack,
    (callId, by) => wantReadBack(deps.pool, callId, by),
    'The server is asked again; the card shows its answer in a moment.',
  );
}

const notYours = 'Only those who may decide on this call can say what became of it.';

async function doAndSay(
  deps: GrantingDeps,
  origin: Origin,
  body: BlockAction,
  foreign: boolean,
  work: (callId: string, by: { person: Person; via: string }) => Promise<boolean>,
  said: string,
): Promise<void> {
  try {
    const wrong = foreign
      ? notYours
      : await act(deps, origin.callId, body.user.id, (by) => work(origin.callId, by));
    await say(deps, origin, body.user.id, wrong ?? said);
  } catch (error) {
    deps.log.warn({ err: error, callId: origin.callId }, 'a task could not be changed from Slack');
    await say(deps, origin, body.user.id, 'That did not work: a service is not answering. Please tap again.');
  }
}

/** @returns null when it was done, else what the person is told */
async function act(
  deps: GrantingDeps,
  callId: string,
  user: string,
  work: (by: { person: Person; via: string }) => Promise<boolean>,
): Promise<string | null> {
  const facts = await cardFacts(deps.db, callId);
  if (!facts?.task) return 'There is nothing to find out about this call.';
  const { team } = await deps.workspace();
  const standing = await deps.eligibility(facts, { team, user });
  if (standing.state === 'refused') return standing.code === 'MembershipUnknown' ? standing.text : notYours;
  const done = await work({ person: standing.person, via: 'slack' });
  return done ? null : 'That has been seen to already.';
}

async function say(
  deps: GrantingDeps,
  { callId, channel }: Origin,
  user: string,
  text: string,
): Promise<void> {
  await tell(deps, { callId, channel, slackUser: user }, text);
  // Done in the App Home, which lists it.
  if (channel === null) await deps.showHome(user);
}
