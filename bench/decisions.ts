import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { openPool, type Pool } from '../db/pool.ts';
import { startTestPostgres } from '../test/support/postgres.ts';
import { startTestTemporal } from '../test/support/temporal.ts';
import { createApprovals, linkTemporal } from '../workflows/client.ts';
import { bare, bareWithActivity, decide } from './bare-workflow.ts';
import { cpuMsOf } from './cpu-of.ts';
import { callOf, headers, initialize, start, startUpstream } from './held-calls.ts';

/**
 * How many held calls a second are decided, run upstream and answered, beside how many bare workflows (start, Update,
 * complete) the same Temporal server completes in the same run, and how many that have one activity run as well.
 *
 * Usage: node bench/decisions.ts [--calls 500] [--concurrency 32] [--rounds 3] [--json]
 */
const calls = Number(option('--calls', '500'));
const concurrency = Number(option('--concurrency', '32'));
const rounds = Number(option('--rounds', '3'));

function option(name: string, otherwise: string): string {
  const at = process.argv.indexOf(name);
  return (at === -1 ? undefined : process.argv[at + 1]) ?? otherwise;
}

/** Does something with each, so many at a time. @returns how many a second */
async function rateOf<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<number> {
  const queue = [...items];
  const began = performance.now();
  const workers = Array.from({ length: concurrency }, async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  });
  await Promise.all(workers);
  return Math.round(items.length / ((performance.now() - began) / 1000));
}

interface Waiting {
  readonly workflowId: string;
  readonly callId: string;
  readonly digest: string;
}

async function waiting(pool: Pool): Promise<Waiting[]> {
  for (;;) {
    const { rows } = await pool.query<Waiting>(
      `select workflow_id as "workflowId", call_id as "callId", digest from held_calls
       where state = 'pending' and opened_at is not null`,
    );
    if (rows.length === calls) return rows;
    await sleep(100);
  }
}

async function answered(reply: Response): Promise<void> {
  const text = await reply.text();
  if (!text.includes('done')) throw new Error(text);
}

/** Everything that takes part, in processes of their own. */
async function parts() {
  const upstream = await startUpstream();
  const postgres = await startTestPostgres(['fsync=on']);
  process.env['HOLDPOINT_TEST_POSTGRES'] = postgres.url;
  const temporal = await startTestTemporal();
  const keys = generateKeyPairSync('ed25519');
  const votePublicKey = keys.publicKey.export({ format: 'jwk' }).x ?? '';
  const settings = { upstream: upstream.url, temporal: temporal.address, votePublicKey };
  const gateway = await start('gateway', { ...settings, databaseUrl: null });
  const { url, databaseUrl } = JSON.parse(gateway.ready) as { url: string; databaseUrl: string };
  const worker = await start('worker', { ...settings, databaseUrl });
  const bareWorker = spawn(
    process.execPath,
    [fileURLToPath(new URL('./bare-worker.ts', import.meta.url)), temporal.address],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  await new Promise((ready) => createInterface(bareWorker.stdout).once('line', ready));
  const { address } = temporal;
  const codecKeys = [Buffer.alloc(32, 7)];
  const link = linkTemporal({ address, namespace: 'default', apiKey: null, tls: null, codecKeys });
  const pool = openPool(databaseUrl);
  return {
    url,
    pool,
    approvals: createApprovals(link.client, { id: 'bench', privateKey: keys.privateKey }),
    client: new Client({ connection: await Connection.connect({ address }) }),
    processes: {
      client: process.pid,
      gateway: gateway.process.pid,
      worker: worker.process.pid,
      bareWorker: bareWorker.pid,
      temporal: temporal.pid,
      postgres: postgres.pid,
    },
    stop: async () => {
      await Promise.all([gateway.process, worker.process, bareWorker].map(ended));
      await pool.end();
      await link.close();
      await temporal.stop();
      upstream.stop();
      await postgres.stop();
    },
  };
}

type Parts = Awaited<ReturnType<typeof parts>>;

/** Opens calls, each of which waits. @returns how many a second, and what tells when all have their answers */
async function open({ url }: Parts, session: string, round: number) {
  const replies: Promise<void>[] = [];
  const rate = await rateOf(
    Array.from({ length: calls }, (_, n) => callOf(round * 1_000_000 + n)),
    async (body) => {
      const sent = { ...headers, 'mcp-session-id': session };
      replies.push(answered(await fetch(url, { method: 'POST', headers: sent, body })));
    },
  );
  const all = Promise.all(replies);
  all.catch(() => {}); // Said by whoever waits for it.
  return { rate, answered: all };
}

/** Bare workflows, decided on as soon as they have started. @returns how many a second */
function bareRateOf({ client }: Parts, workflow: typeof bare, name: string): Promise<number> {
  return rateOf(
    Array.from({ length: calls }, (_, n) => `${name}-${n}`),
    async (workflowId) => {
      const handle = await client.workflow.start(workflow, { workflowId, taskQueue: 'bare' });
      await handle.executeUpdate(decide, { args: ['approve'] });
      await handle.result();
    },
  );
}

/** One round: bare workflows, then as many held calls opened, decided and delivered. */
async function measure(all: Parts, session: string, round: number) {
  const { pool, approvals, processes } = all;
  const atFirst = cpuOf(processes);
  const bareRate = await bareRateOf(all, bare, `bare-${round}`);
  const afterBare = cpuOf(processes);
  const withActivityRate = await bareRateOf(all, bareWithActivity, `with-activity-${round}`);
  const beforeOpening = cpuOf(processes);
  const opened = await open(all, session, round);
  const held = await Promise.race([waiting(pool), opened.answered.then(() => [])]);
  const beforeDecisions = cpuOf(processes);
  const began = performance.now();
  const decideRate = await rateOf(held, async ({ workflowId, callId, digest }) =>
    approvals.decide({
      workflowId,
      callId,
      digest,
      updateId: callId,
      person: { keys: ['oidc:https://idp#ann'], name: 'Ann' },
      decision: 'approve',
      reason: null,
      groups: ['team'],
      via: 'console',
    }),
  );
  await opened.answered;
  const deliveredRate = Math.round(calls / ((performance.now() - began) / 1000));
  const bareUsed = since(atFirst, afterBare);
  const decisionUsed = since(beforeDecisions, cpuOf(processes));
  return {
    found: {
      round,
      bareRate,
      withActivityRate,
      openedRate: opened.rate,
      decideRate,
      deliveredRate,
      ratio: rounded(deliveredRate / bareRate),
      // What it would be if nothing but the Temporal server's processor time were short.
      ratioByTemporal: rounded((bareUsed['temporal'] ?? 0) / (decisionUsed['temporal'] ?? 0)),
    },
    used: [
      { round, what: 'bare', ...bareUsed },
      { round, what: 'bare and an activity', ...since(afterBare, beforeOpening) },
      { round, what: 'open', ...since(beforeOpening, beforeDecisions) },
      { round, what: 'decide', ...decisionUsed },
    ],
  };
}

async function main(): Promise<void> {
  const all = await parts();
  try {
    const session = await initialize(all.url);
    const measured = [];
    for (let round = 1; round <= rounds; round++) measured.push(await measure(all, session, round));
    const found = measured.map((one) => one.found);
    const used = measured.flatMap((one) => one.used);
    if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ found, used })}\n`);
    else {
      console.table(found);
      console.log('CPU ms for each call, by process:');
      console.table(used);
    }
  } finally {
    await all.stop();
  }
}

/** They end with their input, so that a profile that Node was asked for is written. */
async function ended(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.stdin?.end();
  await exited;
}

/** CPU ms of each process so far; `client` counts all that this one started too, so it is taken apart. */
function cpuOf(processes: Readonly<Record<string, number | undefined>>): Record<string, number> {
  const all = Object.entries(processes).map(([name, pid]) => [name, cpuMsOf(pid ?? 0)] as const);
  const others = all.filter(([name]) => name !== 'client').reduce((total, [, ms]) => total + ms, 0);
  return Object.fromEntries(all.map(([name, ms]) => [name, name === 'client' ? ms - others : ms]));
}

/** CPU ms for each call between two looks. */
function since(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after).map(([name, ms]) => [name, rounded((ms - (before[name] ?? 0)) / calls)]),
  );
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

await main();
process.exit(0);
