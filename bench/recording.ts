/**
 * What recording costs. Usage: node bench/recording.ts [--seconds N] [--long N] [--lanes N] [--only writing|verifying|long]
 *
 * Interleaves, on one PostgreSQL with fsync on: the recorder (sealing, chaining, group commit; one session for each
 * caller) and, as the yardstick, a bare group-committed binary COPY of the same rows into a table without an index.
 * Then: bytes stored for each byte recorded, speed of the log and of verification, and how soon a long session opens.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { createLogStore } from '../db/records-log.ts';
import { createRecordStore } from '../db/records.ts';
import { withVerifySource } from '../db/records-verify.ts';
import { migrate } from '../db/migrate.ts';
import { openPool, type Pool } from '../db/pool.ts';
import type { Masked } from '../masking/masked.ts';
import type { RecordEvent, SessionFacts } from '../recording/event.ts';
import { localKeyRing, newDataKey } from '../recording/key-ring.ts';
import { noteSigner, noteVerifier } from '../recording/log/note.ts';
import { sequence } from '../recording/log/sequence.ts';
import { verifyLog } from '../recording/log/verify.ts';
import { createRecorder } from '../recording/recorder.ts';
import { startTestPostgres } from '../test/support/postgres.ts';
import { bareCopy } from './recording-bare.ts';
import { replayOpens } from './replay-opens.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    long: { type: 'string', default: '1000000' },
    lanes: { type: 'string', default: '2' },
    only: { type: 'string' },
  },
});
const seconds = Number(values.seconds);
const key = newDataKey();
const keyRing = localKeyRing([key]);

interface Measured {
  perSecond: number;
  p50: number;
  p99: number;
  cpuMs: number;
}

/** Calls `once` from `callers` loops for some seconds. */
async function load(callers: number, once: (caller: number) => Promise<unknown>): Promise<Measured> {
  const times: number[] = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  const until = start + seconds * 1000;
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      while (performance.now() < until) {
        const before = performance.now();
        await once(caller);
        times.push(performance.now() - before);
      }
    }),
  );
  const used = process.cpuUsage(cpu);
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? NaN;
  return {
    perSecond: times.length / ((performance.now() - start) / 1000),
    p50: at(0.5),
    p99: at(0.99),
    cpuMs: (used.user + used.system) / times.length,
  };
}

function session(id: string): SessionFacts {
  return { sessionId: id, connection: 'c', callerKey: 'k', subject: 's', client: null, credentialId: null };
}

function message(bytes: number): RecordEvent {
  const text = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"x":"${randomBytes(bytes)
    .toString('base64')
    .slice(0, bytes - 60)}"}}`;
  return {
    kind: 'message',
    direction: 'client-to-upstream',
    callId: 'c-1',
    method: 'tools/call',
    tool: 'query',
    verdict: 'pass',
    rule: 'reads',
    policyVersion: null,
    bytes: text as Masked<string>,
    unmasked: text,
  };
}

async function writing(pool: Pool): Promise<void> {
  console.log('size    callers  what      events/s   p50 ms  p99 ms  CPU µs/event');
  for (const size of [1024, 10_240])
    for (const callers of [1, 16, 64]) {
      const limits = { lanes: Number(values.lanes) };
      const recorder = createRecorder({ store: createRecordStore(pool), keyRing, limits });
      const bare = await bareCopy(pool, size + 300);
      const event = message(size);
      const run = randomBytes(4).toString('hex');
      const record = async (caller: number): Promise<unknown> =>
        recorder.append(session(`${run}-${caller}`), event);
      await Promise.all(Array.from({ length: callers }, async (_, caller) => record(caller)));
      const rows: Record<string, Measured[]> = { bare: [], recorder: [] };
      for (let round = 0; round < 3; round += 1) {
        rows['bare']?.push(await load(callers, bare.write));
        rows['recorder']?.push(await load(callers, record));
      }
      for (const [what, rounds] of Object.entries(rows)) {
        const middle = rounds.toSorted((a, b) => a.perSecond - b.perSecond)[1];
        if (!middle) continue;
        const { perSecond, p50, p99, cpuMs } = middle;
        console.log(
          `${String(size).padEnd(8)}${String(callers).padEnd(9)}${what.padEnd(10)}${perSecond.toFixed(0).padStart(8)}  ${p50.toFixed(2).padStart(7)} ${p99.toFixed(2).padStart(7)}  ${cpuMs.toFixed(0).padStart(8)}`,
        );
      }
      await bare.close();
      await recorder.close();
      await pool.query(
        'truncate records, log_state; insert into log_state default values; update record_writers set retired = true',
      );
    }
}

async function verifying(pool: Pool): Promise<void> {
  const recorder = createRecorder({ store: createRecordStore(pool), keyRing });
  const event = message(4096);
  const count = 20_000;
  for (let done = 0; done < count; done += 500)
    await Promise.all(
      Array.from({ length: 500 }, async (_, k) => recorder.append(session(`v-${k % 50}`), event)),
    );
  await recorder.close();
  const signer = noteSigner('bench/log', randomBytes(32));
  const store = createLogStore(pool);
  let start = performance.now();
  let entries = 0;
  for (;;) {
    const step = await sequence(store, signer, { maxRecords: 4096, seen: null });
    if (!step || step.added === 0) break;
    entries += step.added;
  }
  const logMs = performance.now() - start;
  await pool.query('vacuum analyze');
  const { rows } = await pool.query<{ records: string; log: string; sealed: string }>(
    `select (select sum(pg_total_relation_size(inhrelid)) from pg_inherits where inhparent = 'records'::regclass) as records,
       pg_total_relation_size('log_tiles') + pg_total_relation_size('log_bundles') + pg_total_relation_size('log_runs') as log,
       (select sum(length(sealed)) from records) as sealed`,
  );
  const recorded = entries * event.bytes.length;
  const stored = Number(rows[0]?.records);
  console.log(`log: ${((entries / logMs) * 1000).toFixed(0)} entries/s taken in`);
  console.log(
    `stored for each byte recorded (4 KB events): ${(stored / recorded).toFixed(2)} in records, ${(Number(rows[0]?.log) / recorded).toFixed(3)} in the log`,
  );
  for (const deep of [false, true]) {
    start = performance.now();
    const options = { verifier: noteVerifier(signer.vkey), keptCheckpoints: [], keyRing, deep };
    const report = await withVerifySource(pool, (source) => verifyLog(source, options));
    const ms = performance.now() - start;
    if (report.problems.length > 0) throw new Error(report.problems[0]?.message);
    console.log(
      `verify${deep ? ' --deep' : ''}: ${(report.bytes / 1e3 / ms).toFixed(0)} MB/s, ${((report.records / ms) * 1000).toFixed(0)} records/s`,
    );
  }
}

async function longSession(pool: Pool, url: string, events: number): Promise<void> {
  const recorder = createRecorder({ store: createRecordStore(pool), keyRing });
  const event = message(200);
  for (let done = 0; done < events; done += 2000)
    await Promise.all(
      Array.from({ length: Math.min(2000, events - done) }, async () =>
        recorder.append(session('long'), event),
      ),
    );
  await recorder.close();
  await replayOpens({ pool, url, keyRing, key, sessionId: 'long', events });
}

const server = await startTestPostgres(['fsync=on', 'shared_buffers=256MB', 'max_wal_size=4GB']);
try {
  const pool = openPool(server.url);
  await migrate(pool);
  const wanted = (part: string): boolean => values.only === undefined || values.only === part;
  if (wanted('writing')) await writing(pool);
  if (wanted('verifying')) await verifying(pool);
  if (wanted('long')) await longSession(pool, server.url, Number(values.long));
  await pool.end();
} finally {
  await server.stop();
}
