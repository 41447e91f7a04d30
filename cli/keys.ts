import { createHash, createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { KeyRing } from '../recording/key-ring.ts';
import { type NoteSigner, noteSigner } from '../recording/log/note.ts';
import type { Config } from './config/config.ts';
import { localSecrets } from './data-dir.ts';
import { keyRingOf } from './key-services.ts';

/** Every key that the roles need, from the configuration or, on the embedded default, from the data directory. */
export interface Keys {
  readonly keyRing: KeyRing;
  /** Keys of the Temporal payload codec: the first encrypts, all decrypt. */
  readonly codecKeys: readonly Uint8Array[];
  /** Null where this process signs no votes. */
  readonly voteKey: { readonly id: string; readonly privateKey: KeyObject } | null;
  /** Raw Ed25519 public keys, base64url, by key id. */
  readonly votePublicKeys: Readonly<Record<string, string>>;
  /** Keys the fingerprint by which identical held calls find each other; the same on every replica. */
  readonly attachSecret: Uint8Array;
  /** Keys of hashes and pseudonyms: equal values look alike on every replica, and after a restart. */
  readonly pseudonymKey: Uint8Array;
  /** Signs the cookies of a sign-in at the built-in authorization server; the same on every replica. */
  readonly cookieSecret: string;
  /** Where reversible tokens get their keys from when the protocol has no sessions. */
  readonly tokenSecret: Uint8Array;
  /** Signs the log's checkpoints; null where this process does not. */
  readonly logSigner: NoteSigner | null;
  /** Null unless the console's local login is in use. */
  readonly consoleCredential: string | null;
}

/**
 * Gathers the keys. Where everything is local (the embedded database, or callers without a token, who are accepted on
 * loopback only) those that are not configured are made in the data directory; anywhere else they must be configured,
 * since every replica needs the same.
 * @throws Error that names the missing setting
 */
export async function loadKeys(config: Config): Promise<Keys> {
  const isLocal = config.database.url === 'embedded' || config.identity.anonymous !== null;
  const local = isLocal ? await localSecrets(config.dataDir) : null;
  const encryption =
    config.keys.encryption.length > 0 ? config.keys.encryption : local ? [local.encryption] : [];
  if (encryption.length === 0)
    throw new Error(
      'keys.encryption is not set: records and held calls are sealed with it. `holdpoint keys generate` makes one',
    );
  const pem = config.keys.votes.privateKey ?? (hasOwnKeys(config) ? null : (local?.votePrivateKey ?? null));
  const voteKey = pem === null ? null : readVoteKey(pem);
  const seed = config.recording.signingKey ?? local?.logSeed ?? null;
  const votePublicKeys = {
    ...config.keys.votes.publicKeys,
    ...(voteKey ? { [voteKey.id]: voteKey.raw } : {}),
  };
  if (Object.keys(votePublicKeys).length === 0)
    throw new Error(
      'keys.votes is not set: nobody could approve anything. `holdpoint keys generate` makes a pair; the Slack app and the console need the private key, gateways and workers the public one',
    );
  return {
    keyRing: keyRingOf(config.keys.kms, encryption),
    // Derived, so that what Temporal's operators hold opens nothing in the database.
    codecKeys: encryption.map((kek) => derive(kek, 'holdpoint temporal codec')),
    attachSecret: derive(encryption[0] as Uint8Array, 'holdpoint attach'),
    voteKey,
    votePublicKeys,
    pseudonymKey: derive(encryption[0] as Uint8Array, 'holdpoint pseudonyms'),
    cookieSecret: Buffer.from(derive(encryption[0] as Uint8Array, 'holdpoint sign-in cookies')).toString(
      'base64url',
    ),
    tokenSecret: derive(encryption[0] as Uint8Array, 'holdpoint tokens'),
    logSigner: seed === null ? null : noteSigner(config.recording.origin, seed),
    consoleCredential: config.console.login === null ? (local?.consoleCredential ?? null) : null,
  };
}

function hasOwnKeys(config: Config): boolean {
  return Object.keys(config.keys.votes.publicKeys).length > 0;
}

function derive(kek: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', kek, '', purpose, 32));
}

function readVoteKey(text: string): { id: string; privateKey: KeyObject; raw: string } {
  const privateKey = text.trimStart().startsWith('{')
    ? createPrivateKey({ key: JSON.parse(text) as Record<string, string>, format: 'jwk' })
    : createPrivateKey(text);
  if (privateKey.asymmetricKeyType !== 'ed25519')
    throw new Error('keys.votes.privateKey must be an Ed25519 key');
  const raw = createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '';
  const id = createHash('sha256').update(Buffer.from(raw, 'base64url')).digest('hex').slice(0, 16);
  return { id, privateKey, raw };
}
