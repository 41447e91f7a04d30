import { createHash } from 'node:crypto';
import type { ShownCall } from '../db/held-calls-shown.ts';
import type { DecideAnswer, DecideRequest, ExtendRequest } from '../workflows/client.ts';
import type { Decision, VoteProof } from '../workflows/contract.ts';
import type { Said } from './choice.ts';
import type { Identity } from './identity.ts';

/** What became of a decision, in words for people. */
export interface Told {
  readonly counted: boolean;
  /** May hold other people's words: show it as text. */
  readonly text: string;
}

/**
 * The vote that a person's act makes. The same act of the same person has the same id, so that pressing a button
 * again after no answer came can only find out what became of the first press.
 * @param groups the request's approver groups to which the person belongs at this moment
 */
export function voteOf(
  call: ShownCall,
  identity: Identity,
  act: {
    readonly decision: Decision;
    readonly reason: string | null;
    readonly groups: readonly string[];
    readonly proof?: VoteProof | null;
  } & Said,
  via: 'console' | 'cli' | 'api',
): DecideRequest {
  const { person } = identity;
  const id = createHash('sha256').update(JSON.stringify([call.callId, act.decision, person.keys[0]]));
  return {
    workflowId: call.workflowId,
    callId: call.callId,
    digest: call.digest,
    updateId: `vote-${id.digest('hex').slice(0, 32)}`,
    person,
    via,
    ...act,
  };
}

/**
 * The extension that a person asks for. Pressing the button again before it counted is the same extension.
 * @param groups as with {@link voteOf}
 */
export function extensionOf(
  call: ShownCall,
  { person }: Identity,
  groups: readonly string[],
  via: 'console' | 'cli' | 'api',
): ExtendRequest {
  const id = createHash('sha256').update(
    JSON.stringify([call.callId, call.extensions.length, person.keys[0]]),
  );
  const { workflowId, callId, digest } = call;
  const updateId = `extend-${id.digest('hex').slice(0, 32)}`;
  return { workflowId, callId, digest, updateId, person, groups, via };
}

/** Says what the workflow answered to an extension. */
export function tellExtended(answer: DecideAnswer, after: ShownCall): Told {
  if (answer.kind !== 'counted') return tell(answer, after);
  const until = new Date(answer.status.expiresAtMs).toISOString();
  return { counted: true, text: `The request is extended until ${until}.` };
}

/** How many more times a request may be extended. */
export function extensionsLeft({ extension, extensions }: ShownCall): number {
  return Math.max(0, (extension?.times ?? 0) - extensions.length);
}

/**
 * Says what the workflow answered; nothing is assumed.
 * @param after the request as it stands now
 */
export function tell(answer: DecideAnswer, after: ShownCall): Told {
  if (answer.kind === 'refused') return { counted: false, text: answer.message };
  if (answer.kind === 'ended') return { counted: false, text: endedWords(after) };
  const { outcome, stillNeeded } = answer.status;
  if (outcome === null)
    return {
      counted: true,
      text: `It still waits for ${stillNeeded}.`,
    };
  if (outcome === 'approved') return { counted: true, text: 'The call is approved and goes to the server.' };
  if (outcome === 'denied') return { counted: true, text: 'The call is denied; the agent is told why.' };
  return { counted: true, text: `The request has ended: ${outcome}.` };
}

function endedWords(after: ShownCall): string {
  const last = after.votes.at(-1);
  if (!last) return 'The request had ended before.';
  const act = last.decision === 'approve' ? 'approved' : 'denied';
  return `The request had ended before: ${last.person.name} ${act} it at ${new Date(last.atMs).toISOString()}.`;
}
