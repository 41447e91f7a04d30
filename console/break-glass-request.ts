import { createHash } from 'node:crypto';
import type { StoredBreakGlass } from '../db/break-glass.ts';
import type { Person } from '../workflows/contract.ts';
import { verifyStatement } from '../workflows/signed-statement.ts';

/** What somebody asks to be opened. */
export interface Asked {
  readonly requestId: string;
  readonly sessionId: string;
  /** null: all of the session. */
  readonly callId: string | null;
  readonly reason: string;
  readonly minutes: number;
  readonly person: Person;
  readonly via: string;
  readonly atMs: number;
}

/** What somebody answered, bound to the very statement that it answers. */
export interface Settled {
  readonly requestId: string;
  /** SHA-256 of the asking statement, hex. */
  readonly asked: string;
  readonly act: 'agree' | 'refuse' | 'revoke';
  readonly person: Person;
  readonly via: string;
  readonly atMs: number;
}

/** Where a request stands. */
export type BreakGlassState = 'waiting' | 'open' | 'refused' | 'revoked' | 'over';

/** A request as people see it, by its signed statements alone. */
export interface BreakGlass extends Asked {
  readonly state: BreakGlassState;
  readonly answer: Settled | null;
  /** Until when it waits, or opens; null once it does neither. */
  readonly untilMs: number | null;
}

/** Tells these statements from all others that are signed with the same keys. */
export const statementType = 'holdpoint-break-glass+jwt';
/** How long a request waits for a second person. */
const waitsForMs = 24 * 3_600_000;

/** Where a request stands, in words. */
export function says({ state, untilMs, answer }: BreakGlass): string {
  const at = (ms: number): string => new Date(ms).toISOString();
  if (state === 'waiting') return `it waits for a second person until ${at(untilMs ?? 0)}`;
  if (state === 'open')
    return `${answer?.person.name ?? 'somebody'} agreed; it opens until ${at(untilMs ?? 0)}`;
  if (state === 'refused') return `${answer?.person.name ?? 'somebody'} refused`;
  return state === 'revoked' ? 'it was revoked' : 'its time is over';
}

/**
 * A stored request, by its signed statements; what the database says besides them only takes away.
 * @returns null when it was not signed by a key known here
 */
export async function readRequest(
  stored: StoredBreakGlass,
  deps: { readonly votePublicKeys: Readonly<Record<string, string>>; readonly now: () => Date },
): Promise<BreakGlass | null> {
  const asked = await verifyStatement<Asked>(statementType, stored.asked, deps.votePublicKeys);
  if (!asked || asked.requestId !== stored.requestId) return null;
  const answer =
    stored.answered === null
      ? null
      : await verifyStatement<Settled>(statementType, stored.answered, deps.votePublicKeys);
  const stands = answer !== null && answer.asked === digest(stored.asked) && answer.act !== 'revoke';
  const agreed = stands && answer.act === 'agree' && !samePerson(answer.person, asked.person);
  const untilMs = agreed ? answer.atMs + asked.minutes * 60_000 : asked.atMs + waitsForMs;
  const state = ((): BreakGlassState => {
    if (stored.revoked !== null) return 'revoked';
    if (stored.answered !== null && !agreed) return 'refused';
    if (deps.now().getTime() >= untilMs) return 'over';
    return agreed ? 'open' : 'waiting';
  })();
  const standing = state === 'waiting' || state === 'open';
  return { ...asked, state, answer: stands ? answer : null, untilMs: standing ? untilMs : null };
}

/** Whether two are one: any key in common. */
export function samePerson(a: Person, b: Person): boolean {
  return a.keys.some((key) => b.keys.includes(key));
}

/** How an answer names the statement that it answers. */
export function digest(statement: string): string {
  return createHash('sha256').update(statement).digest('hex');
}
