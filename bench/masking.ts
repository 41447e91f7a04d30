/**
 * Measures masking: `node bench/masking.ts`. Replies as tools give them (rows of JSON inside a text content), with a
 * secret about every 2 KB and personal data about every 700 B, long strings never twice, all detectors on,
 * replacement included. Yardsticks and peers run in the same process and rounds, interleaved, so that ratios hold where
 * absolute figures drift. Half of the rounds go by before any counts: a gateway runs for weeks, with compiled code.
 */
import { RE2JS } from '@bufbuild/re2';
import { lintSource } from '@secretlint/core';
import { creator as recommended } from '@secretlint/secretlint-rule-preset-recommend';
import { defaultMaskingConfig } from '../masking/check-config.ts';
import { createMaskingEngine } from '../masking/create.ts';
import { prefixRules } from '../masking/detect/vendor-tokens.ts';
import { readShape } from '../masking/rules/shape.ts';
import { toolReply } from './masking-reply.ts';

/** One alternation of every prefix, then nothing else: what a plain regular expression could do at best. */
const alternation = new RegExp(
  [...new Set(prefixRules.flatMap((rule) => rule.shapes.map((shape) => readShape(shape).prefix)))]
    .filter((prefix) => prefix.length > 2)
    .map((prefix) => prefix.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'))
    .join('|'),
  'g',
);
/** The same rules one after the other, as a simple filter would. */
const oneByOne = prefixRules.flatMap((rule) =>
  rule.shapes.map((shape) => new RegExp(readShape(shape).pattern, 'g')),
);

const masker = createMaskingEngine(defaultMaskingConfig).masker('default');
/** The same rules in RE2's JavaScript port, which can only tell whether something matches and repeats nothing more
 * than a thousand times. */
const re2 = prefixRules.flatMap((rule) =>
  rule.shapes.map((shape) => new RE2JS(readShape(shape).pattern.replaceAll(/,\d{4,}\}/g, ',}'))),
);

type LintRule = Parameters<typeof lintSource>[0]['options']['config']['rules'][number];

/** What of secretlint's context a rule needs. */
interface Reporter {
  report(found: { message: { message: string; messageId: string }; range: readonly [number, number] }): void;
}

/** The same rules as secretlint has them: looked for one after the other, each match reported. */
const asMany: Extract<LintRule['rule'], { create: unknown }> = {
  messages: {},
  meta: { id: 'as-many', recommended: false, type: 'scanner', supportedContentTypes: ['text'] },
  create: (context: Reporter) => ({
    file: ({ content }: { readonly content: string }) => {
      for (const rule of oneByOne)
        for (const { index, 0: found } of content.matchAll(rule))
          context.report({ message: { message: '', messageId: '' }, range: [index, index + found.length] });
    },
  }),
};
const linter = (rule: LintRule) => async (text: string) =>
  await lintSource({
    source: { content: text, filePath: '/reply.json', ext: '.json', contentType: 'text' },
    options: { config: { rules: [rule] } },
  });

interface Contestant {
  readonly name: string;
  readonly run: (text: string) => unknown;
  /** Slow ones run in every so many rounds. */
  readonly every: number;
}
const contestants: readonly Contestant[] = [
  { name: 'holdpoint: mask, all detectors', run: (text) => masker.message(text), every: 1 },
  { name: 'yardstick: JSON.parse + inner parse', run: parseTwice, every: 1 },
  { name: 'yardstick: one RegExp of all prefixes', run: (text) => text.match(alternation), every: 1 },
  {
    name: 'yardstick: every rule as a RegExp',
    run: (text) => oneByOne.map((rule) => text.match(rule)?.length),
    every: 10,
  },
  {
    name: 'peer: secretlint core, its 30 rules',
    run: linter({ id: '@secretlint/secretlint-rule-preset-recommend', rule: recommended }),
    every: 1,
  },
  { name: 'peer: secretlint core, as many rules', run: linter({ id: 'as-many', rule: asMany }), every: 10 },
];

function parseTwice(text: string): unknown {
  const { result } = JSON.parse(text) as { result: { content: { text: string }[] } };
  return JSON.parse(result.content[0]?.text ?? '');
}

for (const [label, bytes, rounds] of [
  ['10 KB', 10_000, 3_000],
  ['1 MB', 1_000_000, 60],
] as const) {
  const text = toolReply(bytes);
  const times = contestants.map((): number[] => []);
  for (let round = -rounds; round < rounds; round += 1) {
    for (const [at, { run, every }] of contestants.entries()) {
      if (round % every !== 0) continue;
      const used = process.cpuUsage();
      const start = performance.now();
      await run(text);
      const elapsed = performance.now() - start;
      const { user, system } = process.cpuUsage(used);
      // On a machine that is shared, a long run waits for its turn: then the time on the processor is what counts.
      if (round >= 0) times[at]?.push(Math.min(elapsed, (user + system) / 1_000 || elapsed));
    }
  }
  console.log(
    `\n${label} reply (${text.length} characters, ${masker.message(text).findings.length} findings)`,
  );
  const own = median(times[0] ?? []);
  contestants.forEach(({ name }, at) => {
    const sorted = times[at] ?? [];
    const p50 = median(sorted);
    const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
    console.log(
      `  ${name.padEnd(40)} p50 ${p50.toFixed(3)} ms  p99 ${p99.toFixed(3)} ms  ${(text.length / p50 / 1_000).toFixed(1)} MB/s  ${(p50 / own).toFixed(2)}x`,
    );
  });
}

{
  const text = toolReply(10_000);
  const start = performance.now();
  for (const rule of re2) rule.test(text);
  console.log(
    `\nRE2 port, ${re2.length} shapes, 10 KB, match only, once: ${(performance.now() - start).toFixed(0)} ms`,
  );
}

function median(times: number[]): number {
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)] ?? 0;
}

const hostile: readonly (readonly [string, string])[] = [
  ['ghp_ ', 'ghp_ '],
  ['eyJ-', 'eyJ-'],
  ['a@', 'a@'],
  ['1-', '1-'],
  ['AKIA ', 'AKIA '],
  ['x: ', 'password: '],
  ['=', 'k=='],
  ['://', 'http://a:'],
  ['-----BEGIN', '-----BEGIN RSA PRIVATE KEY-----'],
  ['4 ', '4 '],
  ['DE8', 'DE89 '],
  ['%', '%41'],
  ['\\', '\\\\'],
  ['key ', 'datadog key '],
  ['<a>', '<a>'],
  ['|', '| a '],
  ['.', '1.1.'],
  [':', 'a1:'],
  ['base64', 'QUJDRUZHSElKS0xNTk9QUVJTVFVWV1hZ'],
  ['[', '['],
  ['"', '"a",'],
];
console.log('\nhostile texts, 20 KB and 40 KB (ms, ratio; twice the text should take about twice the time)');
for (const [name, unit] of hostile) {
  const [small, large] = [20_000, 40_000].map((size) => {
    const text = unit.repeat(Math.ceil(size / unit.length)).slice(0, size);
    const runs = Array.from({ length: 7 }, () => {
      const start = performance.now();
      masker.text(text);
      return performance.now() - start;
    });
    return median(runs);
  }) as [number, number];
  console.log(
    `  ${name.padEnd(12)} ${small.toFixed(2).padStart(8)} ${large.toFixed(2).padStart(8)}  ${(large / small).toFixed(2)}`,
  );
}
