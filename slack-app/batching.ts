import type { App, BlockAction, BlockButtonAction, ViewSubmitAction } from '@slack/bolt';
import { type BatchClick, offerAt, takeBatch } from '../db/batches.ts';
import { wishRefresh } from '../db/grants.ts';
import type { Pool } from '../db/pool.ts';
import { actionIds } from './buttons.ts';
import { clicked, isForeign, openFor, type Origin, originOf } from './clicks.ts';
import { type InteractionDeps, sayIfNotEligible, whyNoBounds, whyNoReason } from './interactions.ts';
import { denyModal, modalIds, noticeModal } from './modals.ts';
import { foreignWorkspace } from './workspace.ts';

/** What deciding on all calls of a card needs. */
export interface BatchingDeps extends InteractionDeps {
  readonly pool: Pool;
}

/** Where a click on a button for all came from, and which set it decides. */
interface SetOrigin extends Origin {
  readonly setId: string;
}

const changed =
  'This card has changed since you saw it: other calls wait on it now. Nothing was decided. Please look again, then decide.';

/** Registers what happens on the buttons that decide all calls which wait on a card. */
export function registerBatches(app: App, deps: BatchingDeps): void {
  app.action<BlockButtonAction>(actionIds.approveAll, async ({ body, action, ack }) => {
    const origin = setOriginOf(body, action);
    if (await isForeign(deps, body)) {
      await deps.queue.refuse(clicked(origin, body, 'approve', {}), 'ForeignWorkspace', foreignWorkspace);
      return ack();
    }
    const click = batchClick(origin, body, 'approve', { reason: null, bounds: null });
    const taken = click ? await takeBatch(deps.pool, click) : { kind: 'changed' as const };
    if (taken.kind === 'changed') {
      await deps.queue.refuse(clicked(origin, body, 'approve', {}), 'StaleCard', changed);
      await ack();
      return void renew(deps, origin);
    }
    await ack();
    if (click) void deps.queue.workOnAll(click.batchId);
  });

  app.action<BlockButtonAction>(actionIds.denyAll, async ({ body, action, ack }) => {
    const origin = setOriginOf(body, action);
    if (await isForeign(deps, body)) {
      await deps.queue.refuse(clicked(origin, body, 'deny', {}), 'ForeignWorkspace', foreignWorkspace);
      return ack();
    }
    const offer = await offered(deps, origin);
    const opened = await openFor(deps, body, origin, (facts) =>
      offer === null
        ? noticeModal('Look again', changed)
        : denyModal(facts, JSON.stringify(origin), offer.calls.length),
    );
    await ack();
    if (offer === null) void renew(deps, origin);
    else if (opened) void sayIfNotEligible(deps, opened, body);
  });

  app.view<ViewSubmitAction>(modalIds.denyAll, async ({ body, view, ack }) => {
    const valueOf = (id: string): string => view.state.values[id]?.[id]?.value?.trim() ?? '';
    const reason = valueOf(actionIds.reason);
    const problem = whyNoReason(reason);
    const refuse = (text: string, field: string = actionIds.reason) =>
      ack({ response_action: 'errors', errors: { [field]: text } });
    if (problem !== null) return refuse(problem);
    const bounds = valueOf(actionIds.bounds);
    const tooLong = whyNoBounds(bounds);
    if (tooLong !== null) return refuse(tooLong, actionIds.bounds);
    const origin = storedSetOrigin(view.private_metadata);
    if (await isForeign(deps, body)) {
      await deps.queue.refuse(clicked(origin, body, 'deny', {}), 'ForeignWorkspace', foreignWorkspace);
      return ack();
    }
    const click = batchClick(origin, body, 'deny', {
      reason: deps.maskText(reason),
      bounds: bounds === '' ? null : deps.maskText(bounds),
    });
    const taken = click ? await takeBatch(deps.pool, click) : { kind: 'changed' as const };
    if (taken.kind === 'changed') return refuse(changed);
    await ack();
    if (click) void deps.queue.workOnAll(click.batchId);
  });
}

/** The card as it is now, for whoever looks at an old one: soon, whatever is in its way. */
async function renew(deps: BatchingDeps, { callId }: Origin): Promise<void> {
  try {
    await wishRefresh(deps.pool, callId);
  } catch (error) {
    deps.log.warn({ err: error, callId }, 'a card that had changed could not be renewed');
  }
}

async function offered(deps: BatchingDeps, { channel, messageTs, setId }: SetOrigin) {
  return channel === null || messageTs === null ? null : offerAt(deps.pool, { channel, messageTs, setId });
}

function batchClick(
  origin: SetOrigin,
  body: Parameters<typeof clicked>[1],
  decision: 'approve' | 'deny',
  said: { readonly reason: string | null; readonly bounds: string | null },
): BatchClick | null {
  const { channel, messageTs, setId, actionTs } = origin;
  if (channel === null || messageTs === null) return null;
  const { team, slackUser } = clicked(origin, body, decision, {});
  return {
    batchId: `slack-all:${channel}:${slackUser}:${actionTs}`,
    setId,
    team,
    slackUser,
    decision,
    ...said,
    channel,
    messageTs,
    updateIdOf: (callId) => clicked({ ...origin, callId }, body, decision, {}).updateId,
  };
}

/** The value of a button for all: the first call of its card, and the name of the set. */
function setOriginOf(body: BlockAction, action: { value?: string; action_ts: string }): SetOrigin {
  const [callId = '', setId = ''] = (action.value ?? '').split(':');
  return { ...originOf(body, { ...action, value: callId }), setId: checkedSetId(setId) };
}

function storedSetOrigin(privateMetadata: string): SetOrigin {
  const { callId, actionTs, channel, messageTs, setId } = JSON.parse(privateMetadata) as SetOrigin;
  return { callId, actionTs, channel, messageTs, setId: checkedSetId(setId) };
}

function checkedSetId(value: unknown): string {
  if (typeof value !== 'string' || !/^[0-9a-f]{32}$/.test(value))
    throw new Error('a Holdpoint button for all came back from Slack without a set');
  return value;
}
