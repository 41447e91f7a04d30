import { type CardFacts, cardFacts } from '../db/card-facts.ts';
import { type CardCopy, cardCopies } from '../db/cards.ts';
import type { Pool } from '../db/pool.ts';
import { slackReach } from '../db/slack-reach.ts';
import type { ApproverGroup } from '../policy/verdict.ts';

/** What failing over works with. */
export interface FailOverDeps {
  readonly pool: Pool;
  /** See `CardsDeps`. */
  readonly userOf: (named: string) => Promise<string | null>;
  /** Writes down where a call is to be shown. */
  readonly planAt: (facts: CardFacts, targets: readonly string[]) => Promise<void>;
  /** Posts what is planned; throws when not all of it could be. */
  readonly bringUpToDate: (callId: string) => Promise<void>;
}

/**
 * Asks elsewhere: for each group whose channel Slack refuses, its fallback channel, or else the people it names, one
 * by one. Slack that does not answer at all is no reason to write to others; nobody would get it either.
 * @returns false when Slack is away, or refuses every place, so that nobody was asked
 */
export async function failOver(deps: FailOverDeps, callId: string): Promise<boolean> {
  const facts = await cardFacts(deps.pool, callId);
  if (!facts) return true;
  const { awaySince } = await slackReach(deps.pool);
  if (awaySince === null) {
    await planElsewhere(deps, facts);
    try {
      await deps.bringUpToDate(callId);
    } catch {
      // What of it stands is looked at below; the announcing goes on in any case.
    }
  }
  const cards = (await cardCopies(deps.pool, callId)).filter(({ role }) => role === 'approver');
  if (cards.some(({ ts }) => ts !== null)) return true;
  return awaySince === null && !cards.every(({ lastError }) => lastError !== null);
}

async function planElsewhere({ pool, userOf, planAt }: FailOverDeps, facts: CardFacts): Promise<void> {
  const copies = await cardCopies(pool, facts.callId);
  for (const group of facts.approvers.filter((one) => isRefused(one, copies))) {
    const { fallbackChannel = null, people } = group;
    const targets = fallbackChannel === null ? await usersOf(people, userOf) : [fallbackChannel];
    await planAt(facts, targets);
  }
}

function isRefused({ slackChannel }: ApproverGroup, copies: readonly CardCopy[]): boolean {
  return copies.some(
    ({ target, ts, lastError }) => target === slackChannel && ts === null && lastError !== null,
  );
}

async function usersOf(
  people: readonly string[],
  userOf: FailOverDeps['userOf'],
): Promise<readonly string[]> {
  const users: string[] = [];
  for (const person of people.slice(0, 20)) {
    const user = await userOf(person);
    if (user !== null) users.push(user);
  }
  return users;
}
