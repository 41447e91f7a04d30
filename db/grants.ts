import type { ApproverGroup } from '../policy/verdict.ts';
import type { GrantTerms, Person } from '../workflows/contract.ts';
import type { ShownOffer } from './held-opening.ts';
import type { SealedValue } from './held-execution.ts';
import { inTransaction, type Pool, type Queryable } from './pool.ts';

/**
 * The terms of a grant as an approver chose them, never wider than the offer.
 * @param by.sessionId of the call that is approved
 */
export function termsWithin(
  offer: ShownOffer,
  chosen: { readonly calls: number; readonly forMs: number },
  by: { readonly sessionId: string; readonly nowMs: number },
): GrantTerms {
  return {
    calls: Math.max(1, Math.min(Math.trunc(chosen.calls), offer.calls)),
    untilMs: by.nowMs + Math.max(1, Math.min(Math.trunc(chosen.forMs), offer.forMs)),
    sessionId: offer.scope === 'session' ? by.sessionId : null,
    where: offer.where,
  };
}

/** A grant as people see it. */
export interface ShownGrant {
  readonly grantId: string;
  /** The call that was approved with it. */
  readonly callId: string;
  readonly connection: string;
  readonly tool: string;
  readonly rule: string;
  readonly subject: string;
  readonly terms: GrantTerms;
  readonly calls: number;
  readonly used: number;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly revokedAt: Date | null;
  readonly revokedBy: { readonly name: string; readonly via: string } | null;
  /** Who gave it, as stored: for people to read. */
  readonly givenBy: readonly string[];
  /** Who may decide on the call it was given with, and so revoke it. */
  readonly approvers: readonly ApproverGroup[];
  /** Whether it covers further calls now. */
  readonly open: boolean;
}

const shown = `g.grant_id as "grantId", g.call_id as "callId", g.connection, g.tool, g.rule,
  h.caller ->> 'subject' as subject, g.terms, g.calls, g.used, g.created_at as "createdAt",
  g.expires_at as "expiresAt", g.revoked_at as "revokedAt",
  jsonb_build_object('name', g.revoked_by #>> '{person,name}', 'via', g.revoked_by ->> 'via') as "revokedBy",
  array(select v #>> '{person,name}' from jsonb_array_elements(g.votes) v) as "givenBy", h.approvers,
  (g.revoked_at is null and g.used < g.calls and g.expires_at > now()) as open`;
const from = 'from approval_grants g join held_calls h using (call_id)';

/** Grants, those that still cover something first, then latest first. */
export async function shownGrants(
  db: Queryable,
  { open, limit }: { open: boolean; limit: number },
): Promise<ShownGrant[]> {
  const { rows } = await db.query<ShownGrant>(
    `select * from (select ${shown} ${from}) all_grants where open or not $1
     order by open desc, "createdAt" desc limit $2`,
    [open, limit],
  );
  return rows;
}

/** One grant by its id or by the call it was given with; null when there is none. */
export async function shownGrant(db: Queryable, id: string): Promise<ShownGrant | null> {
  const { rows } = await db.query<ShownGrant>(
    `select ${shown} ${from} where g.grant_id = $1 or g.call_id = $1`,
    [id],
  );
  return rows[0] ?? null;
}

/** The grant under which a call ran, and as which of its uses; null when people decided on the call itself. */
export async function grantOfCall(
  db: Queryable,
  callId: string,
): Promise<{ readonly grantId: string; readonly callId: string; readonly number: number } | null> {
  const { rows } = await db.query<{ grantId: string; callId: string; number: number }>(
    `select u.grant_id as "grantId", g.call_id as "callId", u.number
     from approval_grant_uses u join approval_grants g using (grant_id) where u.call_id = $1`,
    [callId],
  );
  return rows[0] ?? null;
}

/**
 * Ends a grant at once and for good. The act is stored in the same transaction, to be recorded.
 * @returns false when there is nothing left to revoke
 */
export async function revokeGrant(
  pool: Pool,
  grantId: string,
  by: { readonly person: Person; readonly via: string },
): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ call_id: string; used: number; calls: number }>(
      `update approval_grants set revoked_at = now(), revoked_by = $2
       where grant_id = $1 and revoked_at is null and used < calls and expires_at > now()
       returning call_id, used, calls`,
      [grantId, JSON.stringify(by)],
    );
    const [row] = rows;
    if (!row) return false;
    const facts = { grantId, used: row.used, calls: row.calls, ...by };
    await storeAct(client, { callId: row.call_id, act: 'grant-revoked', facts });
    await wishRefresh(client, row.call_id);
    return true;
  });
}

/** Stores what somebody did, to be recorded soon. Facts must be masked. */
export async function storeAct(
  db: Queryable,
  { callId, act, facts }: { callId: string; act: string; facts: object },
): Promise<void> {
  await db.query('insert into approval_acts (call_id, act, facts) values ($1, $2, $3)', [
    callId,
    act,
    JSON.stringify(facts),
  ]);
}

/** Wishes that a call's cards are brought up to date. */
export async function wishRefresh(db: Queryable, callId: string): Promise<void> {
  await db.query(
    `insert into slack_refreshes (call_id) values ($1)
     on conflict (call_id) do update set wish = slack_refreshes.wish + 1, due_at = least(slack_refreshes.due_at, now())`,
    [callId],
  );
}

/** A grant about to be given: what the votes agree on, and the sealed arguments. */
export interface NewGrant {
  readonly grantId: string;
  readonly callId: string;
  readonly callerKey: string;
  readonly connection: string;
  readonly tool: string;
  readonly rule: string;
  readonly policyVersion: string;
  readonly definitionHash: string;
  readonly bound: unknown;
  readonly votes: unknown;
  readonly terms: GrantTerms;
  readonly args: SealedValue;
}

/** Stores a grant; one that is there already stays as it is. */
export async function insertGrant(db: Queryable, grant: NewGrant): Promise<void> {
  await db.query(
    `insert into approval_grants (grant_id, call_id, caller_key, connection, tool, rule, policy_version,
       definition_hash, session_id, bound, votes, terms, calls, expires_at, kek_id, wrapped_key, sealed_args)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, to_timestamp($14::double precision / 1000), $15, $16, $17)
     on conflict do nothing`,
    [
      grant.grantId,
      grant.callId,
      grant.callerKey,
      grant.connection,
      grant.tool,
      grant.rule,
      grant.policyVersion,
      grant.definitionHash,
      grant.terms.sessionId,
      JSON.stringify(grant.bound),
      JSON.stringify(grant.votes),
      JSON.stringify(grant.terms),
      grant.terms.calls,
      grant.terms.untilMs,
      grant.args.kekId,
      grant.args.wrapped,
      grant.args.sealed,
    ],
  );
  await wishRefresh(db, grant.callId);
}

/** A grant that may cover a call, as stored; nothing of it is believed but what its votes sign. */
export interface OpenGrant {
  readonly grantId: string;
  readonly callId: string;
  readonly bound: unknown;
  readonly votes: unknown;
  readonly args: SealedValue;
}

/** Open grants of a caller for a tool under a policy version, narrowest in time first. */
export async function openGrants(
  db: Queryable,
  of: { callerKey: string; connection: string; tool: string; policyVersion: string; sessionId: string },
): Promise<OpenGrant[]> {
  const { rows } = await db.query<{
    grantId: string;
    callId: string;
    bound: unknown;
    votes: unknown;
    kek_id: string;
    wrapped_key: Buffer;
    sealed_args: Buffer;
  }>(
    `select grant_id as "grantId", call_id as "callId", bound, votes, kek_id, wrapped_key, sealed_args
     from approval_grants
     where caller_key = $1 and connection = $2 and tool = $3 and policy_version = $4
       and (session_id is null or session_id = $5)
       and revoked_at is null and used < calls and expires_at > now() and sealed_args is not null
     order by expires_at limit 20`,
    [of.callerKey, of.connection, of.tool, of.policyVersion, of.sessionId],
  );
  return rows.map(({ kek_id, wrapped_key, sealed_args, ...grant }) => ({
    ...grant,
    args: { kekId: kek_id, wrapped: wrapped_key, sealed: sealed_args },
  }));
}

/**
 * Takes one use of a grant for a call by compare-and-set, inside the caller's transaction, in which the call is
 * claimed too. Of any number of replicas, no more than the granted number is ever told a number.
 * @returns which use it is, or null when the grant is used up, revoked or over
 */
export async function takeUse(db: Queryable, grantId: string, callId: string): Promise<number | null> {
  const { rows } = await db.query<{ used: number; call_id: string }>(
    `update approval_grants set used = used + 1
     where grant_id = $1 and revoked_at is null and used < calls and expires_at > now() returning used, call_id`,
    [grantId],
  );
  const [row] = rows;
  if (!row) return null;
  await db.query('insert into approval_grant_uses (grant_id, call_id, number) values ($1, $2, $3)', [
    grantId,
    callId,
    row.used,
  ]);
  await db.query(
    'update held_calls set grant_id = $2, opened_at = coalesce(opened_at, now()) where call_id = $1',
    [callId, grantId],
  );
  await wishRefresh(db, row.call_id);
  return row.used;
}

/** Destroys the arguments that grants compared with, of those whose time is over. */
export async function forgetEndedGrants(db: Queryable): Promise<void> {
  await db.query(
    `update approval_grants set kek_id = null, wrapped_key = null, sealed_args = null
     where sealed_args is not null and expires_at <= now()`,
  );
}
