import type { Span } from '../span.ts';
import { isPlaceholder } from './placeholders.ts';

const userFlag =
  /(?:-u|-?-user|-?-proxy-user|-U)[ =]{1,4}["']?([^\s:"'@/]{0,64})["']?:["']?([^\s"']{1,128})/y;
/** The same where the secret stands before the colon and nothing behind it. */
const loneFlag = /(?:-u|-?-user)[ =]{1,4}(?:["']([^\s:"'@/$]{6,128}):["']|([^\s:"'@/$]{12,128}):(?=\s|$))/y;

/** `curl -u name:password`, at the first hyphen. @returns the offset to go on from */
export function findUserFlag(text: string, at: number, out: Span[]): number {
  loneFlag.lastIndex = at;
  const loneMatch = loneFlag.exec(text);
  const lone = loneMatch?.[1] ?? loneMatch?.[2] ?? '';
  if (lone !== '' && !isPlaceholder(lone) && /\d/.test(lone)) {
    const end = loneFlag.lastIndex - (loneMatch?.[1] === undefined ? 1 : 2);
    out.push({ start: end - lone.length, end, detector: 'password', confidence: 0.75 });
    return end;
  }
  userFlag.lastIndex = at;
  const match = userFlag.exec(text);
  const value = match?.[2] ?? '';
  if (match === null || isPlaceholder(value) || value.startsWith('/') || /^<|\$\{[^}]*$/.test(match[1] ?? ''))
    return at;
  out.push({
    start: userFlag.lastIndex - value.length,
    end: userFlag.lastIndex,
    detector: 'password',
    confidence: 0.8,
  });
  return userFlag.lastIndex - 1;
}

const passwordFlag =
  /-(?:p|P|a|w)(?: ?(["'])([^"'\n]{3,128})\1| ([^\s"'`-][^\s"'`]{2,127})|([^\s"'`=-][^\s"'`]{4,127}))/y;
/** Tools that take a password after `-p`, `-a` or `-w`. */
const tools =
  /(?:^|[\s/;&|`"'$(])(sshpass|mysql\w*|mariadb\w*|(?:docker|podman|oras|nerdctl|buildah|skopeo|cf|az|argocd) login|registry login|psexec\w*|smbclient|redis-cli|mongo\w*|ldap\w+|plink|pscp|winexe|tsm|bteq|sqlcmd|unzip|zip|rar|7z)(?:\.exe)?\s[^\n]*$/i;

/** `docker login -p …`, `mysql -p…`, `sshpass -p '…'`, at the hyphen. @returns the offset to go on from */
export function findPasswordFlag(text: string, at: number, out: Span[]): number {
  const letter = text.charCodeAt(at + 1);
  if (letter !== 0x70 && letter !== 0x50 && letter !== 0x61 && letter !== 0x77) return at;
  if (text.charCodeAt(at - 1) !== 32) return at;
  passwordFlag.lastIndex = at;
  const match = passwordFlag.exec(text);
  if (match === null) return at;
  const tool = tools.exec(text.slice(Math.max(0, at - 160), at))?.[1]?.toLowerCase() ?? '';
  // Only MySQL's clients take the password without a space; there, a word after a space is the database.
  const joined = tool.startsWith('mysql') || tool.startsWith('mariadb');
  const value = match[2] ?? (joined ? match[4] : (match[3] ?? '')) ?? '';
  const digits = /^\d{2,5}$/.test(value);
  if (tool === '' || value === '' || digits || isPlaceholder(value) || value.startsWith('$')) return at;
  const start = passwordFlag.lastIndex - value.length - (match[2] === undefined ? 0 : 1);
  out.push({ start, end: start + value.length, detector: 'password', confidence: 0.75 });
  return start + value.length - 1;
}

const pgPass = /(?:\d{2,5}|\*):[\w*.-]{1,63}:[\w*.-]{1,63}:([^\s:]{4,128})(?=\s|$)/y;

/** A line of PostgreSQL's password file, `host:port:database:user:password`, at its first colon. */
export function findPgPass(text: string, at: number, out: Span[]): number {
  const next = text.charCodeAt(at + 1);
  if (next !== 0x2a && !(next >= 49 && next <= 57)) return at;
  pgPass.lastIndex = at + 1;
  const value = pgPass.exec(text)?.[1] ?? '';
  if (value === '' || !/[A-Za-z*]:[^\s:]+$/.test(text.slice(at, pgPass.lastIndex))) return at;
  const start = pgPass.lastIndex - value.length;
  if (isPlaceholder(value) || /^[0-9a-f]{1,4}$/i.test(value)) return at;
  // GitHub's ids of requests: `B454:3381:3BA085:7A251D:65B177D4`.
  if (/^(?::[0-9A-F]{2,8}){4,5}$/.test(text.slice(at, pgPass.lastIndex))) return at;
  out.push({ start, end: pgPass.lastIndex, detector: 'password', confidence: 0.8 });
  return pgPass.lastIndex - 1;
}
