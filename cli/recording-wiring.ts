import { createRecordAct, type RecordAct } from '../console/acts.ts';
import type { Permission } from '../console/roles.ts';
import type { Pool } from '../db/pool.ts';
import { createRecordStore } from '../db/records.ts';
import type { KeyRing } from '../recording/key-ring.ts';
import type { NoteSigner } from '../recording/log/note.ts';
import { createRecorder } from '../recording/recorder.ts';
import { atCommandLine, configOf, type Opened, opened } from './command-wiring.ts';
import { answering } from './commands/answering.ts';
import { loadKeys } from './keys.ts';
import { createLog } from './log.ts';
import type { Invocation } from './main.ts';
import { defaultMasker } from './masking.ts';
import { openDatabase, resolveAddresses } from './services.ts';

/** What the commands that read recordings have in common. */
async function withRecordings(
  invocation: Invocation,
  permission: Permission,
  work: (parts: Recordings & Pick<Opened, 'keys' | 'config'>) => Promise<number>,
): Promise<number> {
  const { out, err } = invocation;
  return opened(invocation, async (parts) => {
    const { config, pool, keys } = parts;
    const { logSigner, keyRing } = keys;
    if (!logSigner) throw new Error('recording.signingKey is not set: it signs the log of recordings');
    const shared = { config, pool, keyRing, keys, logSigner, logKey: logSigner.vkey, out, err };
    return acting(invocation, parts, permission, async (recorded) => work({ ...shared, ...recorded }));
  });
}

/**
 * Who gives a command has a role that permits it, and is recorded with what they do; the recorder is closed at the end.
 * @throws Error when nobody has proven who they are, or without a role
 */
export async function acting<T>(
  invocation: Invocation,
  { config, pool, keys }: Opened,
  permission: Permission,
  work: (parts: { person: string; recordAct: RecordAct }) => Promise<T>,
): Promise<T> {
  // Where nobody signs in anywhere there are no roles, and whoever has the keys and the database is at the command line.
  const identity =
    config.console.login === null && keys.consoleCredential === null
      ? null
      : await atCommandLine(config, pool, invocation, permission);
  const person = identity?.person.keys[0] ?? `os:${process.getuid?.() ?? 'unknown'}`;
  const who = { person, ...(identity && { name: identity.person.name }), via: 'command line' };
  const recorder = createRecorder({ store: createRecordStore(pool), keyRing: keys.keyRing });
  const act = createRecordAct({ recorder, masker: defaultMasker() });
  const recordAct: RecordAct = (name, details) => act(name, { ...details, ...who });
  try {
    return await work({ person, recordAct });
  } finally {
    await recorder.close();
  }
}

interface Recordings extends Pick<Invocation, 'out' | 'err'> {
  readonly pool: Pool;
  readonly keyRing: KeyRing;
  readonly logSigner: NoteSigner;
  readonly logKey: string;
  /** Who gives the command, as it is recorded. */
  readonly person: string;
  readonly recordAct: RecordAct;
}

/** What of `holdpoint sessions …` takes the database and its keys: purging, and packages for auditors. */
export async function sessionsBeside(act: 'purge' | 'export', invocation: Invocation): Promise<number> {
  const { purge, permissionFor } = await import('./commands/sessions-purge.ts');
  const { exportSessions } = await import('./commands/sessions-export.ts');
  const { usage } = await import('./commands/sessions.ts');
  const { out, err } = invocation;
  const argv = invocation.argv.slice(1);
  return answering({ argv, usage, out, err }, async () =>
    withRecordings(
      invocation,
      act === 'export' ? 'recordings.read' : permissionFor(argv),
      async ({ config, logSigner, ...parts }) => {
        if (act === 'export') return exportSessions(argv, parts);
        const { retention } = config.recording;
        const signer = async (): Promise<NoteSigner> => logSigner;
        return purge(argv, { ...parts, signer, retention, reclaimWithinMs: 5000 });
      },
    ),
  );
}

/** `holdpoint verify …`: a package needs neither configuration nor database. */
export async function verify(invocation: Invocation): Promise<number> {
  const { run } = await import('./commands/verify.ts');
  const { out, err, argv } = invocation;
  const lazy = lazyParts(invocation);
  const settings = argv.includes('--key') ? null : await lazy.settings();
  try {
    return await run([...argv], {
      ...lazy,
      logKey: settings?.keys.logSigner?.vkey ?? null,
      checkpointFiles: (settings?.config.recording.checkpoints ?? []).flatMap((target) =>
        target.kind === 'file' ? [target.path] : [],
      ),
      out,
      err,
    });
  } finally {
    await lazy.close();
  }
}

/** `holdpoint keys …`: `generate` needs nothing. */
export async function keys(invocation: Invocation): Promise<number> {
  const { run } = await import('./commands/keys.ts');
  const { argv, out, err } = invocation;
  if (argv[0] !== 'rewrap') return run([...argv], { opened: null, out, err });
  return opened(invocation, async (parts) =>
    acting(invocation, parts, 'keys.rewrap', async ({ recordAct }) =>
      run([...argv], { opened: { pool: parts.pool, keyRing: parts.keys.keyRing, recordAct }, out, err }),
    ),
  );
}

/** Configuration, keys and database for commands that may do without. */
function lazyParts(invocation: Invocation) {
  let pool: Promise<Pool> | undefined;
  const settings = async () => {
    const config = await configOf(invocation);
    return { config, keys: await loadKeys(config) };
  };
  return {
    settings,
    keyRing: async () => (await settings()).keys.keyRing,
    pool: async () => {
      pool ??= configOf(invocation)
        .then(resolveAddresses)
        .then(({ databaseUrl }) => openDatabase(databaseUrl, 'cli', createLog('error', 'cli')));
      return pool;
    },
    close: async () => {
      await (await pool)?.end();
    },
  };
}
