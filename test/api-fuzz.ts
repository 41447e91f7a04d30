import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { holdCall } from './console/support.ts';
import { apiConsole } from './support/api-console.ts';
import { sequenceAll } from './recording/support.ts';
import { testDatabase } from './support/postgres.ts';

/**
 * Runs schemathesis (from PyPI, in an environment of its own outside the checkout) against the API: whatever it makes
 * up from docs/openapi.json, no answer may be a 5xx, each must be as the document says, and what is against the document
 * is refused.
 * `HOLDPOINT_SCHEMATHESIS` names a program that is installed already.
 */
const version = '4.32.5';
const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
  'unsupported_method',
  'ignored_auth',
  'negative_data_rejection',
  'response_headers_conformance',
  'missing_required_header',
  'use_after_free',
];

/** What says that data against its schema was refused: too large a body is refused for that. */
const settings = `[checks]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429]
`;

/** In a folder of its own: schemathesis leaves files where it runs. */
async function run(program: string, args: readonly string[], cwd: string): Promise<number> {
  const child = spawn(program, args, {
    cwd,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return code ?? 1;
}

async function schemathesis(folder: string): Promise<string> {
  const given = process.env['HOLDPOINT_SCHEMATHESIS'];
  if (given) {
    await access(given);
    return given;
  }
  const pip = join(folder, 'bin', 'pip');
  if ((await run('python3', ['-m', 'venv', folder], folder)) !== 0)
    throw new Error('python3 -m venv does not work here');
  if ((await run(pip, ['install', '--quiet', `schemathesis==${version}`], folder)) !== 0)
    throw new Error('schemathesis cannot be installed from PyPI');
  return join(folder, 'bin', 'schemathesis');
}

const folder = await mkdtemp(join(tmpdir(), 'holdpoint-schemathesis-'));
try {
  const program = await schemathesis(folder);
  await writeFile(join(folder, 'schemathesis.toml'), settings);
  await using db = await testDatabase();
  await using api = await apiConsole(db);
  for (let at = 0; at < 5; at++) await holdCall(db.pool, { people: ['service:ci'] });
  await sequenceAll(db.pool);
  process.exitCode = await run(
    program,
    [
      'run',
      `${api.console.address}/api/v1/openapi.json`,
      '--header',
      `Authorization: Bearer ${api.token}`,
      '--checks',
      checks.join(','),
      '--max-examples',
      process.env['HOLDPOINT_FUZZ_EXAMPLES'] ?? '20',
      // The same run each time; another number looks elsewhere.
      '--seed',
      process.env['HOLDPOINT_FUZZ_SEED'] ?? '1',
      '--no-color',
      // What is revoked must not be the one who fuzzes.
      '--exclude-operation-id',
      'revokeToken',
      // Goes on for as long as a session does.
      '--exclude-operation-id',
      'streamSession',
    ],
    folder,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
