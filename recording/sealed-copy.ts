import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { RecordEvent, SessionFacts } from './event.ts';
import { openWith, rawPublicKey, sealTo, x25519PrivateKey, x25519PublicKey } from './hpke.ts';

/** Whose unmasked messages are kept as a second, sealed copy, and to whom they are sealed. */
export interface SealedCopies {
  /** X25519, raw, 32 bytes. Who records holds no key that opens what was sealed to it. */
  readonly publicKey: Uint8Array;
  /** Connections that are configured to have copies. */
  readonly connections: ReadonlySet<string>;
}

/** Seals the unmasked bytes of one event. */
export type CopySealer = (session: SessionFacts, event: RecordEvent, place: CopyPlace) => Buffer | null;

/** What a copy is bound to besides its record: the session and the strand that it was made for. */
export interface CopyPlace {
  /** As headers name it, 32 bytes. */
  readonly session: Uint8Array;
  /** 16 bytes. */
  readonly strand: Uint8Array;
}

const info = Buffer.from('holdpoint/sealed-copy/v1');

/**
 * Makes the sealer of copies.
 * @returns null for an event of another connection, and for one that masking left as it was
 */
export function copySealer({ publicKey, connections }: SealedCopies): CopySealer {
  const key = x25519PublicKey(publicKey);
  return ({ connection }, { bytes, unmasked }, place) => {
    if (unmasked === undefined || !connections.has(connection) || isSame(bytes, unmasked)) return null;
    const plaintext = typeof unmasked === 'string' ? Buffer.from(unmasked) : unmasked;
    return sealTo(key, plaintext, { info, aad: boundTo(place) });
  };
}

/**
 * Opens a copy.
 * @param privateKey X25519
 * @throws Error when it was sealed to another key or made for another place
 */
export function openCopy(privateKey: KeyObject, copy: Uint8Array, place: CopyPlace): Buffer {
  return openWith(privateKey, copy, { info, aad: boundTo(place) });
}

/** @throws Error when it is not an X25519 private key: 32 bytes in base64url, or PKCS #8 PEM */
export function readCopyKey(text: string): KeyObject {
  const trimmed = text.trim();
  if (/^[A-Za-z0-9_-]{43}$/.test(trimmed)) return x25519PrivateKey(Buffer.from(trimmed, 'base64url'));
  const key = trimmed.startsWith('-----BEGIN') ? createPrivateKey(trimmed) : null;
  if (key?.asymmetricKeyType !== 'x25519')
    throw new Error('a break-glass key must be an X25519 private key: 32 bytes in base64url, or PEM');
  return key;
}

/** The public half of a private key, raw. */
export function copyPublicKey(privateKey: KeyObject): Buffer {
  return rawPublicKey(createPublicKey(privateKey));
}

function boundTo({ session, strand }: CopyPlace): Buffer {
  return Buffer.concat([session, strand]);
}

function isSame(a: Uint8Array | string, b: Uint8Array | string): boolean {
  if (typeof a === 'string' && typeof b === 'string') return a === b;
  return Buffer.from(a).equals(Buffer.from(b));
}
