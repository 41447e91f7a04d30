import type { ApproverGroup } from '../policy/verdict.ts';
import type { Decision, Person } from '../workflows/contract.ts';
import { inTransaction, type Pool, type Queryable } from './pool.ts';
import type { DefinitionState } from './tool-definitions.ts';

/** What a person decided on a definition, as the row keeps it for people; `jws` is what proves it. */
export interface DefinitionDecision {
  readonly jws: string;
  readonly decision: Decision;
  readonly person: Person;
  readonly reason: string | null;
  readonly via: string;
}

/** A tool's definition as people see it: masked. */
export interface ShownDefinition {
  readonly definitionId: string;
  readonly connection: string;
  readonly context: string;
  readonly toolKey: string;
  readonly tool: string;
  readonly hash: string;
  /** Masked JSON text, whole. */
  readonly definition: string;
  readonly version: number;
  readonly state: DefinitionState;
  readonly current: boolean;
  readonly approvers: readonly ApproverGroup[];
  readonly foundAt: Date;
  readonly decidedAt: Date | null;
  readonly decision: DefinitionDecision | null;
  /** What is, or was last, accepted of the same tool; null when nothing was. */
  readonly before: { readonly hash: string; readonly definition: string; readonly version: number } | null;
}

const columns = `d.definition_id as "definitionId", d.connection, d.context, encode(d.tool_key, 'hex') as "toolKey",
  d.tool, d.hash, d.definition, d.version, d.state, d.current, d.approvers, d.found_at as "foundAt",
  d.decided_at as "decidedAt", d.decision,
  (select jsonb_build_object('hash', b.hash, 'definition', b.definition, 'version', b.version)
     from tool_definitions b
    where b.connection = d.connection and b.context = d.context and b.tool_key = d.tool_key and b.hash <> d.hash
      and b.state in ('pinned', 'superseded')
    order by b.state = 'pinned' desc, b.version desc limit 1) as before`;

/** Definitions that wait for a person, oldest first. */
export async function waitingDefinitions(db: Queryable, limit: number): Promise<ShownDefinition[]> {
  const { rows } = await db.query<ShownDefinition>(
    `select ${columns} from tool_definitions d where d.state = 'quarantined' order by d.found_at, d.definition_id
      limit $1`,
    [limit],
  );
  return rows;
}

/** Definitions that are accepted or rejected, latest first. */
export async function settledDefinitions(db: Queryable, limit: number): Promise<ShownDefinition[]> {
  const { rows } = await db.query<ShownDefinition>(
    `select ${columns} from tool_definitions d where d.state in ('pinned', 'rejected')
      order by coalesce(d.decided_at, d.found_at) desc, d.definition_id limit $1`,
    [limit],
  );
  return rows;
}

/** One definition; null when there is none of that id. */
export async function shownDefinition(db: Queryable, definitionId: string): Promise<ShownDefinition | null> {
  const { rows } = await db.query<ShownDefinition>(
    `select ${columns} from tool_definitions d where d.definition_id = $1`,
    [definitionId],
  );
  return rows[0] ?? null;
}

/** States from which each decision can be made; what was accepted may be rejected later, and the other way round. */
const from: Readonly<Record<Decision, readonly DefinitionState[]>> = {
  approve: ['quarantined', 'rejected'],
  deny: ['quarantined', 'pinned'],
};

/**
 * Accepts or rejects a definition, wherever the same one of the same tool stands under another credential of its
 * connection, too. The one accepted before is superseded.
 * @returns false when it is not as whoever decided has seen it: somebody else was first, or upstream changed it again
 */
export async function decideDefinition(
  pool: Pool,
  seen: Pick<ShownDefinition, 'connection' | 'toolKey' | 'hash' | 'definitionId' | 'state'>,
  decision: DefinitionDecision,
): Promise<boolean> {
  const { connection, toolKey, hash } = seen;
  const place = [connection, toolKey, hash];
  const states = from[decision.decision];
  return inTransaction(pool, async (client) => {
    const { rows: contexts } = await client.query<{ context: string }>(
      `select context from tool_definitions
        where connection = $1 and tool_key = decode($2, 'hex') and hash = $3 order by context`,
      place,
    );
    for (const { context } of contexts)
      await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
        `definitions ${connection} ${context}`,
      ]);
    const { rows } = await client.query<{ state: DefinitionState; accepted: boolean }>(
      `select state, decision is not null as accepted from tool_definitions where definition_id = $1 and hash = $2`,
      [seen.definitionId, hash],
    );
    const [row] = rows;
    const confirms = decision.decision === 'approve' && row?.state === 'pinned' && !row.accepted;
    if (!row || row.state !== seen.state || !(confirms || states.includes(row.state))) return false;
    if (decision.decision === 'approve')
      await client.query(
        `update tool_definitions p set state = 'superseded'
          where connection = $1 and tool_key = decode($2, 'hex') and hash <> $3 and state = 'pinned'
            and exists (select from tool_definitions d where d.connection = p.connection and d.context = p.context
              and d.tool_key = p.tool_key and d.hash = $3 and d.state in ('quarantined', 'rejected'))`,
        place,
      );
    await client.query(
      `update tool_definitions set state = $4, decision = $5, decided_at = now()
        where connection = $1 and tool_key = decode($2, 'hex') and hash = $3
          and (state = any($6) or ($4 = 'pinned' and state = 'pinned' and decision is null))`,
      [...place, decision.decision === 'approve' ? 'pinned' : 'rejected', JSON.stringify(decision), states],
    );
    return true;
  });
}
