/** Prints what docs/masking.md reports: `node test/masking/recall.ts`. */
import { defaultMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { layouts, negatives, positives } from './corpus.ts';

const masker = createMaskingEngine(defaultMaskingConfig).masker('default');
const counts = new Map<string, { caught: number; all: number }>();
for (const sample of positives()) {
  for (const layout of Object.values(layouts)) {
    const { text } = masker.message(
      JSON.stringify({
        id: 1,
        result: { content: [{ type: 'text', text: layout(sample.lead, sample.value) }] },
      }),
    );
    const count = counts.get(sample.family) ?? { caught: 0, all: 0 };
    const clear = [
      sample.hidden,
      JSON.stringify(sample.hidden).slice(1, -1),
      encodeURIComponent(sample.hidden),
    ];
    count.all += 1;
    if (!clear.some((value) => text.includes(value))) count.caught += 1;
    counts.set(sample.family, count);
  }
}
for (const [family, { caught, all }] of counts)
  console.log(`${family}: ${caught} of ${all} caught (${((100 * caught) / all).toFixed(1)} %)`);
const touched = negatives.filter((text) => masker.text(text).findings.length > 0).length;
console.log(`clean texts: ${touched} of ${negatives.length} touched`);
