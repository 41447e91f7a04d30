import { NativeConnection } from '@temporalio/worker';
import { pino } from 'pino';
import { createActivities } from '../activities/settling.ts';
import { registerSearchAttributes, runWorker } from '../activities/worker.ts';
import { startGate } from '../gateway/containment/gate.ts';
import { startHolding, type HoldingDeps } from '../gateway/hold/holding.ts';
import { createHold } from '../gateway/hold/hold.ts';
import { createRunning } from '../gateway/hold/running.ts';
import { defaultHoldSettings } from '../gateway/hold/settings.ts';
import { createWaiters } from '../gateway/hold/waiters.ts';
import type { HoldPort } from '../gateway/hold-port.ts';
import { createUpstreams } from '../gateway/upstreams/upstreams.ts';
import { createRecordStore } from '../db/records.ts';
import { defaultMaskingConfig } from '../masking/check-config.ts';
import { createMaskingEngine } from '../masking/create.ts';
import { localKeyRing } from '../recording/key-ring.ts';
import { createRecorder } from '../recording/recorder.ts';
import { httpConnection, policyOf, testGateway } from '../test/support/gateway.ts';
import { testDatabase } from '../test/support/postgres.ts';
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

async function gateway(settings: BenchSettings): Promise<string> {
  const benchPolicy = policyOf(policyText, ['bench']);
  const connections = { bench: httpConnection(settings.upstream) };
  const db = await testDatabase();
  const log = pino({ level: 'warn' }, process.stderr);
  const keyRing = localKeyRing([key]);
  const engine = createMaskingEngine(defaultMaskingConfig);
  const gate = await startGate({ pool: db.pool, databaseUrl: db.url, replica: 'bench', log });
  const deps: Omit<HoldingDeps, 'approvals' | 'temporal'> = {
    gate,
    pool: db.pool,
    databaseUrl: db.url,
    keyRing,
    recorder: createRecorder({ store: createRecordStore(db.pool), keyRing }),
    maskers: () => engine,
    definitions: { learn: async () => new Map() },
    upstreams: createUpstreams(connections, { log, masker: () => engine.masker('default') }),
    votePublicKeys: { bench: settings.votePublicKey },
    attachSecret: key,
    replica: 'bench',
    settings: {
      ...defaultHoldSettings,
      heldCallsPerCaller: 100_000,
      replyBudgetMs: 3_600_000,
      progressBudgetMs: 3_600_000,
    },
    consoleUrl: 'http://127.0.0.1:8471',
    policy: () => benchPolicy,
    recheck: async () => null,
    now: Date.now,
    log,
    onFailed: (error) => log.error(error),
  };
  const hold = settings.temporal === null ? holdOnly(deps) : await holdReally(deps, settings.temporal);
  const running = await testGateway({
    connections,
    hold,
    logLevel: 'warn',
    policy: policyText,
    limits: { streams: 100_000, streamsPerCaller: 100_000, sessions: 100_000 },
  });
  return JSON.stringify({ url: running.url('bench'), databaseUrl: db.url });
}

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
