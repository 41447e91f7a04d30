import { spawn } from 'node:child_process';
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheDir } from '../../cli/embedded/temporal-binary.ts';

/** A folder of Holdpoint's cache, for programs of others that tests are run against. */
export async function cacheFolder(name: string): Promise<string> {
  const folder = join(cacheDir(process.env), name);
  await mkdir(folder, { recursive: true });
  return folder;
}

/** A Python environment of its own with one package of PyPI in it. @returns its `bin` */
export async function pythonEnvironment(folder: string, requirement: string): Promise<string> {
  const bin = join(folder, 'bin');
  await once(join(folder, 'ready'), async () => {
    await run('python3', ['-m', 'venv', folder]);
    const pip = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', requirement];
    await run(join(bin, 'python'), pip);
    await writeFile(join(folder, 'ready'), '');
  });
  return bin;
}

/** A program of a module that the Go module proxy has. */
export interface GoProgram {
  readonly module: string;
  readonly version: string;
  /** Of the program, where it is not the module itself. */
  readonly package?: string;
  readonly tags?: string;
}

/** Builds a Go program; checksums are those of Go's checksum database. @returns its path */
export async function goProgram(folder: string, name: string, program: GoProgram): Promise<string> {
  const built = join(folder, `${name}-${program.version}`);
  await once(built, async () => {
    const scratch = await mkdtemp(join(tmpdir(), 'holdpoint-go-'));
    try {
      await run('go', ['mod', 'init', 'holdpoint.test/counterpart'], scratch);
      await run('go', ['mod', 'edit', `-require=${program.module}@${program.version}`], scratch);
      const tags = program.tags === undefined ? [] : ['-tags', program.tags];
      const out = ['-o', built, program.package ?? program.module];
      await run('go', ['build', '-mod=mod', '-buildvcs=false', ...tags, ...out], scratch);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
  return built;
}

/** Makes something unless it is there. */
export async function once(made: string, make: () => Promise<void>): Promise<void> {
  const there = await access(made).then(
    () => true,
    () => false,
  );
  if (there) return;
  process.stderr.write(`fetching ${made}\n`);
  await make();
}

/** Runs a program to its end. @throws Error with the end of what it said when it fails */
export async function run(program: string, args: readonly string[], cwd?: string): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], ...(cwd && { cwd }) });
  let err = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const code = await new Promise((done, reject) => {
    child.once('error', reject);
    child.once('close', done);
  });
  if (code !== 0)
    throw new Error(`${program} ${args.join(' ')} ended with ${String(code)}: ${err.slice(-1500)}`);
}

/**
 * Starts a program that serves, and waits until it does.
 * @param isUp whether it answers; an error counts as no
 */
export async function serving(
  program: string,
  args: readonly string[],
  isUp: () => Promise<boolean>,
  options: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Promise<AsyncDisposable> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...options.env },
    ...(options.cwd && { cwd: options.cwd }),
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(-4000);
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  };
  for (let waitedMs = 0; !(await isUp().catch(() => false)); waitedMs += 100) {
    if (waitedMs < 60_000 && child.exitCode === null) {
      await sleep(100);
      continue;
    }
    await stop();
    throw new Error(`${program} did not begin to serve: ${said}`);
  }
  return { [Symbol.asyncDispose]: stop };
}
