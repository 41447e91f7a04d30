import { createHash, randomBytes } from 'node:crypto';
import type { Pool } from '../../db/pool.ts';
import {
  type DefinitionRow,
  type DefinitionScope,
  definitionsInForce,
  observeDefinitions,
  type Observed,
  type SeenDefinition,
} from '../../db/tool-definitions.ts';
import type { Masker } from '../../masking/engine.ts';
import type { DefinitionMode } from '../../policy/definitions.ts';
import type { ApproverGroup } from '../../policy/verdict.ts';
import { verifyDefinitionDecision } from '../../workflows/definition-decision.ts';
import { definitionHashOf } from '../hold/canonical.ts';
import { type KnownDefinition, stateOf } from './judge.ts';
import type { ListedTool } from './tool-list.ts';

/** Beyond this a connection's further tools are kept out: a list that long is nobody's to look through. */
export const maxTools = 10_000;

/** What is in force of one tool. */
export interface InForce {
  readonly current: KnownDefinition | null;
  readonly pinned: KnownDefinition | null;
}

interface StoredDeps {
  readonly pool: Pool;
  readonly votePublicKeys: Readonly<Record<string, string>>;
}

/** Hex SHA-256 of a tool's exact name: names are upstream's text, and may hold anything. */
export function toolKeyOf(tool: string): string {
  return createHash('sha256').update(tool).digest('hex');
}

/** Stores tools that were listed, and what is made of each. */
export async function storeSeen(
  deps: StoredDeps,
  scope: DefinitionScope,
  mode: Exclude<DefinitionMode, 'open'>,
  tools: readonly ListedTool[],
  masker: Masker,
  approvers: readonly ApproverGroup[],
): Promise<Observed[]> {
  const names = new Map<SeenDefinition, string>();
  for (const { name, json } of tools.slice(0, maxTools))
    names.set(
      {
        definitionId: `d_${randomBytes(12).toString('base64url')}`,
        toolKey: toolKeyOf(name),
        tool: (await masker.later.text(name)).text,
        hash: definitionHashOf(json),
        definition: (await masker.later.json(json)).text,
      },
      name,
    );
  const proven = new Map<string, boolean>();
  // Signatures are checked before the transaction: it must not wait for anything but the database.
  for (const rows of (await loadInForce(deps, scope)).values())
    for (const row of [rows.current, rows.pinned]) if (row) proven.set(row.definitionId, row.accepted);
  const judge = (rows: readonly DefinitionRow[], seen: SeenDefinition) =>
    stateOf(
      mode,
      rows.map((row) => ({ ...row, accepted: proven.get(row.definitionId) ?? false })),
      { hash: seen.hash, name: names.get(seen) ?? '' },
    );
  return observeDefinitions(deps.pool, scope, [...names.keys()], judge, approvers);
}

/** What is in force of a scope's tools, by the key of their name; signatures are checked. */
export async function loadInForce(
  deps: StoredDeps,
  scope: DefinitionScope,
): Promise<ReadonlyMap<string, InForce>> {
  const found = new Map<string, { current: KnownDefinition | null; pinned: KnownDefinition | null }>();
  for (const row of await definitionsInForce(deps.pool, scope)) {
    const known: KnownDefinition = { ...row, accepted: await isAccepted(deps, scope, row) };
    const rows = found.get(row.toolKey) ?? { current: null, pinned: null };
    found.set(row.toolKey, rows);
    if (row.current) rows.current = known;
    if (row.state === 'pinned') rows.pinned = known;
  }
  return found;
}

/** Whether the signed decision says that a person accepted this very definition of this tool of this connection. */
async function isAccepted(
  { votePublicKeys }: StoredDeps,
  { connection }: DefinitionScope,
  { jws, toolKey, hash }: DefinitionRow,
): Promise<boolean> {
  const claims = jws === null ? null : await verifyDefinitionDecision(jws, votePublicKeys);
  return (
    claims !== null &&
    claims.decision === 'approve' &&
    claims.connection === connection &&
    claims.toolKey === toolKey &&
    claims.hash === hash
  );
}
