import type { ShownCall } from '../db/held-calls-shown.ts';
import { phaseOf } from './standing.ts';

/** Calls that wait, each alone or with those that are like it. */
export type Together = readonly [ShownCall, ...ShownCall[]];

/**
 * Groups calls that wait and are alike in everything that a decision on them weighs but their arguments: session and
 * caller, what they call, why they are held, and who decides on them how. Groups stand where their first call does.
 */
export function groupedAlike(calls: readonly ShownCall[], now: Date): readonly Together[] {
  const groups = new Map<string, [ShownCall, ...ShownCall[]]>();
  for (const call of calls) {
    const key = phaseOf(call, now) === 'pending' ? likeness(call) : call.callId;
    const group = groups.get(key);
    if (group) group.push(call);
    else groups.set(key, [call]);
  }
  return [...groups.values()];
}

/** The calls among others that wait and are like one that waits, itself included; none when it does not. */
export function alike(call: ShownCall, others: readonly ShownCall[], now: Date): readonly ShownCall[] {
  if (phaseOf(call, now) !== 'pending') return [];
  const key = likeness(call);
  return others.filter((other) => phaseOf(other, now) === 'pending' && likeness(other) === key);
}

function likeness(call: ShownCall): string {
  const { sessionId, connection, method, tool, definitionHash, rule, reason, risk, policyVersion } = call;
  const { approvers, approvalsNeeded, quorum, stepUp = null, caller } = call;
  return JSON.stringify([
    [sessionId, caller.key, caller.client, caller.actors],
    [connection, method, tool, definitionHash],
    [rule, reason, risk, policyVersion],
    [approvers, approvalsNeeded, quorum, stepUp],
  ]);
}
