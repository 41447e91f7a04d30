/** Entry of a masking worker thread: masks what `large.ts` sends, one text after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { carried, carry } from './carried-text.ts';
import { countsOf, createMaskingEngine } from './create.ts';
import type { MaskerOptions } from './engine.ts';
import { createMaskMemory } from './known-values.ts';
import type { MaskAnswer, MaskTask, WorkerSetup } from './large.ts';

const setup = workerData as WorkerSetup;
const engine = createMaskingEngine(setup.config, setup.pseudonymKey);

parentPort?.on('message', (task: MaskTask) => {
  const memory = createMaskMemory();
  for (const [value, detector] of task.remembered ?? []) memory.values.set(value, detector);
  const options: MaskerOptions = {
    ...(task.remembered === null ? {} : { memory }),
    ...(task.tokens === null ? {} : { tokens: task.tokens }),
    ...(task.restored === null ? {} : { restored: new Map(task.restored) }),
  };
  const masker = engine.masker(task.profile, options);
  const { text, findings } = masker[task.kind](carried(task.text));
  const answer: MaskAnswer = {
    id: task.id,
    text: carry(text),
    findings: carry(JSON.stringify(findings)),
    counts: countsOf(findings),
    remembered: [...memory.values],
  };
  parentPort?.postMessage(answer, [answer.text.bytes, answer.findings.bytes]);
});
