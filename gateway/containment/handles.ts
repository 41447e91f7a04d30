import type { Caller } from '../../policy/caller.ts';

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
