import { type ShownCall, shownCall } from '../../db/held-calls-shown.ts';
import { quorumWords, stepUpWords } from '../../workflows/quorum.ts';
import { extensionsLeft } from '../answer.ts';
import type { ActContext } from '../deps.ts';
import { slackHint } from '../find-call.ts';
import type { Identity } from '../identity.ts';
import { maySee } from '../sight.ts';
import { ApiProblem } from './endpoint.ts';

/** An approval request that somebody may see. @throws ApiProblem `not_found` */
export async function callFor(context: ActContext, id: string, identity: Identity): Promise<ShownCall> {
  const call = await shownCall(context.pool, id);
  if (call && maySee(call, identity, context.viewers)) return call;
  // One answer for both, so that ids tell nothing.
  throw new ApiProblem(
    'not_found',
    `there is no approval request of this id that you may see.${slackHint(identity)}`,
  );
}

/** A request as answers have it. */
export function shown(call: ShownCall) {
  const { grantOffer: offer, quorum, approvalsNeeded } = call;
  return {
    id: call.callId,
    state: call.state,
    connection: call.connection,
    method: call.method,
    tool: call.tool,
    subject: call.caller.subject,
    callerKey: call.caller.key,
    client: call.caller.client,
    rule: call.rule,
    reason: call.reason,
    risk: call.risk,
    policyVersion: call.policyVersion,
    digest: call.digest,
    argumentsJson: call.shownArgs,
    intent: call.intent,
    context: call.context,
    approvers: call.approvers.map(({ name }) => name),
    approvalsNeeded,
    quorum: quorumWords(quorum ?? { kind: 'together', approvals: approvalsNeeded }),
    decisions: call.votes.map(({ person, decision, reason, via, atMs }) => ({
      name: person.name,
      decision,
      reason,
      via,
      at: new Date(atMs).toISOString(),
    })),
    extensions: call.extensions.map(({ person, byMs, via }) => ({ name: person.name, byMs, via })),
    extensionsLeft: extensionsLeft(call),
    grantOffer: offer && { calls: offer.calls, forMs: offer.forMs },
    stepUp: call.stepUp ? stepUpWords(call.stepUp) : null,
    outcome: call.task,
    createdAt: call.createdAt.toISOString(),
    expiresAt: call.expiresAt.toISOString(),
    endedAt: call.endedAt?.toISOString() ?? null,
    endedBecause: call.endedBecause,
  };
}
