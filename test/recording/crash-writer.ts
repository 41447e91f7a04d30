/**
 * Records as fast as it can until it is killed, and says which events were confirmed.
 * Usage: node crash-writer.ts URL KEY NAME
 */
import { createRecordStore } from '../../db/records.ts';
import { openPool } from '../../db/pool.ts';
import { localKeyRing } from '../../recording/key-ring.ts';
import { createRecorder } from '../../recording/recorder.ts';
import { facts, message } from './support.ts';

const [url = '', key = '', name = ''] = process.argv.slice(2);
const recorder = createRecorder({
  store: createRecordStore(openPool(url)),
  keyRing: localKeyRing([Buffer.from(key, 'hex')]),
});
let n = 0;
const caller = async (index: number): Promise<never> => {
  for (;;) {
    const text = `${name}-${index}-${(n += 1)}`;
    try {
      await recorder.append(facts(`crash-${index % 5}`), message(text));
      process.stdout.write(`${text}\n`);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
};
await Promise.all(Array.from({ length: 16 }, async (_, index) => caller(index)));
