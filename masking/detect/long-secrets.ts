import type { Span } from '../span.ts';
import { isWord } from './characters.ts';

const armour = /-----BEGIN [A-Z0-9 ]{0,40}(?:PRIVATE KEY|SECRET KEY)[A-Z ]{0,20}-----/y;
const bodyLimit = 16_384;
const end = /-----END [A-Z0-9 ]{0,60}-----/g;

/** A PEM or PGP private key (RFC 7468, RFC 9580) at `at`. An unfinished one is hidden as far as it goes. */
export function findPrivateKey(text: string, at: number, out: Span[]): number {
  armour.lastIndex = at;
  if (!armour.test(text)) return at;
  // A header alone, as programs compare with it, holds nothing.
  const head = text.slice(armour.lastIndex, armour.lastIndex + 400);
  const next = head.indexOf('-----');
  if (!/[A-Za-z0-9+/=]{16}/.test(next < 0 ? head : head.slice(0, next))) return at;
  const window = text.slice(armour.lastIndex, armour.lastIndex + bodyLimit);
  end.lastIndex = 0;
  const close = end.exec(window);
  const body = close === null ? /^[A-Za-z0-9+/=\s\\:,.-]*/.exec(window) : null;
  const stop = armour.lastIndex + (close === null ? (body?.[0].length ?? 0) : close.index + close[0].length);
  out.push({ start: at, end: stop, detector: 'private-key', confidence: 1 });
  return stop - 1;
}

const keyEnd = /-----END [A-Z0-9 ]{0,40}(?:PRIVATE KEY|SECRET KEY)[A-Z ]{0,20}-----/y;

/** A private key whose beginning is not there: the lines before its end, at the end's first hyphen. */
export function findKeyTail(text: string, at: number, out: Span[]): number {
  keyEnd.lastIndex = at;
  if (!keyEnd.test(text)) return at;
  let start = at;
  // Base64 and what stands between its lines, in files, code and quotes.
  while (start > 0 && at - start < 8_192 && /[A-Za-z0-9+/=\s\\"',>#]/.test(text.charAt(start - 1)))
    start -= 1;
  const first = /[A-Za-z0-9+/=]{32}/.exec(text.slice(start, at));
  if (first === null) return at;
  out.push({ start: start + first.index, end: keyEnd.lastIndex, detector: 'private-key', confidence: 0.9 });
  return keyEnd.lastIndex - 1;
}

/** JWT and JWE (RFC 7519): a header that decodes to an object with `alg`, then dots. */
export interface JwtFinder {
  /** Begins a new text. */
  reset(): void;
  find(text: string, at: number, out: Span[]): number;
}

const segments = /eyJ[A-Za-z0-9_-]{5,2000}\.[A-Za-z0-9_-]{2,16000}(?:\.[A-Za-z0-9_-]{0,6000}){0,3}/y;

/** After a failed try inside a run it does not look again at what it has seen to be dotless. */
export function createJwtFinder(): JwtFinder {
  let dead = 0;
  return {
    reset() {
      dead = 0;
    },
    find(text, at, out) {
      if (at < dead || !text.startsWith('eyJ', at)) return at;
      segments.lastIndex = at;
      const match = segments.exec(text);
      if (match === null) {
        dead = at;
        while (dead < text.length && dead - at < 2_010 && /[A-Za-z0-9_-]/.test(text.charAt(dead))) dead += 1;
        return at;
      }
      const header = Buffer.from(match[0].slice(0, match[0].indexOf('.')), 'base64url').toString('latin1');
      // Three parts of which two are JSON leave no doubt; else the header must be one.
      const known = header.includes('"alg"') || header.includes('"typ"') || header.includes('"enc"');
      if (!known && !(header.startsWith('{"') && match[0].includes('.eyJ'))) return at;
      out.push({ start: at, end: segments.lastIndex, detector: 'jwt', confidence: 0.97 });
      return segments.lastIndex;
    },
  };
}

const hashed =
  /\$(?:2[abxy]?\$\d{2}\$[./A-Za-z0-9]{53}|(?:1|5|6|8|9|14|apr1|y|gy|sha1|md5(?:,rounds=\d{1,8})?)\$[^\s"'<>]{1,64}\${0,2}[./A-Za-z0-9$=,+-]{20,120}|argon2(?:id|i|d)\$[^\s"'<>]{20,240}|pbkdf2[\w-]{0,12}\$[^\s"'<>]{20,240}|scrypt\$[^\s"'<>]{20,240}|krb5\w{2,6}\$[^\s"'<>]{32,4000}|NT\$[0-9a-fA-F]{32}|[SHP]\$[./A-Za-z0-9]{31,55})/y;

/** Django's way: the algorithm's name stands before the first `$`. */
const namedHash = /\$[0-9A-Za-z=,$]{1,64}\$[./A-Za-z0-9$=,+-]{20,160}/y;

/** A password's hash as crypt(3) and its followers write it, at the first `$`. */
export function findPasswordHash(text: string, at: number, out: Span[]): number {
  const next = text.charCodeAt(at + 1);
  // A digit or one of `a g k m N p s y`; behind a name, the count or salt may begin with anything.
  if (
    !isWord(text.charCodeAt(at - 1)) &&
    !((next >= 49 && next <= 57) || (next | 32) === 0x6e || /[agkmpsyHPS]/.test(text.charAt(at + 1)))
  )
    return at;
  const named = /(?:pbkdf2_sha\d{1,3}|bcrypt_sha256|argon2|scrypt|sha1|md5)$/.exec(
    text.slice(Math.max(0, at - 16), at),
  );
  if (named !== null) {
    namedHash.lastIndex = at;
    if (!namedHash.test(text)) return at;
    out.push({
      start: at - named[0].length,
      end: namedHash.lastIndex,
      detector: 'password-hash',
      confidence: 0.9,
    });
    return namedHash.lastIndex - 1;
  }
  hashed.lastIndex = at;
  const match = hashed.exec(text);
  if (match === null || !/\d/.test(match[0].slice(3)) || match[0].length < 30) return at;
  out.push({ start: at, end: hashed.lastIndex, detector: 'password-hash', confidence: 0.9 });
  return hashed.lastIndex - 1;
}

const dump = /[0-9a-fA-F]{32}:[0-9a-fA-F]{32}$/;

/** `user:500:LM:NT:::`, as Windows' hashes are dumped, at the first of the three colons. */
export function findHashDump(text: string, at: number, out: Span[]): void {
  if (!dump.test(text.slice(Math.max(0, at - 65), at))) return;
  out.push({ start: at - 65, end: at, detector: 'password-hash', confidence: 0.9 });
}

/** MySQL's hash of a password, a star and forty capital hexadecimal digits that run from `at` to `end`. */
export function findStarredHash(text: string, at: number, end: number, out: Span[]): boolean {
  if (text.charCodeAt(at - 1) !== 0x2a || !/^[0-9A-F]{40}$/.test(text.slice(at, end))) return false;
  out.push({ start: at - 1, end, detector: 'password-hash', confidence: 0.9 });
  return true;
}
