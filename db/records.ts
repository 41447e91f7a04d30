import { hostname } from 'node:os';
import type { PoolClient } from 'pg';
import type { SessionFacts } from '../recording/event.ts';
import type { Facet, RecordStore, RecordWriter, StoredSession } from '../recording/store.ts';
import { copyRecords } from './copy-records.ts';
import { inTransaction, type Pool } from './pool.ts';
import { ensurePartitions } from './record-partitions.ts';

/** Advisory lock class: a writer's connection holds (class, writer number) for as long as it lives. */
export const writerLockClass = 0x48505752;
/** Tells every recorder that a session takes nothing more. */
export const endedChannel = 'holdpoint_session_ended';

/**
 * Records in PostgreSQL. Each writer takes one connection out of the pool for as long as it is open.
 * @param options.writeTimeoutMs after this long without an answer a commit counts as failed and its connection is
 * cut, default 10 s
 */
export function createRecordStore(pool: Pool, options: { writeTimeoutMs?: number } = {}): RecordStore {
  return {
    openWriter: (events) => openWriter(pool, options.writeTimeoutMs ?? 10_000, events),
    async findSession(sessionId) {
      const { rows } = await pool.query<SessionRow>(`${selectSession} where s.session_id = $1`, [
        storable(sessionId),
      ]);
      return rows[0] ? storedSession(rows[0]) : null;
    },
    async addSession(facts, key) {
      return inTransaction(pool, async (client) => {
        const { rowCount } = await client.query(
          `insert into record_sessions (session_id, connection, caller_key, subject, client, credential_id, actors)
           values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
          factValues(facts),
        );
        if (rowCount === 1)
          await client.query(
            'insert into record_keys (session_id, kek_id, wrapped_key) values ($1, $2, $3)',
            [storable(facts.sessionId), key.kekId, key.wrapped],
          );
        const { rows } = await client.query<SessionRow>(`${selectSession} where s.session_id = $1`, [
          storable(facts.sessionId),
        ]);
        if (!rows[0]) throw new Error('the session that was just added is not there');
        return storedSession(rows[0]);
      });
    },
    async endSession(sessionId, because) {
      await pool.query(
        `with ended as (update record_sessions set ended_at = now(), ended_because = $2
                        where session_id = $1 and ended_at is null returning session_id)
         select pg_notify('${endedChannel}', session_id) from ended`,
        [storable(sessionId), storable(because)],
      );
    },
  };
}

async function openWriter(
  pool: Pool,
  writeTimeoutMs: number,
  events: Parameters<RecordStore['openWriter']>[0],
): Promise<RecordWriter> {
  await ensurePartitions(pool);
  const client = await pool.connect();
  let broken: Error | null = null;
  client.on('error', (error) => {
    if (broken) return;
    broken = error;
    events.onBroken(error);
  });
  try {
    const writerNo = await register(client);
    client.on('notification', (message) => {
      if (message.channel === endedChannel && message.payload) events.onSessionEnded(message.payload);
    });
    return writerOn(pool, client, writerNo, writeTimeoutMs, () => broken);
  } catch (error) {
    client.release(error as Error);
    throw error;
  }
}

/** The row shows only once its lock is held: whoever finds the lock free knows that the writer is gone. */
async function register(client: PoolClient): Promise<number> {
  await client.query('begin');
  const { rows } = await client.query<{ writer_no: number }>(
    `insert into record_writers (host) values ($1)
     returning writer_no, pg_advisory_lock($2, writer_no)`,
    [hostname(), writerLockClass],
  );
  await client.query('commit');
  await client.query(`listen ${endedChannel}`);
  return rows[0]?.writer_no ?? 0;
}

function writerOn(
  pool: Pool,
  client: PoolClient,
  writerNo: number,
  writeTimeoutMs: number,
  broken: () => Error | null,
): RecordWriter {
  let position = 0;
  let released = false;
  const release = (error?: Error): void => {
    if (!released) client.release(error);
    released = true;
  };
  return {
    async write({ records, facets }) {
      const deadline = setTimeout(() => cut(client), writeTimeoutMs);
      try {
        if (facets.length > 0) await client.query('begin');
        await copyRecords(client, writerNo, position, records);
        if (facets.length > 0) {
          await insertFacets(client, facets);
          await client.query('commit');
        }
        position += records.length;
      } finally {
        clearTimeout(deadline);
      }
    },
    async addStrand(strand, sessionId) {
      await pool.query('insert into record_strands (strand, session_id, writer_no) values ($1, $2, $3)', [
        Buffer.from(strand).toString('hex'),
        storable(sessionId),
        writerNo,
      ]);
    },
    async close() {
      // The connection is ended rather than given back: its advisory lock says that the writer is alive.
      release(broken() ?? new Error('the writer was closed'));
    },
  };
}

/** Ends a connection that does not answer; pg then fails whatever waits on it. */
function cut(client: PoolClient): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

async function insertFacets(client: PoolClient, facets: readonly Facet[]): Promise<void> {
  await client.query(
    `insert into record_facets (session_id, facet, value)
     select * from unnest($1::text[], $2::text[], $3::text[]) on conflict do nothing`,
    [
      facets.map((facet) => storable(facet.sessionId)),
      facets.map((facet) => facet.facet),
      facets.map((facet) => storable(facet.value)),
    ],
  );
}

export interface SessionRow {
  session_id: string;
  connection: string;
  caller_key: string;
  subject: string;
  client: string | null;
  credential_id: string | null;
  actors: string[];
  ended_at: Date | null;
  kek_id: string | null;
  wrapped_key: Buffer | null;
}

const selectSession =
  'select s.*, k.kek_id, k.wrapped_key from record_sessions s left join record_keys k using (session_id)';

function storedSession(row: SessionRow): StoredSession {
  return {
    facts: factsOf(row),
    key: row.kek_id && row.wrapped_key ? { kekId: row.kek_id, wrapped: row.wrapped_key } : null,
    ended: row.ended_at !== null,
  };
}

/** The facts of a session's row. */
export function factsOf(row: SessionRow): SessionFacts {
  return {
    sessionId: row.session_id,
    connection: row.connection,
    callerKey: row.caller_key,
    subject: row.subject,
    client: row.client,
    credentialId: row.credential_id,
    ...(row.actors.length > 0 && { actors: row.actors }),
  };
}

function factValues(facts: SessionFacts): unknown[] {
  const orNull = (text: string | null): string | null => (text === null ? null : storable(text));
  return [
    storable(facts.sessionId),
    storable(facts.connection),
    storable(facts.callerKey),
    storable(facts.subject),
    orNull(facts.client),
    orNull(facts.credentialId),
    (facts.actors ?? []).map(storable),
  ];
}

/** PostgreSQL's text knows neither NUL nor lone surrogates, and a hostile name must not stop a commit of others. */
function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\u{fffd}');
}
