import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DeterminismViolationError } from '@temporalio/workflow';
import { Worker } from '@temporalio/worker';
import { dataConverterOf } from '../../workflows/client.ts';
import { createCodec } from '../../workflows/codec.ts';
import { codecKeyOfHistories } from './histories-key.ts';
import { workflowBundle } from './support.ts';

interface HistoryJson {
  events: Record<string, { activityType?: { name: string } } | undefined>[];
}

const folder = fileURLToPath(new URL('./histories/', import.meta.url));
const files = globSync(`${folder}*/*.json`);

async function replay(history: HistoryJson): Promise<void> {
  await Worker.runReplayHistory(
    {
      workflowBundle: await workflowBundle(),
      dataConverter: dataConverterOf(createCodec([codecKeyOfHistories])),
      sinks: { approvals: { ended: { fn: () => assert.fail('what is replayed is not counted') } } },
    },
    history,
    'approval/orders-db/query/replayed',
  );
}

test('there are histories of every way in which a request can go', () => {
  assert.ok(files.length >= 8, `only ${files.length} in ${folder}`);
});

for (const file of files) {
  const name = `${basename(dirname(file))}/${basename(file, '.json')}`;
  test(`requests of ${name} go on under this version`, async () => {
    await replay(JSON.parse(readFileSync(file, 'utf8')) as HistoryJson);
  });
}

test('a history that this version would not have written is noticed', async () => {
  const file = files.find((path) => path.endsWith('/approved.json'));
  assert.ok(file);
  const history = JSON.parse(readFileSync(file, 'utf8')) as HistoryJson;
  const scheduled = history.events.find(
    (event) => event['activityTaskScheduledEventAttributes']?.activityType?.name === 'executeHeldCall',
  )?.['activityTaskScheduledEventAttributes'];
  assert.ok(scheduled?.activityType);
  scheduled.activityType.name = 'executeTwice';
  await assert.rejects(replay(history), DeterminismViolationError);
});
