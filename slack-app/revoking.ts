import type { WebClient } from '@slack/web-api';
import { personOf, slackKey } from '../db/people.ts';
import type { Pool } from '../db/pool.ts';
import { type ContainmentDeps, revoke, type Revoked } from '../db/revoke.ts';
import { RevocationError, type RevocationKind, revocationKinds } from '../db/revocations.ts';
import type { Masked } from '../masking/masked.ts';
import type { MembershipLookup } from './membership.ts';
import { lookUpUser, type Workspace } from './workspace.ts';

/** What cutting somebody off from Slack needs. */
export interface RevokingDeps {
  readonly pool: Pool;
  readonly client: WebClient;
  readonly workspace: () => Promise<Workspace>;
  readonly membership: MembershipLookup;
  /** Masks what people write before it is stored. */
  readonly maskText: (text: string) => Masked<string>;
  readonly containment: Containment;
}

/** Who may revoke, and what the act needs besides the database. */
export interface Containment extends Pick<ContainmentDeps, 'recordAct' | 'cancelWorkflow'> {
  /** The people and directory groups of the roles that may (`roles.operator`, `roles.owner`). */
  readonly operators: { readonly people: readonly string[]; readonly groups: readonly string[] };
}

/** Whether a word names what can be revoked. */
export function isRevocationKind(word: string): word is RevocationKind {
  return (revocationKinds as readonly string[]).includes(word);
}

/**
 * Cuts something off for a Slack user who has a role that may, looked up at this moment.
 * @param user id in the app's own workspace, which the caller has checked
 * @returns what the person is told: text, not markup
 */
export async function revokeFromSlack(
  deps: RevokingDeps,
  user: string,
  what: { readonly kind: RevocationKind; readonly value: string; readonly reason: string },
): Promise<string> {
  const workspace = await deps.workspace();
  const known = await lookUpUser(deps.client, workspace, user);
  if (known.barred !== null) return `${known.barred} Nothing was revoked.`;
  const key = slackKey(workspace.team, user);
  const person = await personOf(deps.pool, key, known.name);
  const operators = {
    name: 'operators',
    slackChannel: null,
    slackUserGroup: null,
    ...deps.containment.operators,
  };
  const { groups } = await deps.membership.of({ team: workspace.team, user, keys: person.keys }, [operators]);
  if (groups.length === 0)
    return 'Only people with the role operator or owner (`roles` in the configuration) may revoke. Nothing was revoked.';
  try {
    const { recordAct, cancelWorkflow } = deps.containment;
    const by = { key, name: known.name, via: 'slack' } as const;
    return told(
      await revoke(deps.pool, { ...what, by }, { recordAct, cancelWorkflow, maskText: deps.maskText }),
    );
  } catch (error) {
    if (error instanceof RevocationError) return `${error.message}. Nothing was revoked.`;
    throw error;
  }
}

function told({ revocation, replicas, confirmedAfterMs, inFlight }: Revoked): string {
  const { confirmed, alive } = replicas;
  const gateways =
    confirmed === alive
      ? `All ${alive} gateways have confirmed after ${confirmedAfterMs} ms.`
      : `${confirmed} of ${alive} gateways have confirmed; the others let nothing pass until they do.`;
  const cut = inFlight.length === 0 ? 'Nothing was under way.' : `${inFlight.length} under way were cut off.`;
  return `Revoked: ${revocation.kind} ${revocation.value} (${revocation.id}). ${gateways} ${cut} The console lists them.`;
}
