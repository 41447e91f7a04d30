/**
 * Near misses at 2 and 4 MiB: `npm run hostile` takes one of each detector and all that were thought of by hand;
 * `npm run hostile -- all` takes every shape of every rule, `npm run hostile -- TEXT` those in which the text stands.
 * Prints what takes more than two and a half times as long for twice the text, and the slowest. Takes many minutes of
 * the processor, so the suite has a smaller size.
 */
import { defaultMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { nearMisses, ofEachDetector } from './near-misses.ts';

const masker = createMaskingEngine(defaultMaskingConfig).masker('default');
const half = 2 * 1024 * 1024;

function millis(text: string): number {
  const used = process.cpuUsage();
  masker.text(text);
  const { user, system } = process.cpuUsage(used);
  return (user + system) / 1_000;
}

function measured(unit: string): { once: number; twice: number } {
  // Whole ones: a last one that is cut may hold what the others do, and the text is then searched a second time.
  const times = Math.ceil(half / unit.length);
  const small = unit.repeat(times);
  const large = unit.repeat(times * 2);
  let once = Number.POSITIVE_INFINITY;
  let twice = Number.POSITIVE_INFINITY;
  // The best of several, as many as it takes to be sure of a bad one.
  for (let round = 0; round < 5 && (round === 0 || twice > once * 2.5); round += 1) {
    once = Math.min(once, millis(small));
    twice = Math.min(twice, millis(large));
  }
  return { once, twice };
}

const worst: [number, string][] = [];
let over = 0;
const [wanted] = process.argv.slice(2);
const chosen =
  wanted === undefined
    ? ofEachDetector
    : wanted === 'all'
      ? nearMisses
      : nearMisses.filter((unit) => unit.includes(wanted));
for (const [at, unit] of chosen.entries()) {
  const { once, twice } = measured(unit);
  worst.push([twice, unit]);
  if (at % 50 === 49) console.log(`${at + 1} of ${chosen.length}`);
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
