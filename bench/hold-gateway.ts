import { NativeConnection } from '@temporalio/worker';
import { createActivities } from '../activities/settling.ts';
import { registerSearchAttributes, runWorker } from '../activities/worker.ts';
import { startHolding, type HoldingDeps } from '../gateway/hold/holding.ts';
import { createHold } from '../gateway/hold/hold.ts';
import { createRunning } from '../gateway/hold/running.ts';
import { defaultHoldSettings } from '../gateway/hold/settings.ts';
import { createWaiters } from '../gateway/hold/waiters.ts';
import type { HoldPort } from '../gateway/hold-port.ts';
import { httpConnection, testGateway } from '../test/support/gateway.ts';
import { bundleWorkflows } from '../workflows/bundle.ts';
import { createApprovals, dataConverterOf, linkTemporal } from '../workflows/client.ts';
import { createCodec } from '../workflows/codec.ts';

/**
 * The processes that `bench/hold.ts` measures: `gateway SETTINGS` and `worker SETTINGS` (JSON). Each says a first
 * line when it is ready, then its use of memory and CPU for every line it reads.
 */
export interface BenchSettings {
  readonly upstream: string;
  /** Null: nobody is asked; the cost of holding alone. */
  readonly temporal: string | null;
  /** Where the worker finds the gateway's rows; null for the gateway, which makes a database. */
  readonly databaseUrl: string | null;
  readonly votePublicKey: string;
}

/** What a process says of itself. */
export interface Usage {
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** What V8 has taken from the system for its heap, used or not. */
  readonly heapTotalBytes: number;
  /** Outside the heap, held by objects in it; array buffers are part of it. */
  readonly externalBytes: number;
  readonly arrayBufferBytes: number;
  /** Used so far, before and after the garbage was cleared away for this measurement. */
  readonly cpuMs: number;
  readonly cpuAfterMs: number;
}

const key = Buffer.alloc(32, 7);
const policyText = `
default: deny
approvers: { team: { people: [ann@example.com] } }
rules:
  - { name: reads, match: { connection: bench, tool: "get_*" }, then: pass }
  - { name: writes, match: { connection: bench, tool: echo }, then: hold, approvers: [team], timeout: 2h }
`;
const codecKeys = [key];

/** A gateway as `holdpoint gateway` runs it: one database, one recorder, one watch on what is revoked. */
async function gateway(settings: BenchSettings): Promise<string> {
  const { temporal, votePublicKey } = settings;
  const running = await testGateway({
    connections: { bench: httpConnection(settings.upstream) },
    key,
    hold: (parts) => {
      const deps = { ...parts, ...benchHolding, votePublicKeys: { bench: votePublicKey } };
      return temporal === null ? holdOnly(deps) : holdReally(deps, temporal);
    },
    logLevel: 'warn',
    policy: policyText,
    limits: { streams: 100_000, streamsPerCaller: 100_000, sessions: 100_000 },
  });
  return JSON.stringify({ url: running.url('bench'), databaseUrl: running.db.url });
}

/** How the bench's gateway holds, beside what it shares with the rest of the gateway. */
const benchHolding = {
  definitions: { learn: async () => new Map() },
  attachSecret: key,
  settings: {
    ...defaultHoldSettings,
    heldCallsPerCaller: 100_000,
    replyBudgetMs: 3_600_000,
    progressBudgetMs: 3_600_000,
  },
  consoleUrl: 'http://127.0.0.1:8471',
  recheck: async () => null,
  now: Date.now,
  onFailed: (error: unknown) => console.error(error),
} satisfies Partial<HoldingDeps>;

/** Holding without anybody to ask: what waits, and what is written down, is the real thing. */
function holdOnly(deps: Omit<HoldingDeps, 'approvals' | 'temporal'>): HoldPort {
  const nothing = async (): Promise<void> => {};
  const approvals = { open: nothing, cancel: nothing, attached: nothing, detached: nothing };
  return createHold({ ...deps, approvals, waiters: createWaiters(), running: createRunning() });
}

async function holdReally(
  deps: Omit<HoldingDeps, 'approvals' | 'temporal'>,
  address: string,
): Promise<HoldPort> {
  const link = linkTemporal({ address, namespace: 'default', apiKey: null, tls: null, codecKeys });
  return startHolding({
    ...deps,
    approvals: createApprovals(link.client, null),
    temporal: {
      connection: await NativeConnection.connect({ address }),
      namespace: 'default',
      dataConverter: link.dataConverter,
    },
  });
}

async function worker({ temporal, databaseUrl }: BenchSettings): Promise<string> {
  const { openPool } = await import('../db/pool.ts');
  const connection = await NativeConnection.connect({ address: temporal ?? '' });
  await registerSearchAttributes(connection, 'default');
  await runWorker({
    connection,
    namespace: 'default',
    dataConverter: dataConverterOf(createCodec(codecKeys)),
    activities: createActivities({
      pool: openPool(databaseUrl ?? ''),
      cards: null,
      recording: null,
      log: { info: () => {}, warn: () => {} },
    }),
    workflowBundle: await bundleWorkflows(),
    onEnded: () => {},
    onFailed: (error) => console.error(error),
  });
  return 'ready';
}

const [role, given] = process.argv.slice(2);
const settings = JSON.parse(given ?? '{}') as BenchSettings;
console.log(await (role === 'worker' ? worker(settings) : gateway(settings)));
process.stdin.on('data', () => {
  // Clearing away garbage for the measurement is no work of the gateway's: the time before it ends one interval, the
  // time after it begins the next.
  const cpuMs = usedMs();
  // What is kept, without what V8 would clear away once it needs the room.
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  const { rss, heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
  const usage: Usage = {
    rssBytes: rss,
    heapBytes: heapUsed,
    heapTotalBytes: heapTotal,
    externalBytes: external,
    arrayBufferBytes: arrayBuffers,
    cpuMs,
    cpuAfterMs: usedMs(),
  };
  console.log(JSON.stringify(usage));
});
process.stdin.on('end', () => process.exit(0));

function usedMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
