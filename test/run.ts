import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { startTestPostgres } from './support/postgres.ts';
import { startTestTemporal, testServerPath } from './support/temporal.ts';

/**
 * Runs the tests: one PostgreSQL and one Temporal server for all files, then `node --test`.
 * Usage: node test/run.ts [file or folder …]
 */
async function main(): Promise<number> {
  const wanted = process.argv.slice(2);
  const files = wanted.length > 0 ? wanted.flatMap(expand) : globSync('test/**/*.test.ts');
  if (files.length === 0) {
    process.stderr.write(`no test file at ${wanted.join(' ')}\n`);
    return 2;
  }
  process.stdout.write(`${files.length} test files; starting PostgreSQL and Temporal\n`);
  await testServerPath();
  await using postgres = await startTestPostgres();
  const temporal = await startTestTemporal();
  try {
    return await nodeTest(files, {
      HOLDPOINT_TEST_POSTGRES: postgres.url,
      HOLDPOINT_TEST_TEMPORAL: temporal.address,
    });
  } finally {
    await temporal.stop();
  }
}

function expand(path: string): string[] {
  return path.endsWith('.ts') ? [path] : globSync(`${path.replace(/\/$/, '')}/**/*.test.ts`);
}

async function nodeTest(files: readonly string[], env: Record<string, string>): Promise<number> {
  const args = [
    '--test',
    '--test-concurrency=2',
    '--test-timeout=300000',
    '--test-force-exit',
    ...files.toSorted(),
  ];
  const child = spawn(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  return new Promise((done, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => done(code ?? 1));
  });
}

process.exitCode = await main();
