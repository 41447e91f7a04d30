import { randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const prefix = 'hpat_';
const randomCharacters = 36;
const checksumCharacters = 6;

/**
 * A fresh personal or service access token: `hpat_`, 36 random characters (214 bits), and six that are the CRC-32 of
 * what stands before them, so that a secret scanner knows a token from a chance match without asking anybody.
 */
export function newPersonalToken(): string {
  let body = prefix;
  for (let index = 0; index < randomCharacters; index++) body += alphabet[randomInt(alphabet.length)];
  return body + checksum(body);
}

/** Whether a text looks like one of ours, whatever stands behind it. */
export function hasTokenPrefix(text: string): boolean {
  return text.startsWith(prefix);
}

/** Whether a text has the form and the checksum of a token; anything else need not be looked up. */
export function isPersonalToken(text: string): boolean {
  const length = prefix.length + randomCharacters + checksumCharacters;
  if (text.length !== length || !/^hpat_[0-9A-Za-z]+$/.test(text)) return false;
  return checksum(text.slice(0, -checksumCharacters)) === text.slice(-checksumCharacters);
}

function checksum(text: string): string {
  let rest = crc32(Buffer.from(text, 'latin1'));
  let out = '';
  for (let index = 0; index < checksumCharacters; index++) {
    out = `${alphabet[rest % alphabet.length]}${out}`;
    rest = Math.floor(rest / alphabet.length);
  }
  return out;
}
