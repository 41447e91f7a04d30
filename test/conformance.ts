import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'undici';
import { startConformanceServer } from './support/conformance/server.ts';
import { startTasksServer } from './support/conformance/tasks-server.ts';
import { startTestPostgres } from './support/postgres.ts';
import { httpConnection, testGateway } from './support/gateway.ts';

const require = createRequire(import.meta.url);
const released = require.resolve('@modelcontextprotocol/conformance/dist/index.js');
const next = require.resolve('conformance-next/dist/index.js');

/** The official suites: 0.1.16 for the released versions, the next one for its requirements and for 2026-07-28. */
const suites: readonly { name: string; program: string; args: readonly string[] }[] = [
  { name: '0.1.16, active', program: released, args: ['--suite', 'active'] },
  { name: '0.1.16, all', program: released, args: ['--suite', 'all'] },
  { name: 'next, requirements 2025-11-25', program: next, args: ['--requirements', '2025-11-25'] },
  {
    name: 'next, all of 2025-06-18',
    program: next,
    args: ['--suite', 'all', '--spec-version', '2025-06-18'],
  },
  {
    name: 'next, all of 2025-03-26',
    program: next,
    args: ['--suite', 'all', '--spec-version', '2025-03-26'],
  },
  {
    name: 'next, all of 2026-07-28',
    program: next,
    args: ['--suite', 'all', '--spec-version', '2026-07-28'],
  },
];

/** The scenarios of the tasks extension, which are in no suite; the one left out only says that it is not written. */
const taskScenarios = [
  'tasks-lifecycle',
  'tasks-capability-negotiation',
  'tasks-wire-fields',
  'tasks-request-state-removal',
  'tasks-mrtr-input',
  'tasks-request-headers',
  'tasks-dispatch-and-envelope',
  'tasks-required-task-error',
  'tasks-mrtr-composition',
];

/** The client scenarios that the stock client passes directly; those of signing in are about another server. */
const clientScenarios: readonly (readonly [string, string])[] = [
  ['initialize', '2025-11-25'],
  ['tools_call', '2025-11-25'],
  ['sse-retry', '2025-11-25'],
  ['elicitation-sep1034-client-defaults', '2025-11-25'],
  ['tools_call', '2026-07-28'],
  ['request-metadata', '2026-07-28'],
  ['http-standard-headers', '2026-07-28'],
  ['http-custom-headers', '2026-07-28'],
  ['http-invalid-tool-headers', '2026-07-28'],
  ['sep-2322-client-request-state', '2026-07-28'],
  ['json-schema-ref-no-deref', '2026-07-28'],
];

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly output: string;
}

/**
 * Runs the official conformance suites directly against a server that passes them, through a gateway with policy,
 * masking and recording on, and through two replicas behind a balancer that knows no sessions. What passes directly
 * must pass through.
 */
async function main(): Promise<number> {
  // The clients' gateways are processes of their own, and need no PostgreSQL of their own.
  await using postgres = process.env['HOLDPOINT_TEST_POSTGRES'] ? null : await startTestPostgres();
  if (postgres) process.env['HOLDPOINT_TEST_POSTGRES'] = postgres.url;
  await using upstream = await startConformanceServer();
  await using tasks = await startTasksServer();
  const connections = { fixtures: httpConnection(upstream.url), tasks: httpConnection(tasks.url) };
  await using one = await testGateway({ connections, logLevel: 'silent' });
  await using two = await testGateway({ connections, logLevel: 'silent', replicaOf: one });
  await using balanced = await startBalancer([one.url(''), two.url('')]);
  const ways = (connection: string, url: string): readonly (readonly [string, string])[] => [
    ['directly', url],
    ['through the gateway', one.url(connection).replace('127.0.0.1', 'localhost')],
    ['through two replicas', balanced.url(connection)],
  ];
  const totals = { passed: 0, failed: 0 };
  for (const { name, program, args } of suites)
    await compare(totals, name, ways('fixtures', upstream.url), (url) =>
      run(program, ['server', '--url', url, ...args]),
    );
  await compare(totals, 'next, tasks extension', ways('tasks', tasks.url), runTaskScenarios);
  await compare(
    totals,
    'next, client scenarios',
    [
      ['directly', ''],
      ['through the gateway', ' --through-gateway'],
    ],
    runClientScenarios,
  );
  const { passed, failed } = totals;
  process.stdout.write(`\nconformance: ${passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

/** Runs one suite every way, and tells of each. */
async function compare(
  totals: { passed: number; failed: number },
  name: string,
  ways: readonly (readonly [string, string])[],
  runAt: (url: string) => Promise<Counts>,
): Promise<void> {
  let direct: Counts | undefined;
  for (const [way, url] of ways) {
    const counts = await runAt(url);
    direct ??= counts;
    const worse = differences(direct.output, counts.output);
    totals.passed += counts.passed;
    totals.failed += worse.length;
    process.stdout.write(
      `${worse.length === 0 ? '✓' : '✗'} ${name}, ${way}: ${counts.passed} passed, ${counts.failed} failed\n`,
    );
    for (const line of worse) process.stdout.write(`    ${line}\n`);
  }
}

/** Scenarios that no suite has, one by one, told as a suite would. */
async function runTaskScenarios(url: string): Promise<Counts> {
  let [passed, failed, output] = [0, 0, ''];
  for (const scenario of taskScenarios) {
    const said = await outputOf(next, ['server', '--url', url, '--scenario', scenario]);
    const counts = /Passed: (\d+)\/\d+, (\d+) failed/.exec(said);
    if (!counts) throw new Error(`${scenario} ended without its counts:\n${said.slice(-2000)}`);
    passed += Number(counts[1]);
    failed += Number(counts[2]);
    output += `✓ ${scenario}: ${counts[1]} passed, ${counts[2]} failed\n`;
  }
  return { passed, failed, output };
}

/** The scenarios' own servers, called by a stock client: by itself, and with a gateway of its own between them. */
async function runClientScenarios(flag: string): Promise<Counts> {
  const client = fileURLToPath(new URL('./support/conformance/client.ts', import.meta.url));
  let [passed, failed, output] = [0, 0, ''];
  for (const [scenario, version] of clientScenarios) {
    const command = `${process.execPath} ${client}${flag}`;
    const args = ['client', '--command', command, '--scenario', scenario, '--spec-version', version];
    const said = await outputOf(next, args);
    const counts = /Passed: (\d+)\/\d+, (\d+) failed/.exec(said);
    if (!counts) throw new Error(`${scenario} ended without its counts:\n${said.slice(-2000)}`);
    passed += Number(counts[1]);
    failed += Number(counts[2]);
    output += `✓ ${scenario}@${version}: ${counts[1]} passed, ${counts[2]} failed\n`;
  }
  return { passed, failed, output };
}

async function run(program: string, args: readonly string[]): Promise<Counts> {
  const output = await outputOf(program, args);
  const total = /Total: (\d+) passed, (\d+) failed/.exec(output);
  if (!total) throw new Error(`the suite ended without a total:\n${output.slice(-2000)}`);
  return { passed: Number(total[1]), failed: Number(total[2]), output };
}

async function outputOf(program: string, args: readonly string[]): Promise<string> {
  // The suites write their results into the working directory.
  const cwd = await mkdtemp(join(tmpdir(), 'holdpoint-conformance-'));
  try {
    const child = spawn(process.execPath, [program, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
      });
    }
    await once(child, 'close');
    return output;
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

/**
 * Checks that run only when the server closes a stream early. The gateway resumes upstream by itself and keeps the
 * client's stream open, since some clients never resume: the check of the client's reconnect then has nothing to see.
 */
const fewerChecks = ['server-sse-polling'];

/** The scenarios that fare worse than directly. */
function differences(direct: string, through: string): string[] {
  const expected = scenarios(direct);
  return [...scenarios(through)].flatMap(([name, counts]) => {
    const before = expected.get(name);
    const same = before && counts.failed <= before.failed && counts.passed >= before.passed;
    if (same || (fewerChecks.includes(name) && counts.failed === 0)) return [];
    return [
      `${name}: ${counts.passed} passed, ${counts.failed} failed; directly ${before?.passed ?? 0} and ${before?.failed ?? 0}`,
    ];
  });
}

function scenarios(output: string): Map<string, { passed: number; failed: number }> {
  const lines = output.matchAll(/^[✓✗] (\S+): (\d+) passed, (\d+) failed/gm);
  return new Map(
    [...lines].map(([, name, passed, failed]) => [
      name ?? '',
      { passed: Number(passed), failed: Number(failed) },
    ]),
  );
}

/** Sends each request to the next replica, whatever session it belongs to. */
async function startBalancer(
  urls: readonly string[],
): Promise<AsyncDisposable & { readonly url: (connection: string) => string }> {
  const pools = urls.map((url) => ({ pool: new Pool(new URL(url).origin), url: new URL(url) }));
  let turn = 0;
  const server = createServer((request, response) => {
    const target = pools[turn++ % pools.length];
    if (target) void forward(target, request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: (connection) => `http://localhost:${(server.address() as AddressInfo).port}/mcp/${connection}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await Promise.all(pools.map(({ pool }) => pool.destroy()));
    },
  };
}

async function forward(
  { pool, url }: { pool: Pool; url: URL },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const { connection: _, host, origin, ...headers } = request.headers;
  // As a balancer would that is configured with the public name; any other name goes on as it is, to be refused.
  const own = `localhost:${request.socket.localPort}`;
  const renamed = (name: string): string => (name === own ? url.host : name);
  const named = origin === undefined ? {} : { origin: origin === `http://${own}` ? url.origin : origin };
  await pool.stream(
    {
      path: request.url ?? '/',
      method: request.method === 'POST' ? 'POST' : request.method === 'DELETE' ? 'DELETE' : 'GET',
      headers: { ...(headers as Record<string, string>), host: renamed(host ?? ''), ...named },
      body: request.method === 'POST' ? request : null,
      signal: gone.signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    },
    ({ statusCode, headers: answered }) => {
      response.writeHead(statusCode, answered as Record<string, string>);
      response.flushHeaders();
      return response;
    },
  );
}

process.exitCode = await main();
