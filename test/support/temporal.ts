import { freePort } from '../../cli/embedded/postgres.ts';
import { type EmbeddedTemporal, startTemporal } from '../../cli/embedded/temporal.ts';
import { obtainTemporal } from '../../cli/embedded/temporal-binary.ts';
import { searchAttributes } from '../../workflows/contract.ts';

/** A real Temporal development server, shared by the test files of a run. */
export interface TestTemporal extends AsyncDisposable {
  readonly address: string;
  readonly namespace: string;
}

/**
 * The server that `test/run.ts` started (`HOLDPOINT_TEST_TEMPORAL`), or one of this process's own. It is shared:
 * use task queues and workflow ids of your own; to stop a server in a test, start one with
 * {@link startTestTemporal}.
 */
export async function testTemporal(): Promise<TestTemporal> {
  const shared = process.env['HOLDPOINT_TEST_TEMPORAL'];
  if (shared) return { address: shared, namespace: 'default', async [Symbol.asyncDispose]() {} };
  const server = await startTestTemporal();
  return { address: server.address, namespace: 'default', [Symbol.asyncDispose]: server.stop };
}

/** Starts a development server in memory (or on `dbFile`, so that it can be stopped and started again). */
export async function startTestTemporal(
  options: { port?: number; dbFile?: string } = {},
): Promise<EmbeddedTemporal> {
  return startTemporal({
    binary: await temporalPath(),
    port: options.port ?? (await freePort()),
    uiPort: null,
    namespace: 'default',
    dbFile: options.dbFile ?? null,
    searchAttributes: Object.values(searchAttributes),
  });
}

/** Path of the Temporal CLI, fetched when it is not there. */
export async function temporalPath(): Promise<string> {
  return obtainTemporal('temporal', process.env, (line) => process.stderr.write(`${line}\n`));
}

/** Path of the time-skipping server, for `TestWorkflowEnvironment.createTimeSkipping({ server: { executable: … } })`. */
export async function testServerPath(): Promise<string> {
  return obtainTemporal('temporal-test-server', process.env, (line) => process.stderr.write(`${line}\n`));
}
