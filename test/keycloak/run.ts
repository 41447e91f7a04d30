import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { startTestPostgres } from '../support/postgres.ts';
import { startKeycloak } from './server.ts';

/**
 * Runs the suite against a real Keycloak (from Maven Central, kept in the cache; needs Java 17, Maven and unzip), set up
 * as docs/identity.md says. `HOLDPOINT_TEST_KEYCLOAK` names one that runs already, whose administrator is admin/admin.
 * Usage: node test/keycloak/run.ts [file …]
 */
async function main(): Promise<number> {
  const wanted = process.argv.slice(2);
  const given = process.env['HOLDPOINT_TEST_KEYCLOAK'];
  const began = Date.now();
  await using keycloak = given ? null : await startKeycloak();
  if (keycloak) process.stdout.write(`Keycloak started in ${Math.round((Date.now() - began) / 1000)} s\n`);
  await using postgres = process.env['HOLDPOINT_TEST_POSTGRES'] ? null : await startTestPostgres();
  const files = wanted.length > 0 ? wanted : globSync('test/keycloak/suite/*.ts');
  const child = spawn(
    process.execPath,
    ['--test', '--test-concurrency=1', '--test-timeout=300000', '--test-force-exit', ...files.toSorted()],
    {
      stdio: 'inherit',
      env: {
        ...process.env,
        HOLDPOINT_TEST_KEYCLOAK: given ?? keycloak?.url ?? '',
        ...(postgres && { HOLDPOINT_TEST_POSTGRES: postgres.url }),
      },
    },
  );
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

process.exitCode = await main();
