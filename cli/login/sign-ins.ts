import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

/** A sign-in of this user at one Holdpoint. */
const signIn = z.object({
  issuer: z.string(),
  resource: z.string(),
  /** For people to read. */
  name: z.string(),
  accessToken: z.string(),
  expiresAtMs: z.number(),
  refreshToken: z.string().nullable(),
});
export type KeptSignIn = z.output<typeof signIn>;

const file = z.object({
  /** The server that is meant where none is named. */
  current: z.string().nullable(),
  servers: z.record(z.string(), signIn),
});
type File = z.output<typeof file>;

/** The sign-ins of this user, in a file that nobody else may read. */
export interface SignIns {
  /** Where it is. */
  readonly path: string;
  /** The server that commands go to where none is named; null when nobody is signed in. */
  current(): Promise<string | null>;
  find(server: string): Promise<KeptSignIn | null>;
  /** Keeps a sign-in and makes its server the current one. */
  keep(server: string, kept: KeptSignIn): Promise<void>;
  forget(server: string): Promise<void>;
  /** Changes a sign-in, one process at a time: two that renew it at once would look like a stolen token. */
  change(server: string, work: (kept: KeptSignIn) => Promise<KeptSignIn>): Promise<KeptSignIn | null>;
}

const lockWaitMs = 30_000;
const lockStaleMs = 60_000;

/** The sign-ins in a user's configuration directory (`$XDG_CONFIG_HOME/holdpoint`, or `~/.config/holdpoint`). */
export function userSignIns(env: Readonly<Record<string, string | undefined>>): SignIns {
  const config = env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config');
  return signInsIn(join(config, 'holdpoint'));
}

/** The sign-ins in a folder, which is made when the first one is kept. */
export function signInsIn(folder: string): SignIns {
  const path = join(folder, 'sign-ins.json');
  const write = async (content: File): Promise<void> => {
    const beside = `${path}.${process.pid}`;
    await writeFile(beside, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
    await rename(beside, path);
  };
  const alone = async <T>(work: () => Promise<T>): Promise<T> => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const unlock = await lock(`${path}.lock`);
    try {
      return await work();
    } finally {
      await unlock();
    }
  };
  return {
    path,
    current: async () => (await read(path)).current,
    find: async (server) => (await read(path)).servers[server] ?? null,
    keep: (server, kept) =>
      alone(async () => {
        const { servers } = await read(path);
        await write({ current: server, servers: { ...servers, [server]: kept } });
      }),
    forget: (server) =>
      alone(async () => {
        const { current, servers } = await read(path);
        const { [server]: _, ...others } = servers;
        await write({ current: current === server ? null : current, servers: others });
      }),
    change: (server, work) =>
      alone(async () => {
        const content = await read(path);
        const kept = content.servers[server];
        if (!kept) return null;
        const changed = await work(kept);
        if (changed !== kept) await write({ ...content, servers: { ...content.servers, [server]: changed } });
        return changed;
      }),
  };
}

async function read(path: string): Promise<File> {
  let text: string;
  try {
    if (((await stat(path)).mode & 0o077) !== 0)
      throw new Error(`others than its owner may read ${path}: chmod 600 it, and sign in again`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { current: null, servers: {} };
    throw error;
  }
  try {
    return file.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`${path} is not as holdpoint login wrote it: remove it, and sign in again`, { cause });
  }
}

/** Takes a lock file. One that was left behind by a process that died is taken over. */
async function lock(path: string): Promise<() => Promise<void>> {
  for (const untilMs = Date.now() + lockWaitMs; ; ) {
    try {
      await (await open(path, 'wx', 0o600)).close();
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const age = await stat(path).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => 0,
      );
      if (age > lockStaleMs) await rm(path, { force: true });
      else if (Date.now() >= untilMs)
        throw new Error(`${path} is held by another command: try again, or remove it`, { cause: error });
      else await sleep(100);
    }
  }
}
