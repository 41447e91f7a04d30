import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Secrets of the embedded default: made at the first start, readable by the owner only. */
export interface LocalSecrets {
  /** Key-encryption key, 32 bytes. */
  readonly encryption: Uint8Array;
  /** Ed25519, PKCS8 PEM. */
  readonly votePrivateKey: string;
  /** Ed25519 seed that signs the log's checkpoints, 32 bytes. */
  readonly logSeed: Uint8Array;
  /** Proves the person at the console and the command line. */
  readonly consoleCredential: string;
}

/**
 * Reads the data directory's secrets, making those that are missing.
 * @throws Error when one is there but cannot be what it should be (nothing is overwritten: it may still open data)
 */
export async function localSecrets(dataDir: string): Promise<LocalSecrets> {
  const folder = join(dataDir, 'keys');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const encryption = await secretFile(join(folder, 'encryption'), () =>
    randomBytes(32).toString('base64url'),
  );
  const key = Buffer.from(encryption, 'base64url');
  if (key.length !== 32) throw new Error(`${join(folder, 'encryption')} must hold 32 bytes in base64url`);
  const votePrivateKey = await secretFile(join(folder, 'votes.pem'), () =>
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  );
  createPrivateKey(votePrivateKey);
  const consoleCredential = await secretFile(join(dataDir, 'console-credential'), () =>
    randomBytes(32).toString('base64url'),
  );
  const seed = await secretFile(join(folder, 'log'), () => randomBytes(32).toString('base64url'));
  const logSeed = Buffer.from(seed, 'base64url');
  if (logSeed.length !== 32) throw new Error(`${join(folder, 'log')} must hold 32 bytes in base64url`);
  return { encryption: key, votePrivateKey, logSeed, consoleCredential };
}

/** Addresses of a running `holdpoint up`, for the commands that talk to it. */
export interface RunFile {
  readonly pid: number;
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly temporalUiUrl: string | null;
  readonly temporalPid: number | null;
  readonly agentsUrl: string;
  readonly consoleUrl: string;
}

/** Writes `run.json`, readable by the owner only (it holds the database's password). */
export async function writeRunFile(dataDir: string, run: RunFile): Promise<void> {
  await writeWhole(join(dataDir, 'run.json'), `${JSON.stringify(run, null, 2)}\n`);
}

/** What `holdpoint up` wrote, or null when it never ran here. */
export async function readRunFile(dataDir: string): Promise<RunFile | null> {
  try {
    return JSON.parse(await readFile(join(dataDir, 'run.json'), 'utf8')) as RunFile;
  } catch {
    return null;
  }
}

/** Whether a process with this id lives. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function secretFile(path: string, make: () => string): Promise<string> {
  const known = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (known !== null) return known.trim();
  const made = make();
  await writeWhole(path, `${made.trim()}\n`);
  return made.trim();
}

/** Renamed into place, so that a process killed half-way leaves no half-written secret. */
async function writeWhole(path: string, text: string): Promise<void> {
  const beside = `${path}.${process.pid}`;
  await writeFile(beside, text, { mode: 0o600 });
  await rename(beside, path);
}
