import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { inTransaction, type Pool, type Queryable } from './pool.ts';
import {
  type Actor,
  canonicalValue,
  gatewayAliveMs,
  type InFlight,
  longestValue,
  type Revocation,
  revocationColumns,
  RevocationError,
  type RevocationKind,
  revokedAmong,
} from './revocations.ts';
import { cancelRevoked, inFlightColumns, revokedMatch, tellWorkflows } from './revoked-calls.ts';

/** What the acts need besides the database. */
export interface ContainmentDeps {
  /** How long gateways are waited for that have not confirmed; 3 s when left out. */
  readonly confirmWaitMs?: number;
  /** Writes into the tamper-evident log; the act does not happen when that fails. */
  readonly recordAct: (
    act: string,
    details: Readonly<Record<string, string | number | null>>,
  ) => Promise<void>;
  /** Masks what people type, before it is stored. */
  readonly maskText: (text: string) => string;
  /** Ends an approval workflow as cancelled. */
  readonly cancelWorkflow: (workflowId: string, because: string) => Promise<void>;
}

export interface RevokeAsk {
  readonly kind: RevocationKind;
  readonly value: string;
  readonly reason: string;
  readonly by: Actor;
}

/** What came of revoking. */
export interface Revoked {
  readonly revocation: Revocation;
  /** Gateways that have confirmed that they cut everything, of those that are alive. */
  readonly replicas: { readonly confirmed: number; readonly alive: number };
  /** From the act until the last of them confirmed. */
  readonly confirmedAfterMs: number;
  readonly inFlight: readonly InFlight[];
}

const confirmWaitMs = 3_000;

/**
 * Cuts something off, on every replica at once: held calls of it are cancelled and never sent, and what runs is
 * aborted. Resolves when every gateway that is alive has confirmed, or after three seconds; a gateway that has not
 * confirmed lets nothing pass meanwhile.
 * @throws RevocationError
 */
export async function revoke(pool: Pool, ask: RevokeAsk, deps: ContainmentDeps): Promise<Revoked> {
  const value = canonicalValue(ask.kind, ask.value);
  const reason = deps.maskText(checkedReason(ask.reason));
  if (await revokedAmong(pool, [`${ask.kind}:${value}`])) throw alreadyRevoked(ask.kind, value);
  const id = `rev_${randomBytes(9).toString('base64url')}`;
  await deps.recordAct('revoke', { revocation: id, kind: ask.kind, value, reason, ...actOf(ask.by) });
  const act = await inTransaction(pool, (client) =>
    writeRevocation(client, { id, kind: ask.kind, value, reason, by: ask.by }),
  );
  const committedMs = performance.now();
  const replicas = await confirmations(pool, act.version, deps.confirmWaitMs ?? confirmWaitMs);
  const confirmedAfterMs = Math.round(performance.now() - committedMs);
  await tellWorkflows(pool, deps.cancelWorkflow);
  const { rows } = await pool.query<{ what: InFlight }>(
    'select what from revocation_cuts where revocation_id = $1 order by cut_at',
    [id],
  );
  const cut = rows.map((row) => row.what);
  return { revocation: act.revocation, replicas, confirmedAfterMs, inFlight: onceEach(act.calls, cut) };
}

function alreadyRevoked(kind: RevocationKind, value: string): RevocationError {
  return new RevocationError('already_revoked', `${kind} ${value} is revoked already`);
}

/** A held call is listed as such, not once more as the reply in which its client waits. */
function onceEach(calls: readonly InFlight[], cut: readonly InFlight[]): InFlight[] {
  const ran = new Set(cut.flatMap(({ kind, callId }) => (kind === 'running' ? [callId] : [])));
  const listed = calls.filter(({ kind, callId }) => kind === 'waiting' || !ran.has(callId));
  const held = new Set([...calls, ...cut].flatMap((one) => (one.callId === null ? [] : [one.correlationId])));
  return [...listed, ...cut.filter((one) => one.callId !== null || !held.has(one.correlationId))];
}

async function writeRevocation(
  db: Queryable,
  { id, kind, value, reason, by }: RevokeAsk & { readonly id: string },
): Promise<{ revocation: Revocation; version: string; calls: InFlight[] }> {
  // Alone from here on: a claim has been committed before, or will see this.
  await db.query('select version from revocation_state for update');
  const { rows } = await db.query<Revocation>(
    `insert into revocations (id, kind, value, reason, revoked_by) values ($1, $2, $3, $4, $5)
     on conflict (kind, value) where lifted_at is null do nothing returning ${revocationColumns}`,
    [id, kind, value, reason, JSON.stringify(by)],
  );
  const [revocation] = rows;
  if (!revocation) throw alreadyRevoked(kind, value);
  const waiting = await cancelRevoked(db, id);
  const { rows: running } = await db.query<InFlight>(
    `select ${inFlightColumns('running')} from held_calls h join revocations r on r.id = $1 and ${revokedMatch}
     where h.state = 'executing'`,
    [id],
  );
  const state = await db.query<{ version: string }>('select version from revocation_state');
  return { revocation, version: state.rows[0]?.version ?? '0', calls: [...waiting, ...running] };
}

async function confirmations(
  db: Queryable,
  version: string,
  waitMs: number,
): Promise<{ confirmed: number; alive: number }> {
  for (const untilMs = performance.now() + waitMs; ; ) {
    const { rows } = await db.query<{ confirmed: number; alive: number }>(
      `select count(*) filter (where version >= $1)::int as confirmed, count(*)::int as alive
       from revocation_replicas where seen_at > clock_timestamp() - make_interval(secs => $2)`,
      [version, gatewayAliveMs / 1000],
    );
    const found = rows[0] ?? { confirmed: 0, alive: 0 };
    if (found.confirmed === found.alive || performance.now() > untilMs) return found;
    await sleep(10);
  }
}

/** Lifts a revocation. What was cut stays cut: clients sign in and begin again. @throws RevocationError */
export async function unrevoke(
  pool: Pool,
  ask: RevokeAsk,
  deps: Pick<ContainmentDeps, 'recordAct' | 'maskText'>,
): Promise<Revocation> {
  const value = canonicalValue(ask.kind, ask.value);
  const reason = deps.maskText(checkedReason(ask.reason));
  const found = await revokedAmong(pool, [`${ask.kind}:${value}`]);
  if (!found) throw new RevocationError('not_revoked', `${ask.kind} ${value} is not revoked`);
  await deps.recordAct('unrevoke', {
    revocation: found.id,
    kind: ask.kind,
    value,
    reason,
    ...actOf(ask.by),
  });
  const { rows } = await pool.query<Revocation>(
    `update revocations set lifted_by = $2, lifted_at = clock_timestamp(), lifted_reason = $3
     where id = $1 and lifted_at is null returning ${revocationColumns}`,
    [found.id, JSON.stringify(ask.by), reason],
  );
  if (!rows[0]) throw new RevocationError('not_revoked', `${ask.kind} ${value} was lifted by somebody else`);
  return rows[0];
}

function checkedReason(reason: string): string {
  const text = reason.trim();
  if (text === '' || text.length > longestValue)
    throw new RevocationError('bad_reason', `a reason of 1 to ${longestValue} characters is needed`);
  return text;
}

function actOf({ key, name, via }: Actor): { person: string; name: string; via: string } {
  return { person: key, name, via };
}
