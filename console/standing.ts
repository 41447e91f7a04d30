import type { HeldState, ShownCall } from '../db/held-calls-shown.ts';
import { lacking, type Lacking } from '../workflows/quorum.ts';
import { groupsOf, type Identity, whyUnknown } from './identity.ts';

/** Why somebody may or may not decide on a request. */
export type Standing =
  | { readonly may: true; readonly groups: readonly string[] }
  | { readonly may: false; readonly because: string };

/** Whether a call was asked for by whoever has these keys. */
export function isRequester({ caller }: ShownCall, keys: readonly string[]): boolean {
  return (
    keys.includes(caller.key) ||
    (caller.email !== null && keys.includes(`email:${caller.email.toLowerCase()}`))
  );
}

/** Whether somebody may decide on a request; the workflow checks the same again. */
export function standingOf(call: ShownCall, identity: Identity): Standing {
  const { keys } = identity.person;
  if (isRequester(call, keys))
    return { may: false, because: 'You asked for this call yourself, so somebody else must decide.' };
  if (call.votes.some((vote) => vote.person.keys.some((key) => keys.includes(key))))
    return { may: false, because: 'You have decided already. It waits for other people.' };
  const groups = groupsOf(identity, call.approvers);
  if (groups.length === 0) {
    const names = call.approvers.map((group) => group.name).join(', ');
    const unknown = whyUnknown(identity, call.approvers);
    const because = `You may look, but not decide: you are not in ${names}.${unknown === null ? '' : ` ${unknown}`}`;
    return { may: false, because };
  }
  return { may: true, groups };
}

/** What the votes of a request still lack. */
export function missingFor(call: ShownCall): Lacking {
  const { quorum, approvalsNeeded, votes, escalation, escalated } = call;
  return lacking(
    quorum ?? { kind: 'together', approvals: approvalsNeeded },
    votes.filter(({ decision }) => decision === 'approve'),
    escalation.slice(0, escalated).flatMap(({ to }) => to.map(({ name }) => name)),
  );
}

/** Where a request stands: the row's state, or what is known before the row says so. */
export type Phase = HeldState | 'approved';

/** The phase of a request. The votes are ahead of the row's state between a decision and what follows from it. */
export function phaseOf(call: ShownCall, now: Date): Phase {
  if (call.state !== 'pending') return call.state;
  if (call.votes.some((vote) => vote.decision === 'deny')) return 'denied';
  if (missingFor(call).met) return 'approved';
  return call.expiresAt <= now && call.clockStoppedAt === null ? 'expired' : 'pending';
}
