import type { Masked } from '../masking/masked.ts';
import type { ApproverGroup } from '../policy/verdict.ts';
import { inTransaction, type Pool, type Queryable } from './pool.ts';

/** Channel on which the database tells of changes as `<connection> <context>` (migration 0060). */
export const toolDefinitionChannel = 'holdpoint_tool_definitions';

/** `quarantined` waits for a person; `pinned` is accepted; `superseded` was, before another one was. */
export type DefinitionState = 'quarantined' | 'pinned' | 'rejected' | 'superseded';

/** Whose tools: a connection's, under one of its credentials (empty for the one that all callers share). */
export interface DefinitionScope {
  readonly connection: string;
  readonly context: string;
}

/** What is stored of one definition of one tool, as far as letting it through goes. */
export interface DefinitionRow {
  readonly definitionId: string;
  /** Hex SHA-256 of the tool's exact name. */
  readonly toolKey: string;
  readonly hash: string;
  readonly version: number;
  readonly state: DefinitionState;
  /** Whether the latest list had it so. */
  readonly current: boolean;
  /** The signed decision (JWS) of the person who accepted or rejected it; null when nobody did. */
  readonly jws: string | null;
}

/** A definition that a list had. */
export interface SeenDefinition {
  readonly definitionId: string;
  readonly toolKey: string;
  readonly tool: Masked<string>;
  readonly hash: string;
  readonly definition: Masked<string>;
}

const columns = `definition_id as "definitionId", encode(tool_key, 'hex') as "toolKey", hash, version, state, current,
  decision ->> 'jws' as jws`;

/** What counts of a scope: what the latest lists had, and what is accepted. */
export async function definitionsInForce(db: Queryable, scope: DefinitionScope): Promise<DefinitionRow[]> {
  const { rows } = await db.query<DefinitionRow>(
    `select ${columns} from tool_definitions
      where connection = $1 and context = $2 and (current or state = 'pinned')`,
    [scope.connection, scope.context],
  );
  return rows;
}

/** What became of a definition that was seen. */
export interface Observed {
  readonly seen: SeenDefinition;
  readonly row: DefinitionRow;
  /** What was accepted before, if anything was. */
  readonly pinned: DefinitionRow | null;
  /** Whether anything changed by it. */
  readonly changed: boolean;
}

/**
 * Stores what a list had, in its order, and what is made of it. Lists of one scope take turns, so that two replicas
 * cannot both accept a first use.
 * @param judge gives the state of a definition, from all that is stored of its tool; called within the transaction
 */
export async function observeDefinitions(
  pool: Pool,
  scope: DefinitionScope,
  seen: readonly SeenDefinition[],
  judge: (rows: readonly DefinitionRow[], seen: SeenDefinition) => DefinitionState,
  approvers: readonly ApproverGroup[],
): Promise<Observed[]> {
  return inTransaction(pool, async (client) => {
    const key = `definitions ${scope.connection} ${scope.context}`;
    await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [key]);
    const observed: Observed[] = [];
    for (const one of seen) observed.push(await observe(client, scope, one, judge, approvers));
    return observed;
  });
}

async function observe(
  db: Queryable,
  scope: DefinitionScope,
  seen: SeenDefinition,
  judge: (rows: readonly DefinitionRow[], seen: SeenDefinition) => DefinitionState,
  approvers: readonly ApproverGroup[],
): Promise<Observed> {
  const place = [scope.connection, scope.context, seen.toolKey];
  const { rows } = await db.query<DefinitionRow>(
    `select ${columns} from tool_definitions
      where connection = $1 and context = $2 and tool_key = decode($3, 'hex')`,
    place,
  );
  const judged = judge(rows, seen);
  const elsewhere = judged === 'quarantined' ? await acceptedElsewhere(db, scope, seen) : null;
  const state = elsewhere === null ? judged : 'pinned';
  const known = rows.find((row) => row.hash === seen.hash);
  const pinned = rows.find((row) => row.state === 'pinned' && row.hash !== seen.hash) ?? null;
  if (known?.current && known.state === state) return { seen, row: known, pinned, changed: false };
  await db.query(
    `update tool_definitions set current = false
      where connection = $1 and context = $2 and tool_key = decode($3, 'hex') and current and hash <> $4`,
    [...place, seen.hash],
  );
  // What nobody decided on and upstream no longer says is of no use to anybody, and could be made without end.
  await db.query(
    `delete from tool_definitions where connection = $1 and context = $2 and tool_key = decode($3, 'hex')
      and state = 'quarantined' and not current and hash <> $4`,
    [...place, seen.hash],
  );
  if (state === 'pinned')
    await db.query(
      `update tool_definitions set state = 'superseded'
        where connection = $1 and context = $2 and tool_key = decode($3, 'hex') and state = 'pinned' and hash <> $4`,
      [...place, seen.hash],
    );
  const version = Math.max(0, ...rows.map((row) => row.version)) + 1;
  const written = await db.query<DefinitionRow>(
    `insert into tool_definitions (definition_id, connection, context, tool_key, tool, hash, definition, version,
       state, current, approvers, decision, decided_at)
     values ($5, $1, $2, decode($3, 'hex'), $6, $4, $7, $8, $9, true, $10, $11, case when $11::jsonb is null then null else now() end)
     on conflict (connection, context, tool_key, hash) do update set state = excluded.state, current = true,
       approvers = excluded.approvers, decision = coalesce(excluded.decision, tool_definitions.decision),
       decided_at = coalesce(tool_definitions.decided_at, excluded.decided_at),
       found_at = case when tool_definitions.current then tool_definitions.found_at else now() end
     returning ${columns}`,
    [
      ...place,
      seen.hash,
      seen.definitionId,
      seen.tool,
      seen.definition,
      version,
      state,
      JSON.stringify(approvers),
      elsewhere,
    ],
  );
  return { seen, row: written.rows[0] as DefinitionRow, pinned, changed: true };
}

/** The decision by which a person accepted the same definition as another credential of the connection sees it. */
async function acceptedElsewhere(
  db: Queryable,
  { connection, context }: DefinitionScope,
  { toolKey, hash }: SeenDefinition,
): Promise<string | null> {
  const { rows } = await db.query<{ decision: string }>(
    `select decision::text as decision from tool_definitions
      where connection = $1 and context <> $2 and tool_key = decode($3, 'hex') and hash = $4
        and state = 'pinned' and decision is not null
      limit 1`,
    [connection, context, toolKey, hash],
  );
  return rows[0]?.decision ?? null;
}
