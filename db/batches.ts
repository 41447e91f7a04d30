import type { CardOffer } from './cards.ts';
import { inTransaction, type Pool, type Queryable } from './pool.ts';
import { type ClickedDecision, storeClick } from './slack-decisions.ts';

/** A click that decides every call of a set that a card offers. */
export interface BatchClick
  extends Omit<ClickedDecision, 'updateId' | 'callId' | 'digest' | 'batchId' | 'grantChoice'> {
  /** The same for each delivery of the same click. */
  readonly batchId: string;
  /** Names the set (db/cards.ts, `CardOffer`). */
  readonly setId: string;
  readonly channel: string;
  readonly messageTs: string;
  /** The id of one call's decision. */
  readonly updateIdOf: (callId: string) => string;
}

/** What became of storing such a click. */
export type TakenBatch =
  | { readonly kind: 'taken' }
  /** It was stored before. */
  | { readonly kind: 'again' }
  /** The card offers another set by now: nothing was stored. */
  | { readonly kind: 'changed' };

class Changed extends Error {}

/**
 * Stores a click on all as one decision for each call of the set, all of them or none: exactly those that the card
 * offered when it was shown so, never one that joined later.
 */
export async function takeBatch(pool: Pool, click: BatchClick): Promise<TakenBatch> {
  try {
    return await inTransaction(pool, async (client): Promise<TakenBatch> => {
      const { rowCount } = await client.query(
        'insert into slack_batches (batch_id) values ($1) on conflict do nothing',
        [click.batchId],
      );
      if (rowCount === 0) return { kind: 'again' };
      const offer = await offerAt(client, click);
      if (!offer || offer.decision !== click.decision) throw new Changed();
      const { batchId, setId: _, updateIdOf, ...said } = click;
      for (const { callId, digest } of offer.calls)
        await storeClick(client, { ...said, callId, digest, batchId, updateId: updateIdOf(callId) });
      return { kind: 'taken' };
    });
  } catch (error) {
    if (error instanceof Changed) return { kind: 'changed' };
    throw error;
  }
}

/** The set that a card offers now by this name; null when it offers another, or is no card of ours. */
export async function offerAt(
  db: Queryable,
  at: { readonly channel: string; readonly messageTs: string; readonly setId: string },
): Promise<CardOffer | null> {
  const { rows } = await db.query<{ offers: CardOffer[] }>(
    'select offers from slack_cards where channel = $1 and ts = $2 and gone_at is null',
    [at.channel, at.messageTs],
  );
  return rows[0]?.offers.find(({ id }) => id === at.setId) ?? null;
}

/** What became of one call of a set. */
export interface BatchPart {
  readonly callId: string;
  readonly state: 'counted' | 'refused';
  readonly code: string;
  readonly text: string;
}

/**
 * What became of all calls of a set, once the last of them is settled: given to one asker only, who tells the person.
 * @returns null while some are open, and to everybody but the first
 */
export async function settledBatch(db: Queryable, batchId: string): Promise<readonly BatchPart[] | null> {
  const { rowCount } = await db.query(
    `update slack_batches set told_at = now() where batch_id = $1 and told_at is null
       and not exists (select from slack_decisions where batch_id = $1 and state = 'received')`,
    [batchId],
  );
  if (rowCount !== 1) return null;
  const { rows } = await db.query<BatchPart>(
    `select call_id as "callId", state, outcome_code as code, outcome_text as text from slack_decisions
     where batch_id = $1 order by received_at, update_id`,
    [batchId],
  );
  return rows;
}
