import type { KeyStore, StoredKey } from '../recording/rewrap.ts';
import type { Pool } from './pool.ts';

/** Where wrapped keys are stored, and what each is bound to. Names are constants: they go into SQL as they are. */
const places = [
  { table: 'record_keys', owner: 'session_id', context: (owner: string) => owner },
  { table: 'held_call_requests', owner: 'call_id', context: (owner: string) => `held request ${owner}` },
  { table: 'held_call_results', owner: 'call_id', context: (owner: string) => `held result ${owner}` },
  { table: 'mcp_sessions', owner: 'session_id', context: (owner: string) => `mcp-session:${owner}` },
  { table: 'oauth_keys', owner: 'kid', context: (owner: string) => `oauth key ${owner}` },
] as const;

/** The wrapped keys of every table. */
export function createKeyStore(pool: Pool): KeyStore {
  return {
    async olderKeys(kekId, after, limit) {
      const found: StoredKey[] = [];
      const start = after ? places.findIndex((place) => place.table === after.table) : 0;
      for (const { table, owner, context } of places.slice(start)) {
        const behind = after?.table === table ? after.owner : '';
        const { rows } = await pool.query<{ owner: string; kek_id: string; wrapped_key: Buffer }>(
          `select ${owner} as owner, kek_id, wrapped_key from ${table}
           where kek_id <> $1 and ${owner} > $2 order by ${owner} limit $3`,
          [kekId, behind, limit - found.length],
        );
        for (const row of rows)
          found.push({
            table,
            owner: row.owner,
            context: context(row.owner),
            key: { kekId: row.kek_id, wrapped: row.wrapped_key },
          });
        if (found.length === limit) break;
      }
      return found;
    },
    async replace(old, fresh) {
      const place = places.find(({ table }) => table === old.table);
      if (!place) throw new Error(`there is no table of keys ${old.table}`);
      await pool.query(
        `update ${place.table} set kek_id = $3, wrapped_key = $4
         where ${place.owner} = $1 and kek_id = $2 and wrapped_key = $5`,
        [old.owner, old.key.kekId, fresh.kekId, fresh.wrapped, old.key.wrapped],
      );
    },
  };
}
