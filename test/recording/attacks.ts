import assert from 'node:assert/strict';
import type { Pool } from '../../db/pool.ts';
import { createLogStore } from '../../db/records-log.ts';
import { leafHash } from '../../recording/header.ts';
import { bundled, entriesOf, grow, tileWidth } from '../../recording/log/tiles.ts';

/** One record as an attacker with all rights finds it. */
export interface Target {
  readonly index: number;
  readonly strand: string;
  readonly seq: number;
  readonly sessionId: string;
  readonly kind: number;
  readonly last: boolean;
}

/** What verification must say: one of these codes, first of all, and of this place in the log. */
export interface Expected {
  readonly codes: readonly string[];
  /** Exactly this entry; null: it has no place in the log. */
  readonly index?: number | null;
  /** Where the first problem can only say about where: another must be of exactly this entry. */
  readonly among?: number;
  /** The first problem's message must say this. */
  readonly says?: RegExp;
}

export interface Attack {
  readonly name: string;
  /** The kind of record that it is aimed at; any but a strand's first and last by default. */
  readonly aim?: (target: Target) => boolean;
  /** Whether only a checkpoint that was kept elsewhere shows it. */
  readonly needsKept?: boolean;
  run(pool: Pool, target: Target, other: Target): Promise<Expected>;
}

/** Every record in the log. */
export async function targets(pool: Pool): Promise<Target[]> {
  const { rows } = await pool.query<{
    index: string;
    strand: string;
    seq: string;
    session_id: string;
    kind: number;
    last: boolean;
  }>(
    `select l.first_index + (r.position - l.first_position) as index, r.strand, r.seq, s.session_id,
       get_byte(r.header, 4) as kind, r.seq = max(r.seq) over (partition by r.strand) as last
     from log_runs l
     join records r on r.writer_no = l.writer_no and r.position >= l.first_position
       and r.position < l.first_position + l.count
     join record_strands s on s.strand = r.strand order by 1`,
  );
  return rows.map(({ index, strand, seq, session_id, kind, last }) => ({
    index: Number(index),
    strand,
    seq: Number(seq),
    sessionId: session_id,
    kind,
    last,
  }));
}

const at = ({ strand, seq }: Target): unknown[] => [strand, seq];
const own = 'strand = $1::uuid and seq = $2';

/** Rewrites an entry in the log's bundle; with `tiles`, all tiles above it as well, as the log itself would. */
async function forgeEntry(
  pool: Pool,
  index: number,
  change: (entry: Buffer) => void,
  tiles: boolean,
): Promise<void> {
  const number = Math.floor(index / tileWidth);
  const { rows } = await pool.query<{ entries: Buffer }>('select entries from log_bundles where index = $1', [
    number,
  ]);
  const entries = [...entriesOf(rows[0]?.entries ?? Buffer.alloc(0))];
  const entry = entries[index % tileWidth];
  assert.ok(entry);
  change(entry);
  await pool.query('update log_bundles set entries = $2 where index = $1', [
    number,
    Buffer.concat(entries.map(bundled)),
  ]);
  if (tiles) await forgeTiles(pool);
}

async function forgeTiles(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ entries: Buffer }>('select entries from log_bundles order by index');
  const all = rows.flatMap((row) => [...entriesOf(row.entries)]);
  const nothing = {
    tile: () => Promise.reject(new Error('none')),
    bundle: () => Promise.reject(new Error('none')),
  };
  const grown = await grow(nothing, 0, all);
  for (const { level, index, bytes } of grown.tiles)
    await pool.query('update log_tiles set hashes = $3 where level = $1 and index = $2', [
      level,
      index,
      bytes,
    ]);
  assert.equal(
    leafHash(all[0] ?? Buffer.alloc(0)).equals(grown.tiles[0]?.bytes.subarray(0, 32) ?? Buffer.alloc(0)),
    true,
  );
}

const flip =
  (at: number) =>
  (entry: Buffer): void =>
    void entry.writeUInt8((entry[at] ?? 0) ^ 1, at);

export const attacks: readonly Attack[] = [
  {
    name: 'deleting a record',
    async run(pool, target) {
      await pool.query(`delete from records where ${own}`, at(target));
      return { codes: ['record_missing'], index: target.index };
    },
  },
  {
    name: 'deleting a record, and its place in the list of runs',
    async run(pool, target) {
      await pool.query(`delete from records where ${own}`, at(target));
      await pool.query(
        `with hit as (delete from log_runs where first_index <= $1 and first_index + count > $1 returning *)
         insert into log_runs
           select first_index, writer_no, first_position, ($1 - first_index)::int from hit where first_index < $1
           union all
           select $1 + 1, writer_no, first_position + ($1 - first_index) + 1, (first_index + count - $1 - 1)::int
           from hit where first_index + count > $1 + 1`,
        [target.index],
      );
      return { codes: ['record_missing'], index: target.index };
    },
  },
  {
    name: 'deleting a session without a trace',
    async run(pool, { sessionId }) {
      const { rows } = await pool.query<{ index: string }>(
        `select min(l.first_index + (r.position - l.first_position)) as index from records r
         join record_strands s on s.strand = r.strand and s.session_id = $1
         join log_runs l on l.writer_no = r.writer_no and r.position >= l.first_position
           and r.position < l.first_position + l.count`,
        [sessionId],
      );
      await pool.query(
        'delete from records where strand in (select strand from record_strands where session_id = $1)',
        [sessionId],
      );
      await pool.query('delete from record_sessions where session_id = $1', [sessionId]);
      return { codes: ['record_missing'], index: Number(rows[0]?.index) };
    },
  },
  {
    name: 'altering one bit of what was said',
    async run(pool, target) {
      await pool.query(
        `update records set sealed = set_byte(sealed, length(sealed) / 2, get_byte(sealed, length(sealed) / 2) # 1)
         where ${own}`,
        at(target),
      );
      return { codes: ['record_altered'], index: target.index };
    },
  },
  {
    name: 'altering what was said, the hash of it, the log and every tile above',
    async run(pool, target) {
      await pool.query(
        `update records set sealed = set_byte(sealed, 3, get_byte(sealed, 3) # 1),
           header = overlay(header placing sha256(set_byte(sealed, 3, get_byte(sealed, 3) # 1)) from 117 for 32)
         where ${own}`,
        at(target),
      );
      const { rows } = await pool.query<{ header: Buffer }>(
        `select header from records where ${own}`,
        at(target),
      );
      const forged = rows[0]?.header ?? Buffer.alloc(180);
      await forgeEntry(pool, target.index, (entry) => entry.set(forged), true);
      return { codes: ['history_changed'], says: /not those that/ };
    },
  },
  {
    name: 'exchanging two records of a session',
    aim: ({ seq, last }) => seq === 1 && !last,
    async run(pool, target) {
      await pool.query(
        `with pair as (select * from records where strand = $1::uuid and seq in ($2, $2::bigint + 1))
         update records r set header = o.header, sealed = o.sealed from pair o
         where r.strand = $1::uuid and o.seq = 2 * $2::bigint + 1 - r.seq and r.seq in ($2, $2::bigint + 1)`,
        at(target),
      );
      return { codes: ['record_altered'], index: target.index };
    },
  },
  {
    name: 'renumbering two records of a session',
    aim: ({ seq, last }) => seq === 1 && !last,
    async run(pool, target) {
      await pool.query(
        `update records set seq = 2 * $2::bigint + 1 - seq where strand = $1::uuid and seq in ($2, $2::bigint + 1)`,
        at(target),
      );
      return { codes: ['record_moved'], index: target.index };
    },
  },
  {
    name: 'cutting off the end of a strand',
    async run(pool, target) {
      await pool.query(`delete from records where strand = $1::uuid and seq >= $2`, at(target));
      return { codes: ['record_missing'], index: target.index };
    },
  },
  {
    name: 'emptying the table of records',
    async run(pool) {
      await pool.query('truncate records');
      return { codes: ['record_missing'], index: 0 };
    },
  },
  {
    name: 'back-dating a record where it is filed',
    async run(pool, target) {
      await pool.query(`update records set at = at - interval '1 day' where ${own}`, at(target));
      return { codes: ['record_moved'], index: target.index };
    },
  },
  {
    name: 'back-dating a record where it is filed, in its header, in the log and every tile above',
    async run(pool, target) {
      const earlier = (header: Buffer): void =>
        void header.writeBigUInt64BE(header.readBigUInt64BE(64) - 86_400_000_000n, 64);
      const { rows } = await pool.query<{ header: Buffer }>(
        `select header from records where ${own}`,
        at(target),
      );
      const forged = rows[0]?.header ?? Buffer.alloc(180);
      earlier(forged);
      await pool.query(`update records set header = $3, at = at - interval '1 day' where ${own}`, [
        ...at(target),
        forged,
      ]);
      await forgeEntry(pool, target.index, earlier, true);
      return { codes: ['history_changed', 'back_dated'] };
    },
  },
  {
    name: 'splicing a strand into another session',
    async run(pool, { strand, sessionId }, other) {
      assert.notEqual(sessionId, other.sessionId);
      const { rows } = await pool.query<{ index: string }>(
        `select min(l.first_index + (r.position - l.first_position)) as index from records r
         join log_runs l on l.writer_no = r.writer_no and r.position >= l.first_position
           and r.position < l.first_position + l.count where r.strand = $1`,
        [strand],
      );
      await pool.query('update record_strands set session_id = $2 where strand = $1', [
        strand,
        other.sessionId,
      ]);
      return { codes: ['record_moved'], index: Number(rows[0]?.index) };
    },
  },
  {
    name: "putting another session's record in the place of one",
    async run(pool, target, other) {
      await pool.query(
        `update records r set header = o.header, sealed = o.sealed from records o
         where r.strand = $1::uuid and r.seq = $2 and o.strand = $3::uuid and o.seq = $4`,
        [...at(target), ...at(other)],
      );
      return { codes: ['record_altered'], index: target.index };
    },
  },
  {
    name: "listing a session under another person's name",
    async run(pool, { sessionId }) {
      await pool.query(`update record_sessions set subject = 'mallory' where session_id = $1`, [sessionId]);
      const { rows } = await pool.query<{ index: string }>(
        `select min(l.first_index + (r.position - l.first_position)) as index from records r
         join record_strands s on s.strand = r.strand and s.session_id = $1
         join log_runs l on l.writer_no = r.writer_no and r.position >= l.first_position
           and r.position < l.first_position + l.count`,
        [sessionId],
      );
      return { codes: ['session_altered'], index: Number(rows[0]?.index) };
    },
  },
  {
    name: 'destroying a key without a purge',
    async run(pool, { sessionId }) {
      await pool.query('delete from record_keys where session_id = $1', [sessionId]);
      return { codes: ['key_missing'], index: null, says: new RegExp(`${sessionId} has lost its key`) };
    },
  },
  {
    name: "pretending a purge with a tombstone of one's own",
    async run(pool, { sessionId }) {
      await pool.query(
        `insert into log_tombstones (session_id, entry)
         values ($1, 'HPT1'::bytea || sha256(convert_to($1::text, 'UTF8')) || decode(repeat('00', 8), 'hex') || '\\x0002'::bytea ||
           '{}'::bytea || decode(repeat('00', 64), 'hex'))`,
        [sessionId],
      );
      await pool.query('delete from record_keys where session_id = $1', [sessionId]);
      return { codes: ['forged_tombstone', 'key_missing'], index: null };
    },
  },
  {
    name: 'putting a record in afterwards',
    async run(pool, target) {
      await pool.query(
        `insert into records select writer_no, position + 1000000, strand, seq + 1000, at, header, sealed
         from records where ${own}`,
        at(target),
      );
      return { codes: ['unlogged', 'record_altered', 'broken_chain'], index: null };
    },
  },
  {
    name: 'doubling a record',
    async run(pool, target) {
      await pool.query(`insert into records select * from records where ${own}`, at(target));
      return { codes: ['record_moved'], index: target.index };
    },
  },
  {
    name: 'altering an entry of the log alone',
    async run(pool, target) {
      await forgeEntry(pool, target.index, flip(70), false);
      return { codes: ['history_changed', 'log_damaged', 'record_altered'], among: target.index };
    },
  },
  {
    name: 'altering a tile of the log alone',
    async run(pool, target) {
      const number = Math.floor(target.index / tileWidth);
      const byte = (target.index % tileWidth) * 32 + 5;
      await pool.query(
        'update log_tiles set hashes = set_byte(hashes, $2, get_byte(hashes, $2) # 1) where level = 0 and index = $1',
        [number, byte],
      );
      return { codes: ['log_damaged'], index: target.index };
    },
  },
  {
    name: 'taking back the log to its first checkpoint, with all that came after',
    needsKept: true,
    async run(pool) {
      const { rows } = await pool.query<{ size: string }>(
        'select min(size) as size from log_checkpoints where size > 0',
      );
      const size = Number(rows[0]?.size);
      await pool.query(
        `delete from records r using log_runs l where l.writer_no = r.writer_no and l.first_index >= ${size}
           and r.position >= l.first_position and r.position < l.first_position + l.count;
         delete from records r using log_runs l where l.writer_no = r.writer_no and l.first_index < ${size}
           and l.first_index + l.count > ${size} and r.position >= l.first_position + (${size} - l.first_index)
           and r.position < l.first_position + l.count;
         delete from log_runs where first_index >= ${size};
         update log_runs set count = least(count, ${size} - first_index);
         delete from log_checkpoints where size > ${size}; update log_state set size = ${size};
         update record_writers set retired = true`,
      );
      await createLogStore(pool).checkpoint();
      return { codes: ['rolled_back'], index: size };
    },
  },
];
