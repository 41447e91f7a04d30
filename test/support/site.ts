import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { stringify } from 'yaml';
import { openPool, type Pool } from '../../db/pool.ts';
import { type EmbeddedPostgres, freePort, startPostgres } from '../../cli/embedded/postgres.ts';
import type { EmbeddedTemporal } from '../../cli/embedded/temporal.ts';
import { startTestTemporal } from './temporal.ts';

/** A Holdpoint process of its own. */
export interface Process {
  readonly name: string;
  /** Everything it wrote, both streams. */
  output(): string;
  kill(): Promise<void>;
  stop(): Promise<number>;
}

/** Holdpoint in production shape: each role a process, PostgreSQL and Temporal beside them, all of which can die. */
export interface Site extends AsyncDisposable {
  readonly folder: string;
  readonly pool: Pool;
  readonly consoleUrl: string;
  readonly temporalAddress: string;
  readonly databaseUrl: string;
  /** Starts a role; resolves once it says that it runs. `at` names one of several gateways. */
  start(role: 'gateway' | 'worker' | 'slack' | 'console', at?: number): Promise<Process>;
  /** `/mcp/<connection>` of a gateway. */
  url(connection: string, gateway?: number): string;
  /** An MCP client, connected, closed with the site. */
  agent(connection: string, gateway?: number): Promise<Client>;
  /** Runs a `holdpoint` command to its end. */
  command(...args: string[]): Promise<{ code: number; out: string; err: string }>;
  /** Waits for a held call of this tool in one of these states. */
  heldCall(tool: string, states?: readonly string[]): Promise<{ callId: string; state: string }>;
  readonly postgres: { stop(): Promise<void>; start(): Promise<void>; kill(): Promise<void> };
  readonly temporal: { stop(): Promise<void>; start(): Promise<void>; kill(): Promise<void> };
  /** Everything every process ever wrote. */
  outputs(): string;
}

export interface SiteOptions {
  readonly connections: Record<string, unknown>;
  readonly policy: unknown;
  readonly slack?: unknown;
  readonly gateways?: number;
  readonly hold?: unknown;
}

/** Prepares a site; nothing but PostgreSQL and Temporal runs until `start`. */
export async function createSite(options: SiteOptions): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-site-'));
  const ports = await Promise.all([freePort(), freePort(), freePort(), freePort(), freePort()]);
  const [pgPort, temporalPort, consolePort, ...gatewayPorts] = ports as [number, number, number, ...number[]];
  const services = await startServices(folder, pgPort, temporalPort);
  const consoleUrl = `http://127.0.0.1:${consolePort}`;
  await writeFile(join(folder, 'policy.yaml'), stringify(options.policy));
  const processes: RoleProcess[] = [];
  const agents: Client[] = [];
  const pool = openPool(services.databaseUrl());
  const configOf = async (gateway: number): Promise<string> => {
    const file = join(folder, `holdpoint-${gateway}.yaml`);
    const config = {
      agents: { listen: `127.0.0.1:${gatewayPorts[gateway]}` },
      console: { listen: `127.0.0.1:${consolePort}` },
      database: { url: services.databaseUrl() },
      temporal: { address: `127.0.0.1:${temporalPort}` },
      connections: options.connections,
      policy: 'policy.yaml',
      ...(options.slack ? { slack: options.slack } : {}),
      ...(options.hold ? { hold: options.hold } : {}),
    };
    await writeFile(file, stringify(config));
    return file;
  };
  const url = (connection: string, gateway = 0): string =>
    `http://127.0.0.1:${gatewayPorts[gateway]}/mcp/${connection}`;
  const data = ['--data', join(folder, 'data')];
  return {
    folder,
    pool,
    consoleUrl,
    temporalAddress: `127.0.0.1:${temporalPort}`,
    databaseUrl: services.databaseUrl(),
    url,
    start: async (role, at = 0) => {
      const process = runHoldpoint(role, [role, '--config', await configOf(at), ...data]);
      processes.push(process);
      await process.says('is running');
      return process;
    },
    agent: async (connection, gateway = 0) => {
      const client = new Client({ name: 'journey', version: '1' }, { capabilities: {} });
      await client.connect(new StreamableHTTPClientTransport(new URL(url(connection, gateway))));
      agents.push(client);
      return client;
    },
    command: async (...args) => {
      const child = runHoldpoint(args[0] ?? '', [...args, '--config', await configOf(0), ...data]);
      const code = await child.ended;
      return { code, out: child.out(), err: child.err() };
    },
    heldCall: async (tool, states = ['pending']) => waitForCall(pool, tool, states),
    postgres: services.postgres,
    temporal: services.temporal,
    outputs: () => processes.map((process) => process.output()).join('\n'),
    async [Symbol.asyncDispose]() {
      await Promise.all(agents.map((agent) => agent.close().catch(() => {})));
      await Promise.all(processes.map((process) => process.kill()));
      await pool.end();
      await services.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startServices(folder: string, pgPort: number, temporalPort: number) {
  const dataDir = join(folder, 'postgres');
  const dbFile = join(folder, 'temporal.db');
  const launchPg = (): Promise<EmbeddedPostgres> => startPostgres({ dataDir, port: pgPort });
  const launchTemporal = (): Promise<EmbeddedTemporal> => startTestTemporal({ port: temporalPort, dbFile });
  let [pg, temporal] = await Promise.all([launchPg(), launchTemporal()]);
  return {
    databaseUrl: () => pg.url,
    postgres: {
      stop: async () => pg.stop(),
      kill: async () => pg.kill(),
      start: async () => {
        pg = await launchPg();
      },
    },
    temporal: {
      stop: async () => temporal.stop(),
      kill: async () => temporal.kill(),
      start: async () => {
        temporal = await launchTemporal();
      },
    },
    close: async () => {
      await Promise.all([pg.stop(), temporal.stop()]);
    },
  };
}

interface RoleProcess extends Process {
  readonly ended: Promise<number>;
  out(): string;
  err(): string;
  says(text: string): Promise<void>;
}

function runHoldpoint(name: string, args: readonly string[]): RoleProcess {
  const child: ChildProcess = spawn(process.execPath, ['cli/main.ts', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    err += chunk;
  });
  const ended = once(child, 'close').then(([code]) => (code as number | null) ?? -1);
  const end = async (signal: NodeJS.Signals): Promise<number> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return ended;
  };
  return {
    name,
    ended,
    out: () => out,
    err: () => err,
    output: () => out + err,
    kill: async () => void (await end('SIGKILL')),
    stop: async () => end('SIGTERM'),
    says: async (text) => {
      const late = Date.now() + 120_000;
      while (!out.includes(text)) {
        if (child.exitCode !== null || Date.now() > late)
          throw new Error(`${name} did not say "${text}":\n${out}${err}`);
        await new Promise((done) => setTimeout(done, 50));
      }
    },
  };
}

async function waitForCall(
  pool: Pool,
  tool: string,
  states: readonly string[],
): Promise<{ callId: string; state: string }> {
  const late = Date.now() + 60_000;
  for (;;) {
    const { rows } = await pool
      .query<{ callId: string; state: string }>(
        `select call_id as "callId", state from held_calls where tool = $1 and state = any($2) and opened_at is not null order by created_at desc limit 1`,
        [tool, states],
      )
      .catch(() => ({ rows: [] }));
    if (rows[0]) return rows[0];
    if (Date.now() > late) throw new Error(`no held call of ${tool} became ${states.join(' or ')}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}
