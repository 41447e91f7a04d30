import { createHash } from 'node:crypto';
import type { Span } from '../span.ts';
import { hasWord } from './characters.ts';

const base58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const rippleAlphabet = 'rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz';
const bech32Alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

/** Base58Check: the last four bytes are the start of SHA-256 twice over the rest. */
function base58Check(text: string, alphabet = base58, lengths: readonly number[] = [25]): boolean {
  let value = 0n;
  for (const char of text) {
    const at = alphabet.indexOf(char);
    if (at < 0) return false;
    value = value * 58n + BigInt(at);
  }
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.padStart(Math.max(50, hex.length + (hex.length % 2)), '0'), 'hex');
  if (!lengths.includes(bytes.length)) return false;
  const once = createHash('sha256').update(bytes.subarray(0, -4)).digest();
  return createHash('sha256').update(once).digest().subarray(0, 4).equals(bytes.subarray(-4));
}

/** Bech32 and bech32m (BIP 173, BIP 350). */
function bech32Check(text: string): boolean {
  const split = text.lastIndexOf('1');
  const lower = text.toLowerCase();
  const values: number[] = [];
  for (let i = 0; i < split; i += 1) values.push(lower.charCodeAt(i) >> 5);
  values.push(0);
  for (let i = 0; i < split; i += 1) values.push(lower.charCodeAt(i) & 31);
  for (const char of lower.slice(split + 1)) {
    const value = bech32Alphabet.indexOf(char);
    if (value < 0) return false;
    values.push(value);
  }
  const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
  let check = 1;
  for (const value of values) {
    const top = check >>> 25;
    check = ((check & 0x1ffffff) << 5) ^ value;
    for (let i = 0; i < 5; i += 1) if (((top >>> i) & 1) === 1) check ^= generator[i] ?? 0;
  }
  return check === 1 || check === 0x2bc830a3;
}

const run = /[0-9A-Za-z]{25,110}(?![0-9A-Za-z])/y;
/** Fewer letters and digits in a row are no address. */
export const shortestWallet = 25;

/**
 * A crypto wallet's address that starts at `at`, a word of at least `shortestWallet`.
 * @returns end of the match, or `at`
 */
export function findWallet(text: string, at: number, key: string, out: Span[]): number {
  run.lastIndex = at;
  const match = run.exec(text);
  if (match === null) return at;
  const spends = isPrivate(match[0]);
  if (!spends && !isWallet(match[0], text, at, key)) return at;
  out.push({
    start: at,
    end: run.lastIndex,
    detector: spends ? 'bitcoin-key' : 'crypto-wallet',
    confidence: 0.9,
  });
  return run.lastIndex;
}

/** A private key in wallet import format: 51 or 52 characters, version 0x80. */
function isPrivate(text: string): boolean {
  return /^[5KL][1-9A-HJ-NP-Za-km-z]{50,51}$/.test(text) && base58Check(text, base58, [37, 38]);
}

function isWallet(address: string, text: string, at: number, key: string): boolean {
  const length = address.length;
  if (/^0x[0-9a-fA-F]{40}$/.test(address)) return true;
  if (/^(?:bc1|ltc1|tb1)[02-9ac-hj-np-z]{8,87}$/i.test(address)) return bech32Check(address);
  if (
    /^(?:addr|stake|cosmos|osmo|terra|bnb|thor|inj|celestia|juno|erd|one|zil)1[02-9ac-hj-np-z]{38,100}$/.test(
      address,
    )
  )
    return bech32Check(address);
  if (/^[13LMDTXmn2]/.test(address) && length >= 26 && length <= 35) return base58Check(address);
  if (/^(?:t[13]|tz[1-4])/.test(address)) return base58Check(address, base58, [26, 27]);
  if (/^r[1-9A-HJ-NP-Za-km-z]{24,34}$/.test(address)) return base58Check(address, rippleAlphabet);
  if (/^[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}$/.test(address)) return true;
  return (
    /^[1-9A-HJ-NP-Za-km-z]{32,44}$/.test(address) &&
    hasWord(`${key} ${text.slice(Math.max(0, at - 40), at)}`, ['solana', 'wallet', 'sol'])
  );
}
