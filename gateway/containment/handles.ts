import { personHandles } from '../../db/revocations.ts';
import type { Caller } from '../../policy/caller.ts';
import type { CountedVote } from '../../workflows/contract.ts';
import type { HeldFacts } from '../hold/sealed-call.ts';

/** By what a revocation may name somebody or something: `person:…`, `credential:…`, `client:…`. */
const known = new WeakMap<Caller, readonly string[]>();

/** A caller's handles: key, subject, verified e-mail and whoever acts for them are persons; credential; client. */
export function callerHandles(caller: Omit<Caller, 'claims'>): readonly string[] {
  const found = known.get(caller as Caller);
  if (found) return found;
  const handles = [`person:${caller.key}`, `person:${caller.subject}`];
  if (caller.email !== null) handles.push(`person:${caller.email.toLowerCase()}`);
  for (const actor of caller.actors) handles.push(`person:${actor}`);
  if (caller.credentialId !== null) handles.push(`credential:${caller.credentialId}`);
  if (caller.client !== null) handles.push(`client:${caller.client}`);
  known.set(caller as Caller, handles);
  return handles;
}

/** The handles of a session on a connection, besides its caller's. */
export function sessionHandles(session: {
  readonly sessionId: string;
  readonly connection: string;
  readonly client: string | null;
}): readonly string[] {
  const handles = [`session:${session.sessionId}`, `connection:${session.connection}`];
  if (session.client !== null) handles.push(`client:${session.client}`);
  return handles;
}

/** Whoever asked for a held call, what it runs with, and whoever approved it: none of them may be revoked. */
export function claimHandles(facts: HeldFacts, votes: readonly CountedVote[]): string[] {
  return [
    ...callerHandles(facts.caller),
    ...sessionHandles({ ...facts.session, connection: facts.bound.connection }),
    ...votes.flatMap(({ person }) => personHandles(person.keys)),
  ];
}
