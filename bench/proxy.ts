import { Pool } from 'undici';
import { headers, initialize, start, type Target } from './proxy-start.ts';

/**
 * What the gateway costs a passed call: calls a second and latency, direct, through a bare undici reverse proxy, and
 * through the gateway with policy, masking and durable recording on. Every target is a process of its own, and the
 * targets take turns within one run, so that they share the machine's moods.
 *
 * Usage: node bench/proxy.ts [--rounds N] [--seconds S] [--sizes 1024,…] [--concurrencies 64,…] [--json]
 */

interface Sample {
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU of the target's process for 1,000 calls. */
  readonly cpuMs: number;
}

const sizes = list('--sizes', [200, 1024, 10 * 1024]);
const concurrencies = list('--concurrencies', [1, 16, 64]);

async function main(): Promise<void> {
  const rounds = option('--rounds', 3);
  const seconds = option('--seconds', 2);
  const upstream = await start('upstream', []);
  const targets = [
    upstream,
    await start('bare-proxy', [upstream.url]),
    await start('gateway', [upstream.url]),
  ];
  const results = new Map<string, Sample[]>();
  try {
    for (const target of targets) await load(target, 1024, 16, 1);
    for (let round = 0; round < rounds; round++)
      for (const size of sizes)
        for (const concurrency of concurrencies)
          for (const target of targets) {
            const key = `${size}/${concurrency}/${target.name}`;
            const sample = await load(target, size, concurrency, seconds);
            results.set(key, [...(results.get(key) ?? []), sample]);
          }
  } finally {
    for (const { process } of targets) process.kill('SIGTERM');
  }
  if (process.argv.includes('--json')) console.log(JSON.stringify(Object.fromEntries(results)));
  else print(results);
}

function option(name: string, otherwise: number): number {
  const at = process.argv.indexOf(name);
  return at === -1 ? otherwise : Number(process.argv[at + 1]);
}

function list(name: string, otherwise: readonly number[]): readonly number[] {
  const at = process.argv.indexOf(name);
  return at === -1 ? otherwise : (process.argv[at + 1] ?? '').split(',').map(Number);
}

/** Calls one tool over and over on `concurrency` connections for a while. */
async function load(target: Target, size: number, concurrency: number, seconds: number): Promise<Sample> {
  const url = new URL(target.url);
  const pool = new Pool(url.origin, { connections: concurrency });
  const session = await initialize(pool, url.pathname);
  const body = call(size);
  const latencies: number[] = [];
  const cpuBefore = await cpuOf(target);
  const startedAt = performance.now();
  const until = startedAt + seconds * 1000;
  const worker = async (): Promise<void> => {
    while (performance.now() < until) {
      const sentAt = performance.now();
      const reply = await pool.request({
        method: 'POST',
        path: url.pathname,
        headers: { ...headers, ...session },
        body,
      });
      const text = await reply.body.text();
      if (reply.statusCode !== 200 || !text.includes('"result"') || text.length < size)
        throw new Error(`${target.name}: ${reply.statusCode} ${text.slice(0, 500)}`);
      latencies.push(performance.now() - sentAt);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const elapsed = performance.now() - startedAt;
  const cpuMs = (await cpuOf(target)) - cpuBefore;
  await pool.close();
  latencies.sort((a, b) => a - b);
  return {
    callsPerSecond: (latencies.length / elapsed) * 1000,
    p50Ms: latencies[Math.floor(latencies.length * 0.5)] ?? 0,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
    cpuMs: (cpuMs / latencies.length) * 1000,
  };
}

/** A tool call whose arguments, and whose result, have about `size` bytes of ordinary text. */
function call(size: number): string {
  const words = 'the order of 14 March was shipped to the warehouse in Rotterdam, see ticket 4711. ';
  const text = words.repeat(Math.ceil(size / words.length)).slice(0, size);
  return JSON.stringify({
    jsonrpc: '2.0',
    id: 7,
    method: 'tools/call',
    params: { name: 'echo', arguments: { text } },
  });
}

/** User and system CPU of a target's process so far, in ms; it answers a line on stdin with a line on stdout. */
function cpuOf({ process: child }: Target): Promise<number> {
  return new Promise((resolve) => {
    child.stdout?.once('data', (line: Buffer) => resolve(Number(line.toString().split(' ')[0])));
    child.stdin?.write('cpu\n');
  });
}

function print(results: ReadonlyMap<string, Sample[]>): void {
  console.log('bytes  conc  target       calls/s   p50 ms   p99 ms   CPU ms/1000   vs bare   added p50 ms');
  for (const size of sizes)
    for (const concurrency of concurrencies) {
      const of = (name: string): Sample => median(results.get(`${size}/${concurrency}/${name}`) ?? []);
      for (const name of ['upstream', 'bare-proxy', 'gateway']) {
        const { callsPerSecond, p50Ms, p99Ms, cpuMs } = of(name);
        const cells = [
          String(size).padStart(5),
          String(concurrency).padStart(5),
          ` ${name.padEnd(11)}`,
          callsPerSecond.toFixed(0).padStart(8),
          p50Ms.toFixed(2).padStart(8),
          p99Ms.toFixed(2).padStart(8),
          cpuMs.toFixed(0).padStart(10),
          (callsPerSecond / of('bare-proxy').callsPerSecond).toFixed(2).padStart(12),
          (p50Ms - of('upstream').p50Ms).toFixed(2).padStart(12),
        ];
        console.log(cells.join(' '));
      }
    }
}

/** Each figure's median over the rounds. */
function median(samples: readonly Sample[]): Sample {
  const middle = (pick: (sample: Sample) => number): number =>
    samples.map(pick).sort((a, b) => a - b)[Math.floor(samples.length / 2)] ?? Number.NaN;
  return {
    callsPerSecond: middle((sample) => sample.callsPerSecond),
    p50Ms: middle((sample) => sample.p50Ms),
    p99Ms: middle((sample) => sample.p99Ms),
    cpuMs: middle((sample) => sample.cpuMs),
  };
}

await main();
