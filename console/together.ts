import type { ShownCall } from '../db/held-calls-shown.ts';
import { phaseOf } from './standing.ts';

/** Calls that wait, each alone or with those that are like it. */
export type Together = readonly [ShownCall, ...ShownCall[]];

/**
 * Groups calls that wait and are alike in everything that a decision on them weighs but their arguments: session and
 * caller, what they call, why they are held, and who decides on them how. Groups stand where their first call does.
 */
export function groupedAlike(calls: readonly ShownCall[], now: Date): readonly Together[] {
  const groups: { readonly key: string; readonly calls: [ShownCall, ...ShownCall[]] }[] = [];
  for (const call of calls) {
    const key = phaseOf(call, now) === 'pending' ? likeness(call) : call.callId;
    const group = groups.find((one) => one.key === key && one.calls.every((other) => sameTool(call, other)));
    if (group) group.calls.push(call);
    else groups.push({ key, calls: [call] });
  }
  return groups.map((group) => group.calls);
}

/** The calls among others that wait and are like one that waits, itself included; none when it does not. */
export function alike(call: ShownCall, others: readonly ShownCall[], now: Date): readonly ShownCall[] {
  const groups = groupedAlike([call, ...others.filter(({ callId }) => callId !== call.callId)], now);
  const [group = []] = groups;
  return group.filter(({ callId }) => others.some((other) => other.callId === callId));
}

/** In its first moments a session does not know its tools' definitions yet; two that are known must be one. */
function sameTool(one: ShownCall, other: ShownCall): boolean {
  return (
    one.definitionHash === null ||
    other.definitionHash === null ||
    one.definitionHash === other.definitionHash
  );
}

function likeness(call: ShownCall): string {
  const { sessionId, connection, method, tool, rule, reason, risk, policyVersion } = call;
  const { approvers, approvalsNeeded, quorum, stepUp = null, caller } = call;
  return JSON.stringify([
    [sessionId, caller.key, caller.client, caller.actors],
    [connection, method, tool],
    [rule, reason, risk, policyVersion],
    [approvers, approvalsNeeded, quorum, stepUp],
  ]);
}
