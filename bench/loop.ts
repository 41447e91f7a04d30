/**
 * Measures how long one large reply keeps the event loop of a whole gateway – reading, masking, recording, writing –
 * with policy, masking and durable recording on: `node bench/loop.ts [--rounds N]`. For each size, over its messages:
 * how late the loop was for one (most and half of them; the most counts the garbage collector's turns and, on a busy
 * machine, other processes' too), the processor's time of the loop's thread for one, and that of all threads.
 */
import { Pool } from 'undici';
import { headers, initialize, start, type Target } from './proxy-start.ts';

const rounds = Number(process.argv[process.argv.indexOf('--rounds') + 1]) || 40;

interface Told {
  readonly allMs: number;
  readonly loopMs: number;
  readonly lateMs: number;
}

function askOf({ process: child }: Target): Promise<Told> {
  return new Promise((resolve) => {
    child.stdout?.once('data', (line: Buffer) => {
      const [allMs = 0, loopMs = 0, lateMs = 0] = line.toString().split(' ').map(Number);
      resolve({ allMs, loopMs, lateMs });
    });
    child.stdin?.write('loop\n');
  });
}

async function measure(
  gateway: Target,
  pool: Pool,
  session: Record<string, string>,
  bytes: number,
): Promise<string> {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 7,
    method: 'tools/call',
    params: { name: 'echo', arguments: { text: '', rows: bytes } },
  });
  const late: number[] = [];
  let first: Told | null = null;
  let last: Told | null = null;
  for (let round = -Math.ceil(rounds / 4); round < rounds; round += 1) {
    if (round === 0) first = await askOf(gateway);
    const path = new URL(gateway.url).pathname;
    const reply = await pool.request({ method: 'POST', path, headers: { ...headers, ...session }, body });
    const text = await reply.body.text();
    if (text.length < bytes || !text.includes('"result"'))
      throw new Error(`${reply.statusCode} ${text.slice(0, 300)}`);
    last = await askOf(gateway);
    if (round >= 0) late.push(last.lateMs);
  }
  late.sort((a, b) => a - b);
  const each = (of: 'allMs' | 'loopMs'): string =>
    (((last?.[of] ?? 0) - (first?.[of] ?? 0)) / rounds).toFixed(1);
  const at = (part: number): string => (late[Math.floor((late.length - 1) * part)] ?? 0).toFixed(1);
  return `late p50 ${at(0.5).padStart(5)}  p90 ${at(0.9).padStart(5)}  most ${at(1).padStart(5)}   loop's thread ${each('loopMs').padStart(5)}   all ${each('allMs').padStart(6)}`;
}

const upstream = await start('upstream', []);
const gateway = await start('gateway', [upstream.url]);
const pool = new Pool(new URL(gateway.url).origin, { connections: 1 });
try {
  const session = await initialize(pool, new URL(gateway.url).pathname);
  console.log('ms for one reply');
  for (const [name, bytes] of [
    ['10 KB', 10_000],
    ['100 KB', 100_000],
    ['1 MB', 1_000_000],
    ['4 MB', 3_600_000],
  ] as const)
    console.log(`  ${name.padStart(6)}   ${await measure(gateway, pool, session, bytes)}`);
} finally {
  await pool.close();
  for (const { process: child } of [gateway, upstream]) child.kill('SIGTERM');
}
