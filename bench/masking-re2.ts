/**
 * Measures native RE2 with masking's own rules: `node bench/masking-re2.ts`. The engine comes from PyPI's `google-re2`
 * in a virtual environment of its own under the system's temporary folder, since npm's builds of it want a compiler.
 * Where there is no Python, or no registry, it says so and measures nothing. RE2 only finds what matches: it opens no
 * JSON, checks nothing, replaces nothing. Two ways: every shape by itself, and all of them as one set per thirty,
 * which only tells which match. Times are of the processor.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultMaskingConfig } from '../masking/check-config.ts';
import { createMaskingEngine } from '../masking/create.ts';
import { prefixRules } from '../masking/detect/vendor-tokens.ts';
import { readShape } from '../masking/rules/shape.ts';
import { toolReply } from './masking-reply.ts';

const program = `
import json, re2, sys, time
given = json.load(open(sys.argv[1]))
options = re2.Options()
options.never_capture = True
options.encoding = re2.Options.Encoding.LATIN1
rules = [re2.compile(p.encode('latin-1'), options) for p in given['patterns']]
sets = []
for at in range(0, len(given['patterns']), 30):
    one = re2.Set.SearchSet(options)
    for p in given['patterns'][at:at + 30]:
        one.Add(p.encode('latin-1'))
    one.Compile()
    sets.append(one)
def each(text):
    return sum(1 for r in rules for _ in r.finditer(text))
def together(text):
    return sum(len(s.Match(text) or []) for s in sets)
for name, text, rounds in given['texts']:
    text = text.encode('latin-1')
    for way, run in (('every shape by itself', each), ('sets of thirty, match only', together)):
        times = []
        for _ in range(rounds):
            start = time.process_time()
            found = run(text)
            times.append((time.process_time() - start) * 1000)
        times.sort()
        print(f"  {name:6} native RE2, {way:28} p50 {times[len(times) // 2]:9.3f} ms  {len(text) / times[len(times) // 2] / 1000:7.1f} MB/s  ({found} found)")
`;

/** A Python that has the engine, or the reason why there is none. */
function prepared(folder: string): { python: string } | { missing: string } {
  const made = spawnSync('python3', ['-m', 'venv', folder], { encoding: 'utf8', timeout: 60_000 });
  if (made.status !== 0) return { missing: `python3 -m venv failed: ${reasonOf(made)}` };
  const python = join(folder, 'bin', 'python');
  if (!existsSync(python)) return { missing: 'the virtual environment holds no python' };
  const installed = spawnSync(python, ['-m', 'pip', 'install', '--quiet', 'google-re2'], {
    encoding: 'utf8',
    timeout: 180_000,
  });
  return installed.status === 0
    ? { python }
    : { missing: `pip install google-re2 failed: ${reasonOf(installed)}` };
}

function reasonOf(run: { readonly error?: Error | undefined; readonly stderr: string | null }): string {
  return run.error?.message ?? run.stderr?.trim().split('\n').at(-1) ?? 'no reason given';
}

const folder = mkdtempSync(join(tmpdir(), 'holdpoint-re2-'));
try {
  const ready = prepared(join(folder, 'venv'));
  if ('missing' in ready) console.log(`native RE2 was not measured: ${ready.missing}`);
  else {
    // RE2 repeats nothing more than a thousand times.
    const patterns = prefixRules.flatMap((rule) =>
      rule.shapes.map((shape) => readShape(shape).pattern.replaceAll(/,\d{4,}\}/g, ',}')),
    );
    const texts = [
      ['10 KB', toolReply(10_000), 60],
      ['1 MB', toolReply(1_000_000), 3],
    ] as const;
    writeFileSync(join(folder, 'given.json'), JSON.stringify({ patterns, texts }));
    writeFileSync(join(folder, 'measure.py'), program);
    console.log(`${patterns.length} shapes`);
    const masker = createMaskingEngine(defaultMaskingConfig).masker('default');
    for (const [name, text, rounds] of texts)
      console.log(own(name, text, rounds, (given) => masker.message(given)));
    const run = spawnSync(ready.python, [join(folder, 'measure.py'), join(folder, 'given.json')], {
      encoding: 'utf8',
      timeout: 900_000,
    });
    console.log(run.status === 0 ? run.stdout.trimEnd() : `native RE2 was not measured: ${reasonOf(run)}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Masking of the same text in this process, everything on, replacement included. */
function own(name: string, text: string, rounds: number, mask: (text: string) => unknown): string {
  const times: number[] = [];
  // The median of groups, since the processor's time is counted in milliseconds.
  const group = Math.max(1, Math.ceil(1_000_000 / text.length / 10));
  for (let round = -rounds; round < rounds; round += 1) {
    const before = process.cpuUsage();
    for (let i = 0; i < group; i += 1) mask(text);
    const { user, system } = process.cpuUsage(before);
    if (round >= 0) times.push((user + system) / 1_000 / group);
  }
  times.sort((a, b) => a - b);
  const p50 = times[times.length >> 1] ?? 0;
  return `  ${name.padEnd(6)} ${'masking, every detector, with replacement'.padEnd(41)} p50 ${p50.toFixed(3).padStart(9)} ms  ${(text.length / p50 / 1_000).toFixed(1).padStart(7)} MB/s`;
}
