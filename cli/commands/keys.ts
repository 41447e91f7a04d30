import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Pool } from '../../db/pool.ts';
import { createKeyStore } from '../../db/record-keys.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import { noteSigner } from '../../recording/log/note.ts';
import { rewrapKeys } from '../../recording/rewrap.ts';

/** What `holdpoint keys …` needs. */
export interface KeysDeps {
  /** Null for `generate`, which needs neither database nor configuration. */
  readonly opened: {
    readonly pool: Pool;
    readonly keyRing: KeyRing;
    /** Records that keys are exchanged, before they are. */
    readonly recordAct: (
      act: string,
      details: Readonly<Record<string, string | number | null>>,
    ) => Promise<void>;
  } | null;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const usage = `usage: holdpoint keys generate [--origin NAME] [--json]
       holdpoint keys generate --break-glass [--json]
       holdpoint keys rewrap

generate  prints fresh keys to put into the configuration: nothing is stored. With --break-glass, the pair of keys.breakGlass:
          the public half is for every process, the private one for the console, a key custodian's machine, or a safe
rewrap    wraps every stored data key anew with the first of keys.kms or keys.encryption, in its latest version, so that
          older ones can be removed; nothing that was sealed is touched, and it may be interrupted anywhere
`;

/** Runs `holdpoint keys …`. @returns 0 done, 1 failed, 2 usage */
export async function run(argv: string[], deps: KeysDeps): Promise<number> {
  const [command, ...rest] = argv;
  try {
    if (command === 'generate') return generate(rest, deps);
    if (command === 'rewrap' && rest.length === 0 && deps.opened) return await rewrap(deps, deps.opened);
  } catch (error) {
    if (
      !(
        error instanceof TypeError &&
        String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS')
      )
    )
      throw error;
    deps.err(`${error.message}\n`);
  }
  deps.err(usage);
  return 2;
}

function generate(argv: string[], deps: KeysDeps): number {
  const { values } = parseArgs({
    args: argv,
    options: {
      origin: { type: 'string', default: 'holdpoint.local/log' },
      'break-glass': { type: 'boolean' },
      json: { type: 'boolean' },
    },
  });
  if (values['break-glass']) return generateBreakGlass(deps, values.json ?? false);
  const { privateKey } = generateKeyPairSync('ed25519');
  const jwk = privateKey.export({ format: 'jwk' });
  const raw = jwk.x ?? '';
  const voteKeyId = createHash('sha256').update(Buffer.from(raw, 'base64url')).digest('hex').slice(0, 16);
  const seed = randomBytes(32);
  const keys = {
    encryption: randomBytes(32).toString('base64url'),
    votePrivateKey: JSON.stringify(jwk),
    votePublicKeys: { [voteKeyId]: raw },
    logSigningKey: seed.toString('base64url'),
    logPublicKey: noteSigner(values.origin, seed).vkey,
  };
  if (values.json) deps.out(`${JSON.stringify(keys, null, 2)}\n`);
  else
    deps.out(`# Seals records and held calls (keys.encryption). Who loses it loses what was recorded.
${keys.encryption}

# Signs votes (keys.votes.privateKey): only the Slack app and the console need it.
${keys.votePrivateKey}

# Its public half (keys.votes.publicKeys): gateways and workers check votes with it.
${JSON.stringify(keys.votePublicKeys)}

# Signs the log of the recordings (recording.signingKey): only workers, and whoever purges, need it.
${keys.logSigningKey}

# Its public half under the name ${values.origin}: give it to auditors.
${keys.logPublicKey}
`);
  return 0;
}

function generateBreakGlass(deps: KeysDeps, json: boolean): number {
  const { x: publicKey, d: privateKey } = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  if (json) deps.out(`${JSON.stringify({ publicKey, privateKey }, null, 2)}\n`);
  else
    deps.out(`# What masking takes out is sealed to this one (keys.breakGlass.publicKey).
${publicKey}

# Opens it (keys.breakGlass.privateKey, or a file for break-glass view --key): never for a gateway.
${privateKey}
`);
  return 0;
}

async function rewrap(
  deps: Pick<KeysDeps, 'out' | 'err'>,
  { pool, keyRing, recordAct }: NonNullable<KeysDeps['opened']>,
): Promise<number> {
  await recordAct('keys.rewrap', {});
  const store = createKeyStore(pool);
  const result = await rewrapKeys(store, keyRing, (done) => deps.err(`${done} keys\n`));
  deps.out(`${result.rewrapped} keys wrapped anew with ${result.kekId}\n`);
  for (const { table, owner, because } of result.failed.slice(0, 20))
    deps.err(`${table} ${owner}: ${because}\n`);
  if (result.failed.length > 0)
    deps.err(`${result.failed.length} keys could not be unwrapped: keep the older keys\n`);
  return result.failed.length > 0 ? 1 : 0;
}
