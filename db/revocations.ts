import type { Queryable } from './pool.ts';

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

/** Columns of {@link Revocation}. */
export const revocationColumns = `id, kind, value, reason, revoked_by as "revokedBy", revoked_at as "revokedAt",
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
    `select ${revocationColumns} from revocations where lifted_at is null order by revoked_at, id`,
  );
  return rows;
}

/** A gateway that has said nothing for this long lets nothing pass: its lease is over many times. */
export const gatewayAliveMs = 5_000;

/** How many gateways let things pass. */
export async function aliveGateways(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ alive: number }>(
    `select count(*)::int as alive from revocation_replicas
     where seen_at > clock_timestamp() - make_interval(secs => $1)`,
    [gatewayAliveMs / 1000],
  );
  return rows[0]?.alive ?? 0;
}

/** The latest revocations, lifted ones included. */
export async function recentRevocations(db: Queryable, limit: number): Promise<Revocation[]> {
  const { rows } = await db.query<Revocation>(
    `select ${revocationColumns} from revocations order by lifted_at is not null, revoked_at desc, id limit $1`,
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
    `select ${revocationColumns} from revocations where lifted_at is null and kind || ':' || value = any($1)
     order by revoked_at limit 1`,
    [handles],
  );
  return rows[0] ?? null;
}
