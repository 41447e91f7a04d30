import type { Span } from '../span.ts';
import { isDigit, isHex, isLetter, isWord } from './characters.ts';

/** Endings of file names that look like top-level domains after `logo@2x.` and the like. */
const fileEndings = new Set([
  'png',
  'jpg',
  'jpeg',
  'gif',
  'svg',
  'webp',
  'css',
  'js',
  'ts',
  'json',
  'html',
  'htm',
  'md',
  'txt',
  'py',
  'java',
  'xml',
  'yml',
  'yaml',
]);

const isLocal = (code: number): boolean =>
  isWord(code) ||
  code === 0x2e ||
  code === 0x5f ||
  code === 0x2b ||
  code === 0x2d ||
  code === 0x25 ||
  code === 0x27 ||
  code === 0x21 ||
  code === 0x23 ||
  code === 0x26 ||
  code === 0x2f ||
  code === 0x7e ||
  code >= 0xc0;

const before =
  /(?:thin:|sqlplus\s{1,4}|sqlldr\s{1,4}|(?:exp|imp|expdp|impdp|rman)\s{1,4})[\w$#]{1,30}\/([^\s@/"']{3,64})$/i;
const inDsn = /(?:^|["'\s=])[\w.-]{1,64}:([^\s@:"']{3,128})$/;

/** `scott/tiger@ORCL` after Oracle's tools, `root:secret@tcp(…)` in Go: the password before an `@`. */
export function findLoginPassword(text: string, at: number, out: Span[]): boolean {
  const go = text.startsWith('tcp(', at + 1) || text.startsWith('unix(', at + 1);
  // One character more than the longest match, so that its beginning is one.
  const match = (go ? inDsn : before).exec(text.slice(Math.max(0, at - 200), at));
  if (match === null) return false;
  out.push({ start: at - (match[1] ?? '').length, end: at, detector: 'url-password', confidence: 0.85 });
  return true;
}

/** A local part in quotes (RFC 5321 section 4.1.2), before an `@`: what programs rarely write, and people never. */
const quotedLocal = /"(?:[^"\\\n<>{}:;=,]|\\[^\n]){1,62}"$/;
/** An address in brackets for a domain: `@[192.0.2.1]`, `@[IPv6:2001:db8::1]`. */
const literal = /\[(?:\d{1,3}(?:\.\d{1,3}){3}|IPv6:[0-9A-Fa-f:.]{2,45})\]/y;

/** Where a quoted local part that ends before `at` begins, or `at`. */
function quotedStart(text: string, at: number): number {
  if (text.charCodeAt(at - 1) !== 34 || !isWord(text.charCodeAt(at + 1))) return at;
  const from = Math.max(0, at - 66);
  const match = quotedLocal.exec(text.slice(from, at));
  return match === null || !/[A-Za-z0-9]/.test(match[0]) ? at : from + match.index;
}

/** E-mail address around an `@` (RFC 5321 lengths: local part 64, domain 255). */
export function findEmail(text: string, at: number, out: Span[]): number {
  let start = quotedStart(text, at);
  if (start < at) return pushEmail(text, start, at, out);
  while (start > 0 && at - start < 64 && isLocal(text.charCodeAt(start - 1))) start -= 1;
  while (start < at && !isWord(text.charCodeAt(start)) && text.charCodeAt(start) < 0xc0) start += 1;
  const slash = text.slice(start, at).lastIndexOf('/');
  if (slash >= 0) start += slash + 1;
  const question = /[&=]/.exec(text.slice(start, at));
  if (question !== null) start += question.index + 1;
  if (start === at) return at;
  if (text.charCodeAt(at + 1) === 0x5b) {
    literal.lastIndex = at + 1;
    if (!literal.test(text)) return at;
    out.push({ start, end: literal.lastIndex, detector: 'email', confidence: 0.9 });
    return literal.lastIndex - 1;
  }
  return pushEmail(text, start, at, out);
}

/** The domain behind an `@` whose local part begins at `start`. */
function pushEmail(text: string, start: number, at: number, out: Span[]): number {
  let end = at + 1;
  let dot = -1;
  while (end < text.length && end - at < 255) {
    const code = text.charCodeAt(end);
    if (code === 0x2e) dot = isWord(text.charCodeAt(end + 1)) || text.charCodeAt(end + 1) >= 0xc0 ? end : dot;
    // An underscore is no letter of a host's name, but of some that are in use.
    else if (!isWord(code) && code !== 0x2d && code !== 0x5f && code < 0xc0) break;
    end += 1;
  }
  if (text.slice(dot < 0 ? at : dot, end).includes('_')) end = text.indexOf('_', Math.max(at, dot));
  while (end > at && (text.charCodeAt(end - 1) === 0x2e || text.charCodeAt(end - 1) === 0x2d)) end -= 1;
  if (dot <= at + 1 || end - dot < 3 || !isTopLevel(text.slice(dot + 1, end))) return at;
  const local = text.slice(start, at);
  if (local === 'git' || (text.charCodeAt(start - 1) === 0x3a && inUserInfo(text, start))) return at;
  if (text.startsWith('masked.invalid', at + 1)) return at;
  out.push({ start, end, detector: 'email', confidence: 0.95 });
  return end - 1;
}

function isTopLevel(label: string): boolean {
  const first = label.charCodeAt(0);
  if (!isLetter(first) && first < 0xc0) return false;
  if (/^xn--[a-z0-9-]+$/i.test(label)) return true;
  return !/^[^\d]*\d/.test(label) && !fileEndings.has(label.toLowerCase());
}

function inUserInfo(text: string, at: number): boolean {
  const window = text.slice(Math.max(0, at - 120), at);
  const scheme = window.lastIndexOf('://');
  return scheme >= 0 && !/[\s/]/.test(window.slice(scheme + 3));
}

/** What stands for a password: a variable, a template, stars, a marker. */
const loginStopgap =
  /^(?:\$?\{[^}]*\}|\{\{[^}]*\}\}|\$(?:[A-Z_][A-Z0-9_]*|\w{1,8}\{[^}]*\})|%[sdv]|<[^>]*>|\*+|\[masked[^\]]*\]|%5Bmasked.*)$/;

/** Password in `scheme://user:password@host`, at the colon of the scheme. */
export function findUrlPassword(text: string, at: number, out: Span[]): void {
  if (
    text.charCodeAt(at + 1) !== 0x2f ||
    text.charCodeAt(at + 2) !== 0x2f ||
    !isWord(text.charCodeAt(at - 1))
  )
    return;
  const limit = Math.min(text.length, at + 515);
  let colon = -1;
  let sign = -1;
  // A user that is hidden already has a colon in its marker.
  const marker = text.startsWith('[masked:', at + 3) ? text.indexOf(']', at) : -1;
  for (let i = Math.max(at + 3, marker); i < limit; i += 1) {
    const code = text.charCodeAt(i);
    if (code === 0x3a && colon < 0) colon = i;
    else if (code === 0x40) sign = i;
    else if (code <= 32 || code === 0x22 || code === 0x3c || code === 0x3e || code === 0x60) break;
    else if ((code === 0x2f || code === 0x3f || code === 0x23) && (sign >= 0 || colon < 0)) break;
  }
  if (sign < 0) return;
  if (colon > 0 && colon + 1 < sign && colon < sign) {
    const value = text.slice(colon + 1, sign);
    if (loginStopgap.test(value) || value.includes('/')) return;
    // GitHub's way: the token stands for the user, and the password says so.
    if (value === 'x-oauth-basic') {
      if (colon - at - 3 >= 20)
        out.push({ start: at + 3, end: colon, detector: 'url-password', confidence: 0.9 });
      return;
    }
    out.push({ start: colon + 1, end: sign, detector: 'url-password', confidence: 0.95 });
  } else if (colon < 0 && sign - at - 3 >= 20) {
    out.push({ start: at + 3, end: sign, detector: 'url-password', confidence: 0.8 });
  }
}

const macPattern =
  /[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){4}(?:\1[0-9A-Fa-f]{2}\1[0-9A-Fa-f]{2})?(?![0-9A-Za-z:-])/y;
const ip6Pattern =
  /(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![\w:])|(?:[0-9A-Fa-f]{1,4}:){1,6}(?::[0-9A-Fa-f]{1,4}){1,6}(?![\w:])|(?:[0-9A-Fa-f]{1,4}:){2,7}:(?![\w:])/y;

/** MAC address (IEEE 802) whose first separator is at `at`. @returns end of the match, or `at` */
export function findMac(text: string, at: number, out: Span[]): number {
  if (!isHex(text.charCodeAt(at - 1)) || !isHex(text.charCodeAt(at - 2)) || isWord(text.charCodeAt(at - 3)))
    return at;
  if (text.charCodeAt(at + 3) !== text.charCodeAt(at)) return at;
  // The end of something longer, such as a fingerprint.
  if (
    text.charCodeAt(at - 3) === text.charCodeAt(at) &&
    /[^0-9A-Za-z][0-9A-Fa-f]{2}.$/.test(text.slice(Math.max(0, at - 6), at - 2))
  )
    return at;
  macPattern.lastIndex = at - 2;
  const match = macPattern.exec(text);
  if (match === null || /^(?:00[:-]){5}00$|^(?:ff[:-]){5}ff$/i.test(match[0])) return at;
  out.push({ start: at - 2, end: macPattern.lastIndex, detector: 'mac', confidence: 0.9 });
  return macPattern.lastIndex - 1;
}

const dottedMac = /[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}(?:\.[0-9A-Fa-f]{4})?(?![\w.])/y;

/** `001b.4411.3ab7`, as switches write MAC addresses. @returns end of the match, or `at` */
export function findDottedMac(text: string, at: number, out: Span[]): number {
  dottedMac.lastIndex = at;
  if (!dottedMac.test(text)) return at;
  const { lastIndex } = dottedMac;
  const value = text.slice(at, lastIndex);
  // Digits alone may be a number in groups, letters alone words.
  const said = /(?:mac|physical|hardware|ethernet)[^.\n]{0,16}$/i.test(text.slice(Math.max(0, at - 28), at));
  if (
    (!said && (!/[a-f].*[a-f]/i.test(value) || !/\d/.test(value) || /0.*0.*0.*0.*0.*0.*0/.test(value))) ||
    /[.\w-]/.test(text.charAt(at - 1))
  )
    return at;
  out.push({ start: at, end: lastIndex, detector: 'mac', confidence: 0.85 });
  return lastIndex;
}

/** IPv6 address (RFC 4291) whose first colon is at `at`; loopback and unspecified are left. */
export function findIp6(text: string, at: number, out: Span[]): number {
  let start = at;
  while (start > 0 && at - start < 5 && isHex(text.charCodeAt(start - 1))) start -= 1;
  const ahead = text.charCodeAt(start - 1);
  if (start === at || at - start > 4 || isWord(ahead) || ahead === 0x2e) return at;
  // `peer:2001:db8::1`: a word with a colon, which no group of an address is.
  if (ahead === 0x3a && !/[g-z_][0-9A-Za-z_]{0,40}:$/i.test(text.slice(Math.max(0, start - 42), start)))
    return at;
  ip6Pattern.lastIndex = start;
  const match = ip6Pattern.exec(text);
  if (match === null || match[0].length < 7 || !/[0-9]/.test(match[0]) || /^\d\d:\d\d:/.test(match[0]))
    return at;
  out.push({ start, end: ip6Pattern.lastIndex, detector: 'ip', confidence: 0.85 });
  return ip6Pattern.lastIndex - 1;
}

const ip4Pattern =
  /(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}(?![\w]|\.\d|-\w)/y;

/** Whether four numbers are part of a drawing's path: `-1.839 5.18.125.126 3.936-.896`, `1.79.838 2.33.67.6 …`. */
function isDrawn(text: string, at: number, end: number): boolean {
  const ahead = text.slice(Math.max(0, at - 26), at);
  const behind = text.slice(end, end + 26);
  if (!/\d[ ,]$/.test(ahead) && !/^[ ,-]\.?\d/.test(behind)) return false;
  return (
    /-\.\d|[ ,]\.\d/.test(`${ahead}0${behind}`) ||
    /(?:^|[ ,-])\d*\.\d+\.\d+[ ,]$/.test(ahead) ||
    /^[ ,]\d*\.\d+\.\d+(?![.\d])/.test(behind)
  );
}

/** IPv4 address; loopback, wildcard, netmasks and version numbers are left. */
export function findIp4(text: string, at: number, out: Span[]): number {
  ip4Pattern.lastIndex = at;
  const match = ip4Pattern.exec(text);
  if (match === null) return at;
  const ahead = text.charCodeAt(at - 1);
  if (ahead === 0x2e || ahead === 0x2d || ahead === 0x5f || /^(?:127\.|0\.|255\.)/.test(match[0])) return at;
  const near = text.slice(Math.max(0, at - 16), at);
  if (
    /(?:version|release|chapter|section|\bsect?\.?|clause|step|§|\bver|\brv|oid|rfc ?\d{0,5},?)[\s:="']*$|\bv$/i.test(
      near,
    )
  )
    return at;
  if (isDigit(ahead) || isDrawn(text, at, ip4Pattern.lastIndex)) return at;
  // Four small numbers where one is pointed to are a chapter's.
  if (
    /\b(?:see|in|per|of|cf\.?) [(]?$/i.test(near) &&
    match[0].split('.').every((part) => Number(part) <= 20)
  )
    return at;
  out.push({ start: at, end: ip4Pattern.lastIndex, detector: 'ip', confidence: 0.8 });
  return ip4Pattern.lastIndex;
}
