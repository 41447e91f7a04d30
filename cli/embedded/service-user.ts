import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** How to start a program that refuses to run as root. `wrap` gives the command line to spawn. */
export interface ServiceUser {
  readonly uid: number | null;
  readonly gid: number | null;
  wrap(
    command: string,
    args: readonly string[],
  ): { command: string; args: string[]; uid?: number; gid?: number };
}

/**
 * The user as whom the embedded PostgreSQL runs: ourselves, or, when we are root (which PostgreSQL refuses), the
 * system user `postgres`, made when it is missing. Where that user could not reach `paths` (a checkout under
 * /root), it is given the capability to, through `setpriv`.
 * @throws Error that says what to install or do
 */
export async function serviceUser(paths: readonly string[]): Promise<ServiceUser> {
  if (process.getuid?.() !== 0) {
    return { uid: null, gid: null, wrap: (command, args) => ({ command, args: [...args] }) };
  }
  const { uid, gid } = await postgresUser();
  const reachable = (await Promise.all(paths.map(reachableByOthers))).every(Boolean);
  if (reachable) return { uid, gid, wrap: (command, args) => ({ command, args: [...args], uid, gid }) };
  try {
    await run('setpriv', ['--version']);
  } catch {
    throw new Error(
      'running as root in a folder that only root can enter: PostgreSQL refuses to run as root, and its user cannot reach this folder; ' +
        'run as an ordinary user, move the checkout out of /root, or install setpriv (util-linux)',
    );
  }
  const privileges = [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
    '--',
  ];
  return {
    uid,
    gid,
    wrap: (command, args) => ({ command: 'setpriv', args: [...privileges, command, ...args] }),
  };
}

async function postgresUser(): Promise<{ uid: number; gid: number }> {
  const known = await lookUp();
  if (known) return known;
  try {
    await run('useradd', ['--system', '--user-group', '--no-create-home', 'postgres']);
  } catch (error) {
    throw new Error(
      `running as root, which PostgreSQL refuses, and the user "postgres" could not be made: ${(error as Error).message}; ` +
        'run as an ordinary user, or make that user yourself',
      { cause: error },
    );
  }
  const made = await lookUp();
  if (!made) throw new Error('the user "postgres" was made but cannot be found; run as an ordinary user');
  return made;
}

async function lookUp(): Promise<{ uid: number; gid: number } | null> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return null;
  }
}

async function reachableByOthers(path: string): Promise<boolean> {
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    const facts = await stat(folder).catch(() => null);
    if (facts && (facts.mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}
