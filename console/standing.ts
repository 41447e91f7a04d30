import type { ShownCall } from '../db/held-calls-shown.ts';
import { groupsOf, type Identity } from './identity.ts';

/** Why somebody may or may not decide on a request. */
export type Standing =
  | { readonly may: true; readonly groups: readonly string[] }
  | { readonly may: false; readonly because: string };

/** Whether somebody may decide on a request; the workflow checks the same again. */
export function standingOf(call: ShownCall, identity: Identity): Standing {
  const { keys } = identity.person;
  if (keys.includes(call.caller.key))
    return { may: false, because: 'You asked for this call yourself, so somebody else must decide.' };
  if (call.votes.some((vote) => vote.person.keys.some((key) => keys.includes(key))))
    return { may: false, because: 'You have decided already. It waits for other people.' };
  const groups = groupsOf(identity, call.approvers);
  if (groups.length === 0)
    return {
      may: false,
      because: `You may look, but not decide: you are not in ${call.approvers.map((group) => group.name).join(', ')}.`,
    };
  return { may: true, groups };
}

/** Whether a decision can still count. */
export function isOpen(call: ShownCall, now: Date): boolean {
  return call.state === 'pending' && call.expiresAt > now;
}
