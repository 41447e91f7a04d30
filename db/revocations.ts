import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { inTransaction, type Pool, type Queryable } from './pool.ts';

/** What can be cut off. A person is named by stable key, subject or verified e-mail. */
export const revocationKinds = ['person', 'credential', 'client', 'session', 'connection'] as const;
export type RevocationKind = (typeof revocationKinds)[number];

/** Whoever did something on Holdpoint itself. */
export interface Actor {
  readonly key: string;
  readonly name: string;
  /** `cli`, `console`, `slack`, `api`. */
  readonly via: string;
}

/** An act of cutting off, with how it was lifted where it was. */
export interface Revocation {
  readonly id: string;
  readonly kind: RevocationKind;
  readonly value: string;
  readonly reason: string;
  readonly revokedBy: Actor;
  readonly revokedAt: Date;
  readonly liftedBy: Actor | null;
  readonly liftedAt: Date | null;
  readonly liftedReason: string | null;
}

/** Something that was under way when it was cut off. */
export interface InFlight {
  /** `request`: a reply that was open; `stream`: a GET stream; `waiting`: a held call; `running`: an approved one. */
  readonly kind: 'request' | 'stream' | 'waiting' | 'running';
  readonly connection: string;
  readonly method: string | null;
  readonly tool: string | null;
  readonly subject: string;
  readonly sessionId: string | null;
  readonly correlationId: string | null;
  readonly callId: string | null;
  /** Since when, ISO 8601. */
  readonly startedAt: string;
}

/** Length of the longest value and reason that are taken. */
export const longestValue = 1000;

const columns = `id, kind, value, reason, revoked_by as "revokedBy", revoked_at as "revokedAt",
  lifted_by as "liftedBy", lifted_at as "liftedAt", lifted_reason as "liftedReason"`;

/**
 * How a value is compared: an e-mail address in lower case, everything else exactly.
 * @throws RevocationError `bad_value`
 */
export function canonicalValue(kind: RevocationKind, value: string): string {
  const text = value.trim();
  if (text === '' || text.length > longestValue || /\p{Cc}/u.test(text))
    throw new RevocationError('bad_value', `a ${kind} is named by 1 to ${longestValue} printable characters`);
  return kind === 'person' && isEmail(text) ? text.toLowerCase() : text;
}

/** What somebody is known by, as revocations name it: for people on the console, in Slack, and in votes. */
export function personHandles(keys: readonly string[]): string[] {
  return keys.flatMap((key) => [
    `person:${key}`,
    ...(key.startsWith('email:') ? [`person:${key.slice('email:'.length).toLowerCase()}`] : []),
  ]);
}

function isEmail(text: string): boolean {
  return /^[^\s:#/]+@[^\s@:#/]+$/.test(text);
}

/** Why an act was refused. */
export class RevocationError extends Error {
  readonly code: 'bad_value' | 'bad_reason' | 'already_revoked' | 'not_revoked';
  constructor(code: RevocationError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** Every revocation in force. */
export async function revocationsInForce(db: Queryable): Promise<Revocation[]> {
  const { rows } = await db.query<Revocation>(
    `select ${columns} from revocations where lifted_at is null order by revoked_at, id`,
  );
  return rows;
}

/** The latest revocations, lifted ones included. */
export async function recentRevocations(db: Queryable, limit: number): Promise<Revocation[]> {
  const { rows } = await db.query<Revocation>(
    `select ${columns} from revocations order by lifted_at is not null, revoked_at desc, id limit $1`,
    [limit],
  );
  return rows;
}

/**
 * A revocation in force that names one of the handles (`person:…`, `credential:…`, `client:…`, `session:…`,
 * `connection:…`); null when there is none.
 */
export async function revokedAmong(db: Queryable, handles: readonly string[]): Promise<Revocation | null> {
  const { rows } = await db.query<Revocation>(
    `select ${columns} from revocations where lifted_at is null and kind || ':' || value = any($1)
     order by revoked_at limit 1`,
    [handles],
  );
  return rows[0] ?? null;
}

/** What the acts need besides the database. */
export interface ContainmentDeps {
  /** Writes into the tamper-evident log; the act does not happen when that fails. */
  readonly recordAct: (
    act: string,
    details: Readonly<Record<string, string | number | null>>,
  ) => Promise<void>;
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

/** A gateway that has said nothing for this long lets nothing pass: its lease is over many times. */
const aliveMs = 5_000;
const confirmWaitMs = 3_000;

/**
 * Cuts something off, on every replica at once: held calls of it are cancelled and never sent, and what runs is
 * aborted. Resolves when every gateway that is alive has confirmed, or after three seconds; a gateway that has not
 * confirmed lets nothing pass meanwhile.
 * @throws RevocationError
 */
export async function revoke(pool: Pool, ask: RevokeAsk, deps: ContainmentDeps): Promise<Revoked> {
  const value = canonicalValue(ask.kind, ask.value);
  const reason = checkedReason(ask.reason);
  if (await revokedAmong(pool, [`${ask.kind}:${value}`])) throw alreadyRevoked(ask.kind, value);
  const id = `rev_${randomBytes(9).toString('base64url')}`;
  await deps.recordAct('revoke', { revocation: id, kind: ask.kind, value, reason, ...actOf(ask.by) });
  const act = await inTransaction(pool, (client) =>
    writeRevocation(client, { id, kind: ask.kind, value, reason, by: ask.by }),
  );
  const committedMs = performance.now();
  const replicas = await confirmations(pool, act.version);
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
     on conflict (kind, value) where lifted_at is null do nothing returning ${columns}`,
    [id, kind, value, reason, JSON.stringify(by)],
  );
  const [revocation] = rows;
  if (!revocation) throw alreadyRevoked(kind, value);
  const waiting = await cancelRevoked(db, id);
  const { rows: running } = await db.query<InFlight>(
    `select ${inFlightColumns('running')} from held_calls h join revocations r on r.id = $1 and ${matches}
     where h.state = 'executing'`,
    [id],
  );
  const state = await db.query<{ version: string }>('select version from revocation_state');
  return { revocation, version: state.rows[0]?.version ?? '0', calls: [...waiting, ...running] };
}

/** Whether held call `h` belongs to what revocation `r` names. */
const matches = `case r.kind
    when 'person' then r.value in (h.caller ->> 'key', h.caller ->> 'subject', lower(h.caller ->> 'email'))
      or coalesce(h.caller -> 'actors' ? r.value, false)
    when 'credential' then h.caller ->> 'credentialId' = r.value
    when 'client' then h.caller ->> 'client' = r.value
    when 'session' then h.session_id = r.value
    else h.connection = r.value end`;

function inFlightColumns(kind: 'waiting' | 'running'): string {
  return `'${kind}' as kind, h.connection, h.method, h.tool, h.caller ->> 'subject' as subject,
    h.session_id as "sessionId", h.correlation_id as "correlationId", h.call_id as "callId",
    to_char(coalesce(h.executing_at, h.created_at) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "startedAt"`;
}

/**
 * Cancels the pending held calls of what is revoked: by one act, or by any in force. Nothing of them was sent, and now
 * nothing ever will be.
 */
export async function cancelRevoked(db: Queryable, revocationId: string | null): Promise<InFlight[]> {
  const { rows } = await db.query<InFlight>(
    `update held_calls h set state = 'cancelled', revocation_id = r.id,
       ended_because = 'Access of this ' || r.kind || ' has been revoked (' || r.id || '); nothing was sent.'
     from revocations r
     where h.state = 'pending' and r.lifted_at is null and ($1::text is null or r.id = $1) and ${matches}
     returning ${inFlightColumns('waiting')}`,
    [revocationId],
  );
  return rows;
}

/** Ends the workflows of calls that a revocation cancelled; those that cannot be told now are told later. */
export async function tellWorkflows(
  pool: Queryable,
  cancelWorkflow: ContainmentDeps['cancelWorkflow'],
): Promise<{ told: number; left: number }> {
  const { rows } = await pool.query<{ callId: string; workflowId: string; because: string }>(
    `select call_id as "callId", workflow_id as "workflowId", ended_because as because from held_calls
     where revocation_id is not null and revocation_told_at is null limit 1000`,
  );
  const told: string[] = [];
  for (let at = 0; at < rows.length; at += 20) {
    const some = rows.slice(at, at + 20);
    const answers = await Promise.allSettled(
      some.map(({ workflowId, because }) => cancelWorkflow(workflowId, because)),
    );
    for (const [index, answer] of answers.entries())
      if (answer.status === 'fulfilled') told.push(some[index]?.callId ?? '');
    // Temporal is out of reach: the others would only wait for it as well.
    if (answers.some(({ status }) => status === 'rejected')) break;
  }
  await pool.query('update held_calls set revocation_told_at = now() where call_id = any($1)', [told]);
  return { told: told.length, left: rows.length - told.length };
}

async function confirmations(db: Queryable, version: string): Promise<{ confirmed: number; alive: number }> {
  for (const untilMs = performance.now() + confirmWaitMs; ; ) {
    const { rows } = await db.query<{ confirmed: number; alive: number }>(
      `select count(*) filter (where version >= $1)::int as confirmed, count(*)::int as alive
       from revocation_replicas where seen_at > clock_timestamp() - make_interval(secs => $2)`,
      [version, aliveMs / 1000],
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
  deps: Pick<ContainmentDeps, 'recordAct'>,
): Promise<Revocation> {
  const value = canonicalValue(ask.kind, ask.value);
  const reason = checkedReason(ask.reason);
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
     where id = $1 and lifted_at is null returning ${columns}`,
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
