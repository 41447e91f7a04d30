import type { Queryable } from './pool.ts';
import type { InFlight } from './revocations.ts';

/** Whether held call `h` belongs to what revocation `r` names. */
export const revokedMatch = `case r.kind
    when 'person' then r.value in (h.caller ->> 'key', h.caller ->> 'subject', lower(h.caller ->> 'email'))
      or coalesce(h.caller -> 'actors' ? r.value, false)
    when 'credential' then h.caller ->> 'credentialId' = r.value
    when 'client' then h.caller ->> 'client' = r.value
    when 'session' then h.session_id = r.value
    else h.connection = r.value end`;

/** Columns of {@link InFlight} of held call `h`. */
export function inFlightColumns(kind: 'waiting' | 'running'): string {
  return `'${kind}' as kind, h.connection, h.method, h.tool, h.caller ->> 'subject' as subject,
    h.session_id as "sessionId", h.correlation_id as "correlationId", h.call_id as "callId",
    to_char(coalesce(h.executing_at, h.created_at) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "startedAt"`;
}

/**
 * Cancels the pending held calls of what is revoked: by one act, or by any in force. Nothing of them was sent, and now
 * nothing ever will be.
 */
export async function cancelRevoked(db: Queryable, revocationId: string | null): Promise<InFlight[]> {
  const { rows } = await db.query<InFlight>(
    `update held_calls h set state = 'cancelled', revocation_id = r.id,
       ended_because = 'Access of this ' || r.kind || ' has been revoked (' || r.id || '); nothing was sent.'
     from revocations r
     where h.state = 'pending' and r.lifted_at is null and ($1::text is null or r.id = $1) and ${revokedMatch}
     returning ${inFlightColumns('waiting')}`,
    [revocationId],
  );
  return rows;
}

/** Ends the workflows of calls that a revocation cancelled; those that cannot be told now are told later. */
export async function tellWorkflows(
  pool: Queryable,
  cancelWorkflow: (workflowId: string, because: string) => Promise<void>,
): Promise<{ told: number; left: number }> {
  const { rows } = await pool.query<{ callId: string; workflowId: string; because: string }>(
    `select call_id as "callId", workflow_id as "workflowId", ended_because as because from held_calls
     where revocation_id is not null and revocation_told_at is null limit 1000`,
  );
  const told: string[] = [];
  for (let at = 0; at < rows.length; at += 20) {
    const some = rows.slice(at, at + 20);
    const answers = await Promise.allSettled(
      some.map(({ workflowId, because }) => cancelWorkflow(workflowId, because)),
    );
    for (const [index, answer] of answers.entries())
      if (answer.status === 'fulfilled') told.push(some[index]?.callId ?? '');
    // Temporal is out of reach: the others would only wait for it as well.
    if (answers.some(({ status }) => status === 'rejected')) break;
  }
  await pool.query('update held_calls set revocation_told_at = now() where call_id = any($1)', [told]);
  return { told: told.length, left: rows.length - told.length };
}
