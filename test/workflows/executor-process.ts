// A gateway's executor in a process of its own, to be killed. Arguments: address, database URL, mode.
// `sent` claims, says so and never answers; `before` never claims.
import { NativeConnection, Worker } from '@temporalio/worker';
import { claim } from '../../db/held-execution.ts';
import { openPool } from '../../db/pool.ts';
import { dataConverterOf } from '../../workflows/client.ts';
import { createCodec } from '../../workflows/codec.ts';
import { type ExecuteInput, taskQueues } from '../../workflows/contract.ts';

const [address = '', databaseUrl = '', codecKey = '', mode = ''] = process.argv.slice(2);
const pool = openPool(databaseUrl);
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue: taskQueues.execute,
  dataConverter: dataConverterOf(createCodec([Buffer.from(codecKey, 'hex')])),
  activities: {
    executeHeldCall: async ({ callId, digest }: ExecuteInput): Promise<never> => {
      if (mode === 'sent')
        await claim(pool, { callId, digest, execToken: 'the process that dies', votes: [], handles: [] });
      process.stdout.write(`reached ${callId}\n`);
      return new Promise(() => {});
    },
  },
});
process.stdout.write('ready\n');
await worker.run();
