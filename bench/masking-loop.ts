/**
 * Measures how long one message keeps the gateway's event loop: `node bench/masking-loop.ts`. Texts up to the limit are
 * masked on it, larger ones in a worker thread. Three figures each: the most that the loop was late (perf_hooks'
 * monitorEventLoopDelay), the time for which it was at work for one message (its utilization), both of which on a busy
 * machine count other processes' turns too, and the processor's time that its thread took, on the average, since that
 * is counted in ticks.
 */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { defaultMaskingConfig } from '../masking/check-config.ts';
import { createMaskingEngine } from '../masking/create.ts';
import { createMaskPool, denseTextLength, largeTextLength } from '../masking/large.ts';

const key = new Uint8Array(32).fill(7);
const pool = createMaskPool({ config: defaultMaskingConfig, pseudonymKey: key });
const masker = createMaskingEngine(defaultMaskingConfig, key, pool).masker('default');

function reply(length: number): string {
  const rows: string[] = [];
  for (let at = 0, size = 0; size < length - 300; at += 1) {
    const row = JSON.stringify({
      id: 100_000 + at,
      title: `Ticket ${at}: deployment of service-${at % 17} to region eu-west-${at % 3}`,
      createdAt: '2026-03-04T10:11:12.131Z',
      body: `The rollout finished after two retries; see page ${at} for how to roll back if latency rises again.`,
      ...(at % 3 === 1 && { reporter: `user${at}@example.com` }),
      ...(at % 8 === 3 && { note: `connected with ghp_${String(at).padStart(36, 'q7X4vK9z2Jw8')} ok` }),
    });
    rows.push(row);
    size += row.length * 1.15;
  }
  const text = `[${rows.join(',')}]`;
  return JSON.stringify({ jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text }] } });
}

/** A message of near misses, the slowest that test/masking/hostile.test.ts knows. */
function hostile(unit: string, length: number): string {
  const text = unit.repeat(Math.ceil((length - 100) / unit.length)).slice(0, length - 100);
  return JSON.stringify({ jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text }] } });
}

const below = largeTextLength - 1;
const dense = denseTextLength - 1;
const cases: readonly (readonly [string, string, number])[] = [
  ['rows, 10 KB, on the loop', reply(10_000), 400],
  [`rows, ${below} characters, on the loop`, reply(below), 200],
  ['rows, 100 KB, in a thread', reply(100_000), 60],
  ['rows, 1 MB, in a thread', reply(1_000_000), 12],
  ['rows, 4 MB, in a thread', reply(4_000_000), 20],
  ...['password: ', 'http://a:', '<a>', '| a '].map(
    (unit) =>
      [`${JSON.stringify(unit)} over and over, ${below} characters`, hostile(unit, below), 60] as const,
  ),
  ...['4111 411 ', '0027 601 ', '1-', 'a1:', '00:1b:'].map(
    (unit) =>
      [`${JSON.stringify(unit)} over and over, ${dense} characters`, hostile(unit, dense), 60] as const,
  ),
];

// Compiled code is what is measured.
for (let round = 0; round < 60; round += 1) for (const [, text] of cases.slice(0, 2)) masker.message(text);
await masker.later.message(reply(100_000));

console.log(`texts from ${largeTextLength} characters on are masked in a thread; ms`);
for (const [name, text, rounds] of cases) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const active: number[] = [];
  let used = 0;
  delay.enable();
  for (let round = -2; round < rounds; round += 1) {
    const idle = performance.eventLoopUtilization();
    const before = process.threadCpuUsage();
    await masker.later.message(text);
    const { user, system } = process.threadCpuUsage(before);
    if (round >= 0) {
      active.push(performance.eventLoopUtilization(idle).active);
      used += (user + system) / 1_000;
    } else delay.reset();
    await turn();
  }
  delay.disable();
  active.sort((a, b) => a - b);
  const at = (part: number): string => (active[Math.floor((active.length - 1) * part)] ?? 0).toFixed(2);
  console.log(
    `  ${name.padEnd(58)} late at most ${(delay.max / 1e6 - 1).toFixed(1).padStart(5)}  at work p50 ${at(0.5)} least ${at(0)} most ${at(1)}  processor ${(used / rounds).toFixed(2)}`,
  );
}
await pool.close();
