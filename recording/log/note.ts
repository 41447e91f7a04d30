import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';

/** Signed notes (C2SP signed-note) with Ed25519 keys, and the cosignatures of witnesses (C2SP tlog-cosignature). */

/** Signs notes under one name. */
export interface NoteSigner {
  readonly name: string;
  /** The public key in the form that note tools take: `name+hash+key`. */
  readonly vkey: string;
  /** Ed25519 signature over any bytes. */
  sign(bytes: Uint8Array): Uint8Array;
  /** The note's text with this signer's signature line under it. */
  signNote(text: string): string;
}

const ed25519 = 0x01;
const cosignatureV1 = 0x04;
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * @param name the log's origin: a schema-less URL such as `holdpoint.example/log`, without spaces or plus signs
 * @param seed Ed25519 private key, 32 bytes
 */
export function noteSigner(name: string, seed: Uint8Array): NoteSigner {
  refuseBadName(name);
  if (seed.length !== 32) throw new Error('an Ed25519 private key must be 32 bytes');
  const key = createPrivateKey({ key: Buffer.concat([privatePrefix, seed]), format: 'der', type: 'pkcs8' });
  const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(publicPrefix.length);
  const id = keyId(name, ed25519, raw);
  return {
    name,
    vkey: vkeyOf(name, ed25519, raw),
    sign: (bytes) => sign(null, bytes, key),
    signNote(text) {
      const signature = Buffer.concat([id, sign(null, Buffer.from(text), key)]);
      return `${text}\n— ${name} ${signature.toString('base64')}\n`;
    },
  };
}

/** A public key that signatures are checked against. */
export interface NoteVerifier {
  readonly name: string;
  readonly isWitness: boolean;
  readonly keyId: Buffer;
  /** Checks an Ed25519 signature over any bytes. */
  verify(bytes: Uint8Array, signature: Uint8Array): boolean;
}

/**
 * Reads a `vkey` (`name+hash+key`): an Ed25519 note key, or a witness's Ed25519 cosignature key.
 * @throws Error when it is not one
 */
export function noteVerifier(vkey: string): NoteVerifier {
  const [name, hash, encoded, ...rest] = splitKey(vkey.trim());
  const bytes = Buffer.from(encoded ?? '', 'base64');
  const algorithm = bytes[0];
  if (
    !name ||
    !hash ||
    rest.length > 0 ||
    bytes.length !== 33 ||
    (algorithm !== ed25519 && algorithm !== cosignatureV1)
  )
    throw new Error('a verification key must look like name+hash+key and be an Ed25519 one');
  refuseBadName(name);
  const raw = bytes.subarray(1);
  const id = keyId(name, algorithm, raw);
  if (id.toString('hex') !== hash) throw new Error('the verification key does not match the hash in it');
  const key: KeyObject = createPublicKey({
    key: Buffer.concat([publicPrefix, raw]),
    format: 'der',
    type: 'spki',
  });
  return {
    name,
    isWitness: algorithm === cosignatureV1,
    keyId: id,
    verify: (signed, signature) => signature.length === 64 && verify(null, signed, key, signature),
  };
}

/** The base64 part may contain plus signs itself. */
function splitKey(vkey: string): string[] {
  const first = vkey.indexOf('+');
  const second = vkey.indexOf('+', first + 1);
  return first < 0 || second < 0
    ? [vkey]
    : [vkey.slice(0, first), vkey.slice(first + 1, second), vkey.slice(second + 1)];
}

/** A note as read; nothing about it is verified. */
export interface Note {
  /** Including its last newline. */
  readonly text: string;
  readonly signatures: readonly {
    readonly name: string;
    readonly keyId: Buffer;
    readonly signature: Buffer;
  }[];
}

/** @throws Error when it is not a signed note */
export function parseNote(note: string): Note {
  const split = note.lastIndexOf('\n\n');
  const text = note.slice(0, split + 1);
  const lines = note.slice(split + 2).split('\n');
  if (split < 0 || lines.pop() !== '' || lines.length === 0)
    throw new Error('a signed note must have a text, an empty line and signature lines');
  const signatures = lines.map((line) => {
    const match = /^— (\S+) ([A-Za-z0-9+/=]+)$/u.exec(line);
    const bytes = Buffer.from(match?.[2] ?? '', 'base64');
    if (!match?.[1] || bytes.length < 5) throw new Error('a signed note has a line that is not a signature');
    return { name: match[1], keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) };
  });
  return { text, signatures };
}

/** Whether a verifier's own signature is on the note. A witness's covers a time too. */
export function isSignedBy(note: Note, verifier: NoteVerifier): boolean {
  const own = note.signatures.filter(
    (signature) => signature.name === verifier.name && signature.keyId.equals(verifier.keyId),
  );
  return own.length > 0 && own.every(({ signature }) => verifies(note.text, signature, verifier));
}

function verifies(text: string, signature: Buffer, verifier: NoteVerifier): boolean {
  if (!verifier.isWitness) return verifier.verify(Buffer.from(text), signature);
  if (signature.length !== 72) return false;
  const time = signature.readBigUInt64BE(0);
  return verifier.verify(Buffer.from(`cosignature/v1\ntime ${time}\n${text}`), signature.subarray(8));
}

function keyId(name: string, algorithm: number, raw: Uint8Array): Buffer {
  return createHash('sha256')
    .update(`${name}\n`)
    .update(Buffer.from([algorithm]))
    .update(raw)
    .digest()
    .subarray(0, 4);
}

function vkeyOf(name: string, algorithm: number, raw: Uint8Array): string {
  const key = Buffer.concat([Buffer.from([algorithm]), raw]).toString('base64');
  return `${name}+${keyId(name, algorithm, raw).toString('hex')}+${key}`;
}

function refuseBadName(name: string): void {
  if (name === '' || /[\s+]/u.test(name))
    throw new Error('a note key name must have neither spaces nor plus signs');
}
