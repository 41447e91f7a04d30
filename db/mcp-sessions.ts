import type { Queryable } from './pool.ts';

/** An MCP session as it is stored. The client's session id and upstream's are not in it in clear. */
export interface StoredMcpSession {
  /** SHA-256 of the id that the client holds. */
  readonly idHash: Uint8Array;
  /** The session's name in the recording. */
  readonly sessionId: string;
  readonly connection: string;
  readonly callerKey: string;
  readonly client: string | null;
  readonly protocolVersion: string;
  /** What its client can be asked. */
  readonly elicits: readonly ('form' | 'url')[];
  /** The only replica that can serve it; null when any can. */
  readonly replica: string | null;
  readonly kekId: string;
  readonly wrappedKey: Uint8Array;
  /** Upstream's session id, sealed. */
  readonly sealedUpstream: Uint8Array;
  readonly createdAt: Date;
}

/** Stores a session that upstream has accepted. */
export async function insertMcpSession(
  db: Queryable,
  session: Omit<StoredMcpSession, 'createdAt'>,
): Promise<void> {
  await db.query({
    name: 'insert_mcp_session',
    text: `insert into mcp_sessions (id_hash, session_id, connection, caller_key, client, protocol_version, replica,
             kek_id, wrapped_key, sealed_upstream, elicits) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    values: [
      session.idHash,
      session.sessionId,
      session.connection,
      session.callerKey,
      session.client,
      session.protocolVersion,
      session.replica,
      session.kekId,
      session.wrappedKey,
      session.sealedUpstream,
      session.elicits,
    ],
  });
}

/** Finds a session by the hash of the client's id, and notes that it was seen; null when there is none. */
export async function findMcpSession(db: Queryable, idHash: Uint8Array): Promise<StoredMcpSession | null> {
  const { rows } = await db.query<StoredMcpSession>({
    name: 'find_mcp_session',
    text: `update mcp_sessions set last_seen_at = now() where id_hash = $1
           returning id_hash as "idHash", session_id as "sessionId", connection, caller_key as "callerKey", client,
             protocol_version as "protocolVersion", replica, kek_id as "kekId", wrapped_key as "wrappedKey",
             sealed_upstream as "sealedUpstream", elicits, created_at as "createdAt"`,
    values: [idHash],
  });
  return rows[0] ?? null;
}

/** Notes that sessions were in use. @returns the session ids among them that still exist */
export async function touchMcpSessions(
  db: Queryable,
  sessionIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await db.query<{ session_id: string }>(
    'update mcp_sessions set last_seen_at = now() where session_id = any($1) returning session_id',
    [sessionIds],
  );
  return new Set(rows.map((row) => row.session_id));
}

/** Forgets a session. @returns whether it was still there: only then is its end this caller's to record */
export async function deleteMcpSession(db: Queryable, sessionId: string): Promise<boolean> {
  const { rowCount } = await db.query('delete from mcp_sessions where session_id = $1', [sessionId]);
  return rowCount === 1;
}

/** Forgets sessions that no replica has seen for long. @returns their session ids */
export async function deleteIdleMcpSessions(db: Queryable, idleMs: number): Promise<string[]> {
  const { rows } = await db.query<{ session_id: string }>(
    `delete from mcp_sessions where last_seen_at < now() - $1 * interval '1 millisecond' returning session_id`,
    [idleMs],
  );
  return rows.map((row) => row.session_id);
}
