/**
 * What docs/masking-recall.md reports. `node test/masking/recall.ts` writes it anew; recall.test.ts holds the file and
 * the goals to it.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defaultMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { builtinDetectors } from '../../masking/detectors.ts';
import { chance } from './chance.ts';
import { cleanTexts } from './clean-texts.ts';
import { layouts, negatives, positives } from './corpus.ts';
import { personalValues } from './personal-values.ts';
import { namedValues, vendorTokens } from './vendor-formats.ts';
import { assigned } from './wild-assignments.ts';
import { standing } from './wild-layouts.ts';

/** How many of a kind were hidden. */
export interface Caught {
  readonly caught: number;
  readonly all: number;
}

/** Caught by family or detector, for each corpus, and how many clean texts were touched. */
export interface Recall {
  /** The corpus that the rules' own shapes make, by detector. */
  readonly own: ReadonlyMap<string, Caught>;
  /** Vendors' formats written down apart from the rules, by vendor. */
  readonly vendors: ReadonlyMap<string, Caught>;
  readonly named: ReadonlyMap<string, Caught>;
  /** By detector. */
  readonly personal: ReadonlyMap<string, Caught>;
  readonly clean: ReadonlyMap<string, { readonly touched: number; readonly all: number }>;
}

export const reportFile = fileURLToPath(new URL('../../docs/masking-recall.md', import.meta.url));
const masker = createMaskingEngine(defaultMaskingConfig).masker('default');

/** The text of a tool's reply that says `text`, masked. */
function replied(text: string): string {
  const message = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text }] } });
  const masked = JSON.parse(masker.message(message).text) as { result: { content: [{ text: string }] } };
  return masked.result.content[0].text;
}

/** Whether enough of a value is left in a text to be of use: two thirds of it, however it is written. */
function leaks(text: string, value: string): boolean {
  const tail = value.slice(-Math.max(Math.min(10, value.length), Math.floor(value.length * 0.6)));
  const once = encodeURIComponent(tail);
  if ([tail, once, encodeURIComponent(once), tail.replaceAll('&', '&amp;')].some((way) => text.includes(way)))
    return true;
  return [...text.matchAll(/[A-Za-z0-9+/_-]{16,}/g)].some(([run]) =>
    Buffer.from(run, 'base64').toString().includes(tail),
  );
}

/** The part of a token that is secret: addresses and connection strings say much else. */
function secretOf(token: string): string {
  const parts =
    /(?:AccountKey|SharedAccessKey)=([^;]+)|sig=([^&]+)|https:\/\/([0-9a-f]{32}:[0-9a-f]{32})@|(?:services|workflows)\/(.*)$|webhooks\/\d+\/(.*)$|IncomingWebhook\/(.*)\/|hook\/([0-9a-f-]{36})|access_token=(.*)$|key=([0-9a-f-]{36})$|&token=(.*)$|catch\/(.*)\/$|^FlyV1 (.*)$/.exec(
      token,
    );
  return (parts?.slice(1).find((part) => part !== undefined) ?? token).slice(-36);
}

function counter(): {
  add(name: string, hidden: boolean): void;
  counts: Map<string, { caught: number; all: number }>;
} {
  const counts = new Map<string, { caught: number; all: number }>();
  return {
    counts,
    add(name, hidden) {
      const count = counts.get(name) ?? { caught: 0, all: 0 };
      count.all += 1;
      if (hidden) count.caught += 1;
      counts.set(name, count);
    },
  };
}

/** Measures everything; the same each time. */
export function measureRecall(): Recall {
  const by = chance(20_261_121);
  const [own, vendors, named, personal] = [counter(), counter(), counter(), counter()];
  for (const { detector, lead, value, hidden } of positives())
    for (const layout of Object.values(layouts)) {
      const text = replied(layout(lead, value));
      const clear = [hidden, JSON.stringify(hidden).slice(1, -1), encodeURIComponent(hidden)];
      own.add(detector, !clear.some((one) => text.includes(one)));
    }
  for (const [vendor, shape] of vendorTokens)
    for (const layout of Object.values(standing)) {
      const token = by.shape(shape);
      vendors.add(vendor, !leaks(replied(layout(token)), secretOf(token)));
    }
  for (const [vendor = '', variable = '', shape = ''] of namedValues)
    for (const layout of Object.values(assigned)) {
      const value = by.shape(shape);
      named.add(vendor, !leaks(replied(layout(variable, value)), value.slice(-36)));
    }
  for (const [detector, , make] of personalValues)
    for (const layout of Object.values(standing))
      for (let times = 0; times < 3; times += 1) {
        const value = make(by);
        personal.add(detector, !leaks(replied(layout(value)), value));
      }
  return {
    own: own.counts,
    vendors: vendors.counts,
    named: named.counts,
    personal: personal.counts,
    clean: touched(by),
  };
}

function touched(by: ReturnType<typeof chance>): Recall['clean'] {
  const clean = new Map<string, { touched: number; all: number }>();
  const add = (kind: string, text: string): void => {
    const count = clean.get(kind) ?? { touched: 0, all: 0 };
    count.all += 1;
    const { findings } = text.startsWith('{') ? masker.json(text) : masker.text(text);
    if (findings.length > 0) count.touched += 1;
    clean.set(kind, count);
  };
  for (const [kind, make] of Object.entries(cleanTexts)) for (let n = 0; n < 50; n += 1) add(kind, make(by));
  for (const text of negatives) add('near misses', text);
  return clean;
}

/** Adds up what a name stands for. */
export function sum(counts: ReadonlyMap<string, Caught>, of: (name: string) => boolean = () => true): Caught {
  let [caught, all] = [0, 0];
  for (const [name, count] of counts) if (of(name)) [caught, all] = [caught + count.caught, all + count.all];
  return { caught, all };
}

const family = (name: string) => (detector: string) => builtinDetectors.get(detector) === name;
const shown = ({ caught, all }: Caught): string =>
  `${caught} of ${all} (${(Math.floor((1000 * caught) / all) / 10).toFixed(1)} %)`;

/** The report as it stands in the documentation. */
export function recallReport({ own, vendors, named, personal, clean }: Recall): string {
  const missed = (counts: ReadonlyMap<string, Caught>): string[] =>
    [...counts]
      .filter(([, { caught, all }]) => caught < all)
      .sort(([, a], [, b]) => a.caught / a.all - b.caught / b.all)
      .map(([name, count]) => `| ${name} | ${shown(count)} |`);
  const table = (head: string, lines: readonly string[]): string[] => [
    `| ${head} | caught |`,
    '|---|---|',
    ...lines,
    '',
  ];
  const layoutCount = Object.keys(standing).length;
  const touchedTexts = [...clean].reduce((all, [, count]) => all + count.touched, 0);
  const cleanCount = [...clean].reduce((all, [, count]) => all + count.all, 0);
  return [
    '# What masking catches',
    '',
    'Written by `node test/masking/recall.ts`; a test holds this file to what is measured. [masking.md](masking.md) says',
    'what the corpora are, and how masking does on those of others.',
    '',
    '## By family',
    '',
    '| | written with the rules, 8 layouts | written apart from them |',
    '|---|---|---|',
    `| secrets with a form of their own | ${shown(sum(own, family('secrets')))} | ${shown(sum(vendors))}, ${vendorTokens.length} formats in ${layoutCount} layouts |`,
    `| secrets that their names betray | – | ${shown(sum(named))}, ${namedValues.length} names in ${Object.keys(assigned).length} dialects |`,
    `| pii | ${shown(sum(own, family('pii')))} | ${shown(sum(personal, family('pii')))} in ${layoutCount} layouts |`,
    `| payment | ${shown(sum(own, family('payment')))} | ${shown(sum(personal, family('payment')))} in ${layoutCount} layouts |`,
    '',
    `Clean texts touched: ${touchedTexts} of ${cleanCount} (${((100 * touchedTexts) / cleanCount).toFixed(2)} %), of ${clean.size} kinds.`,
    '',
    '## Personal and payment data, written apart from the rules',
    '',
    ...table(
      'detector',
      [...personal].map(([name, count]) => `| ${name} | ${shown(count)} |`),
    ),
    '## Where something is missed',
    '',
    'Of the vendors and variables written down apart from the rules, those not listed are caught in every layout.',
    '',
    ...table('vendor or variable', [...missed(vendors), ...missed(named)]),
    ...(touchedTexts === 0
      ? []
      : [
          '| clean texts | touched |',
          '|---|---|',
          ...[...clean]
            .filter(([, count]) => count.touched > 0)
            .map(([kind, count]) => `| ${kind} | ${count.touched} of ${count.all} |`),
          '',
        ]),
    '## Every detector, written with the rules',
    '',
    ...table(
      'detector',
      [...own].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, count]) => `| ${name} | ${shown(count)} |`),
    ),
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report = recallReport(measureRecall());
  writeFileSync(reportFile, report);
  console.log(report.slice(0, report.indexOf('## Where something')));
}
