/**
 * Near misses of every detector at 2 and 4 MiB: `node test/masking/hostile-large.ts`, or every tenth of them with `10`.
 * Prints what takes more than two
 * and a half times as long for twice the text, and the slowest; takes some minutes, so the suite has a smaller size.
 */
import { defaultMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { nearMisses } from './near-misses.ts';

const masker = createMaskingEngine(defaultMaskingConfig).masker('default');
const half = 2 * 1024 * 1024;

function millis(text: string): number {
  const used = process.cpuUsage();
  masker.text(text);
  const { user, system } = process.cpuUsage(used);
  return (user + system) / 1_000;
}

function measured(unit: string): { once: number; twice: number } {
  const text = unit.repeat(Math.ceil((2 * half) / unit.length));
  const [small, large] = [text.slice(0, half), text.slice(0, 2 * half)];
  let once = Number.POSITIVE_INFINITY;
  let twice = Number.POSITIVE_INFINITY;
  // The best of several, as many as it takes to be sure of a bad one.
  for (let round = 0; round < 4 && (round === 0 || twice > once * 2.5); round += 1) {
    once = Math.min(once, millis(small));
    twice = Math.min(twice, millis(large));
  }
  return { once, twice };
}

const worst: [number, string][] = [];
let over = 0;
const every = Number(process.argv[2] ?? 1);
const chosen = nearMisses.filter((_, at) => at % every === 0);
for (const unit of chosen) {
  const { once, twice } = measured(unit);
  worst.push([twice, unit]);
  if (twice <= once * 2.5) continue;
  over += 1;
  console.log(`${JSON.stringify(unit)}: ${once.toFixed(0)} ms, then ${twice.toFixed(0)} ms`);
}
worst.sort((a, b) => b[0] - a[0]);
console.log(
  `${chosen.length} near misses at 2 and 4 MiB; ${over} took more than 2.5 times as long for twice the text`,
);
for (const [time, unit] of worst.slice(0, 8))
  console.log(`  ${time.toFixed(0)} ms  ${JSON.stringify(unit.slice(0, 60))}`);
process.exitCode = over > 0 ? 1 : 0;
