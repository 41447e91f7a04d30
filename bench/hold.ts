import { generateKeyPairSync } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPool } from '../db/pool.ts';
import { startTestPostgres } from '../test/support/postgres.ts';
import { startTestTemporal } from '../test/support/temporal.ts';
import { createApprovals, linkTemporal } from '../workflows/client.ts';
import { callOf, headers, initialize, start, startUpstream, usageOf } from './held-calls.ts';

/**
 * What a held call costs. Memory and idle CPU of a gateway that holds N calls, each on a connection of its own; and
 * how long it takes from a person's decision until upstream receives the call, with PostgreSQL and Temporal real.
 *
 * Usage: node bench/hold.ts [--held 1000,2000,10000] [--decisions 100] [--idle SECONDS] [--json]
 */

const held = option('--held', '1000,2000,10000').split(',').map(Number);
const decisions = Number(option('--decisions', '100'));
const idleSeconds = Number(option('--idle', '20'));

function option(name: string, otherwise: string): string {
  const at = process.argv.indexOf(name);
  return (at === -1 ? undefined : process.argv[at + 1]) ?? otherwise;
}

/** A call on a bare socket, so that ten thousand of them cost this process little. */
function callOnSocket(url: URL, session: string, n: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const body = callOf(n);
    const lines = [
      `POST ${url.pathname} HTTP/1.1`,
      `host: ${url.host}`,
      `mcp-session-id: ${session}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      `content-length: ${Buffer.byteLength(body)}`,
    ];
    const socket = connect(Number(url.port), url.hostname, () =>
      socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`),
    );
    // The first bytes are the event stream's head: from then on the call is held.
    socket.once('data', (chunk: Buffer) => {
      const held = chunk.toString('latin1', 0, 12).endsWith(' 200');
      socket.resume();
      if (held) resolve(socket);
      else reject(new Error(chunk.toString('latin1')));
    });
    socket.once('error', reject);
  });
}

interface Memory {
  readonly held: number;
  /** What each call cost more than those of the row before: of the resident set, and of the JavaScript heap. */
  readonly rssKbPerCall: number;
  readonly heapKbPerCall: number;
  /** What each of all that are held cost of the resident set. */
  readonly rssKbOfAll: number;
  readonly rssMb: number;
  readonly idleCpuPercent: number;
}

/** One gateway that holds more and more calls; measured at each of `counts`. */
async function memoryOf(upstream: string, counts: readonly number[]): Promise<Memory[]> {
  const target = await start('gateway', { upstream, temporal: null, databaseUrl: null, votePublicKey: '' });
  const url = new URL((JSON.parse(target.ready) as { url: string }).url);
  const session = await initialize(url.href);
  const sockets: Socket[] = [];
  const holdUntil = async (count: number): Promise<void> => {
    while (sockets.length < count) {
      const more = Math.min(50, count - sockets.length);
      const opening = Array.from({ length: more }, (_, index) =>
        callOnSocket(url, session, sockets.length + index + 1),
      );
      sockets.push(...(await Promise.all(opening)));
    }
    await sleep(3000);
  };
  // What the first hundred cost is code and pools, not calls.
  await holdUntil(100);
  const first = { held: 100, ...(await usageOf(target)) };
  let before = first;
  const found: Memory[] = [];
  for (const held of counts) {
    await holdUntil(held);
    const after = await usageOf(target);
    await sleep(idleSeconds * 1000);
    const idle = await usageOf(target);
    const perCall = (what: 'rssBytes' | 'heapBytes'): number =>
      rounded((after[what] - before[what]) / (held - before.held) / 1024);
    found.push({
      held,
      rssKbPerCall: perCall('rssBytes'),
      heapKbPerCall: perCall('heapBytes'),
      rssKbOfAll: rounded((after.rssBytes - first.rssBytes) / (held - first.held) / 1024),
      rssMb: rounded(after.rssBytes / 1024 / 1024),
      idleCpuPercent: rounded(((idle.cpuMs - after.cpuAfterMs) / (idleSeconds * 1000)) * 100),
    });
    before = { held, ...after };
  }
  for (const socket of sockets) socket.destroy();
  target.process.kill('SIGKILL');
  return found;
}

interface Latency {
  readonly decisions: number;
  readonly clickToUpstreamP50Ms: number;
  readonly clickToUpstreamP99Ms: number;
  readonly clickToResultP50Ms: number;
  readonly clickToResultP99Ms: number;
}

async function latency(upstream: { url: string; arrivals: Map<number, number> }): Promise<Latency> {
  const temporal = await startTestTemporal();
  const keys = generateKeyPairSync('ed25519');
  const votePublicKey = keys.publicKey.export({ format: 'jwk' }).x ?? '';
  const settings = { upstream: upstream.url, temporal: temporal.address, votePublicKey };
  const gateway = await start('gateway', { ...settings, databaseUrl: null });
  const { url, databaseUrl } = JSON.parse(gateway.ready) as { url: string; databaseUrl: string };
  const worker = await start('worker', { ...settings, databaseUrl });
  const link = linkTemporal({
    address: temporal.address,
    namespace: 'default',
    apiKey: null,
    tls: null,
    codecKeys: [Buffer.alloc(32, 7)],
  });
  const approvals = createApprovals(link.client, { id: 'bench', privateKey: keys.privateKey });
  const pool = openPool(databaseUrl);
  const session = await initialize(url);
  const toUpstream: number[] = [];
  const toResult: number[] = [];
  for (let n = 1; n <= decisions + 5; n++) {
    const body = callOf(n);
    const reply = fetch(url, { method: 'POST', headers: { ...headers, 'mcp-session-id': session }, body });
    const call = await pendingCall(pool);
    const clickedAt = performance.now();
    await approvals.decide({
      workflowId: call.workflow_id,
      callId: call.call_id,
      digest: call.digest,
      updateId: call.call_id,
      person: { keys: ['oidc:https://idp#ann'], name: 'Ann' },
      decision: 'approve',
      reason: null,
      groups: ['team'],
      via: 'console',
    });
    const text = await (await reply).text();
    if (!text.includes('done')) throw new Error(text);
    if (n <= 5) continue; // Warming up.
    toUpstream.push((upstream.arrivals.get(n) ?? Number.NaN) - clickedAt);
    toResult.push(performance.now() - clickedAt);
  }
  await pool.end();
  await link.close();
  for (const { process: child } of [gateway, worker]) child.kill('SIGKILL');
  await temporal.stop();
  return {
    decisions,
    clickToUpstreamP50Ms: percentile(toUpstream, 0.5),
    clickToUpstreamP99Ms: percentile(toUpstream, 0.99),
    clickToResultP50Ms: percentile(toResult, 0.5),
    clickToResultP99Ms: percentile(toResult, 0.99),
  };
}

async function pendingCall(
  pool: ReturnType<typeof openPool>,
): Promise<{ call_id: string; workflow_id: string; digest: string }> {
  for (;;) {
    const { rows } = await pool.query<{ call_id: string; workflow_id: string; digest: string }>(
      `select call_id, workflow_id, digest from held_calls where state = 'pending' and opened_at is not null`,
    );
    if (rows[0]) return rows[0];
    await sleep(5);
  }
}

function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return rounded(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN);
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

async function main(): Promise<void> {
  const upstream = await startUpstream();
  // PostgreSQL as it is in production: every commit reaches the disk.
  const postgres = await startTestPostgres(['fsync=on']);
  process.env['HOLDPOINT_TEST_POSTGRES'] = postgres.url;
  try {
    const memory = await memoryOf(upstream.url, held);
    const speed = decisions > 0 ? await latency(upstream) : null;
    if (process.argv.includes('--json')) console.log(JSON.stringify({ memory, latency: speed }));
    else {
      console.table(memory);
      if (speed) console.table([speed]);
    }
  } finally {
    upstream.stop();
    await postgres.stop();
  }
}

await main();
process.exit(0);
