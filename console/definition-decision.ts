import type { KeyObject } from 'node:crypto';
import { decideDefinition, type ShownDefinition, shownDefinition } from '../db/tool-definitions-shown.ts';
import type { Pool } from '../db/pool.ts';
import type { Decision } from '../workflows/contract.ts';
import { signDefinitionDecision } from '../workflows/definition-decision.ts';
import type { RecordAct } from './acts.ts';
import { groupsOf, type Identity } from './identity.ts';

/** What deciding on definitions needs. */
export interface DefinitionDesk {
  readonly pool: Pool;
  /** The key that signs votes. */
  readonly voteKey: { readonly id: string; readonly privateKey: KeyObject };
  /** Records the decision before it is made. */
  readonly recordAct: RecordAct;
  /** Masks what people type. */
  readonly maskText: (text: string) => string;
}

/** What became of a decision, in words for people. */
export interface DefinitionTold {
  readonly counted: boolean;
  readonly text: string;
}

/** Longest reason, in characters. */
const longestReason = 1000;

/** Why somebody may not decide on a definition; null when they may. */
export function objectionTo(definition: ShownDefinition, identity: Identity): string | null {
  if (groupsOf(identity, definition.approvers).length > 0) return null;
  const names = definition.approvers.map((group) => group.name).join(', ');
  return names === ''
    ? 'The policy names no approvers for definitions: set definitions.approvers.'
    : `You may look, but not decide: you are not in ${names}.`;
}

/**
 * Accepts or rejects a definition for a person who was looked up just now: recorded, signed, then in force on every
 * gateway at once.
 */
export async function decideOnDefinition(
  desk: DefinitionDesk,
  identity: Identity,
  definition: ShownDefinition,
  act: {
    readonly decision: Decision;
    readonly reason: string | null;
    readonly via: 'console' | 'cli' | 'api';
  },
): Promise<DefinitionTold> {
  const objection = objectionTo(definition, identity);
  if (objection !== null) return { counted: false, text: objection };
  const { decision, via } = act;
  if ((act.reason?.length ?? 0) > longestReason)
    return { counted: false, text: `A reason has at most ${longestReason} characters.` };
  const reason = act.reason === null ? null : desk.maskText(act.reason);
  const { connection, toolKey, hash, definitionId, tool, version } = definition;
  const { person } = identity;
  const groups = groupsOf(identity, definition.approvers);
  const claims = { connection, toolKey, hash, decision, person, reason, groups, via };
  await desk.recordAct(`definition.${decision}`, {
    definitionId,
    connection,
    tool,
    version,
    hash,
    person: person.name,
    personKey: person.keys[0] ?? '',
    reason,
    via,
  });
  const jws = await signDefinitionDecision({ ...claims, decidedAtMs: Date.now() }, desk.voteKey);
  const decided = await decideDefinition(desk.pool, definition, { jws, decision, person, reason, via });
  if (decided)
    return {
      counted: true,
      text:
        decision === 'approve'
          ? 'The definition is accepted; agents see the tool from now on.'
          : 'The definition is rejected; agents do not see the tool.',
    };
  return { counted: false, text: elsewise(await shownDefinition(desk.pool, definitionId)) };
}

function elsewise(after: ShownDefinition | null): string {
  if (!after) return 'The server has changed the definition again meanwhile: look at what waits now.';
  const { decision, decidedAt, state } = after;
  if (!decision) return `It is ${state} by now; look at it again.`;
  const act = decision.decision === 'approve' ? 'accepted' : 'rejected';
  return `${decision.person.name} ${act} it at ${decidedAt?.toISOString() ?? 'an unknown time'}.`;
}
