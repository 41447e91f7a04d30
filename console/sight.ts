import type { ShownCall } from '../db/held-calls-shown.ts';
import { groupsOf, type Identity } from './identity.ts';
import { isRequester } from './standing.ts';

/** Who may look at everything: people and directory groups, named as in approver groups. */
export interface Auditors {
  readonly people: readonly string[];
  readonly groups: readonly string[];
}

/** Whether somebody may look at recordings and at every request. Without an identity provider the local approver may. */
export function isAuditor(identity: Identity, auditors: Auditors | null): boolean {
  if (identity.local) return true;
  if (!auditors) return false;
  return (
    groupsOf(identity, [{ name: 'auditors', slackChannel: null, slackUserGroup: null, ...auditors }]).length >
    0
  );
}

/** Whether somebody may look at a request: its approvers, who asked, who has voted, and auditors. */
export function maySee(call: ShownCall, identity: Identity, auditors: Auditors | null): boolean {
  const { keys } = identity.person;
  return (
    isRequester(call, keys) ||
    call.votes.some((vote) => vote.person.keys.some((key) => keys.includes(key))) ||
    groupsOf(identity, call.approvers).length > 0 ||
    isAuditor(identity, auditors)
  );
}
