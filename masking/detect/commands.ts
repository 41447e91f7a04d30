import type { Span } from '../span.ts';
import { isPlaceholder } from './placeholders.ts';

/** How each command writes a password, from behind its name on; the group is hidden. All of them are bounded. */
const forms: Readonly<Record<string, readonly RegExp[]>> = {
  // `net use Z: \\srv\share secret /user:x`, `net use \\srv\share /user:x secret`, `net user bob secret /add`
  net: [
    /(?:\.exe)?\s{1,4}use\s{1,4}(?:[A-Za-z*]:?\s{1,4})?\\\\\S{1,200}(?:\s{1,4}\/\S{1,120}){0,4}\s{1,4}(["']?)([^\s/"'*][^\s"']{2,127})\1/iy,
    /(?:\.exe)?\s{1,4}user\s{1,4}[^\s/]{1,64}\s{1,4}(["']?)([^\s/"'*][^\s"']{2,127})\1(?=\s|$)/iy,
  ],
  // `htpasswd -bc FILE user secret`, `htpasswd -nb user secret`
  htpasswd: [
    /\s{1,4}(?:-\w{1,8}\s{1,4}(?:\d{1,3}\s{1,4})?){0,6}-\w{0,6}n\w{0,6}b?\w{0,6}\s{1,4}(?:-\w{1,8}\s{1,4}){0,4}[^\s-]\S{0,64}\s{1,4}(["']?)([^\s"'|>]{3,128})\1/y,
    /\s{1,4}(?:-\w{1,8}\s{1,4}(?:\d{1,3}\s{1,4})?){0,6}-\w{0,6}b\w{0,6}\s{1,4}(?:-\w{1,8}\s{1,4}){0,4}[^\s-]\S{0,200}\s{1,4}\S{1,64}\s{1,4}(["']?)([^\s"'|>]{3,128})\1/y,
  ],
  // `root:secret | chpasswd` stands before; `chpasswd <<< 'root:secret'`
  chpasswd: [/\s{0,4}<<<\s{0,4}(["']?)[\w.-]{1,32}:([^\s"']{3,128})\1/y],
  // Oracle's tools: `imp scott/tiger file=…`, `sqlplus -s scott/tiger`
  ...Object.fromEntries(
    ['imp', 'exp', 'impdp', 'expdp', 'sqlldr', 'sqlplus', 'rman', 'sqlcl'].map((tool) => [
      tool,
      [
        /\s{1,4}(?:-\w{1,8}\s{1,4}){0,4}(?:(?:target|userid)\s{0,2}=?\s{0,2})?(["']?)[A-Za-z][\w$#]{0,29}\/([^\s@/"'.;|]{3,64})\1(?=\s|@|;|$)/y,
      ],
    ]),
  ),
  // `smbclient -U user%secret`, `rpcclient -U 'dom\user%secret'`
  ...Object.fromEntries(
    ['smbclient', 'rpcclient', 'wmic', 'winexe', 'pth-winexe'].map((tool) => [
      tool,
      [/[^\n]{0,160}?\s-(?:U|-user)[ =]?(["']?)[^\s%"']{1,64}%([^\s"']{3,128})\1/y],
    ]),
  ),
  // `kinit`, `openssl … -passin pass:secret`
  openssl: [/[^\n]{0,200}?-pass(?:in|out)?\s{1,4}(["']?)pass:([^\s"']{3,128})\1/y],
  // `vault login secret`
  vault: [/\s{1,4}login\s{1,4}(?:-\S{1,40}\s{1,4}){0,3}(["']?)([^\s"'=-][^\s"'=]{15,160})\1(?=\s|$)/y],
  rdesktop: [/[^\n]{0,160}?\s-p\s{1,4}(["']?)([^\s"'-][^\s"']{2,127})\1/y],
  xfreerdp: [/[^\n]{0,160}?\s\/p:(["']?)([^\s"']{3,128})\1/y],
};

/** Names of commands that take a password in a way of their own, lower case. */
export const commandWords: readonly string[] = Object.keys(forms);

/** The password of a command whose name ends at `end`. @returns the offset to go on from */
export function findCommand(text: string, start: number, end: number, out: Span[]): number {
  const tried = forms[text.slice(start, end).toLowerCase()];
  if (tried === undefined) return end;
  // Words of prose as well: a command stands at the beginning of a line or behind a sign of the shell's.
  if (end - start === 3 && !/(?:^|[\n;&|$>#/`("':])[ \t]*$/.test(text.slice(Math.max(0, start - 8), start)))
    return end;
  for (const form of tried) {
    form.lastIndex = end;
    const match = form.exec(text);
    const value = match?.[2] ?? '';
    if (match === null || isPlaceholder(value) || value.startsWith('$') || value.startsWith('%')) continue;
    const stop = form.lastIndex - (match[1] ?? '').length;
    out.push({ start: stop - value.length, end: stop, detector: 'password', confidence: 0.75 });
    return form.lastIndex;
  }
  return end;
}

const piped =
  /(?:echo|printf)\s{1,4}(?:-\w\s{1,4})?(["']?)[\w.-]{1,32}:([^\s"'|]{3,128})\1\s{0,4}\|\s{0,4}(?:sudo\s{1,4})?$/;

/** `echo 'root:secret' | chpasswd`, at the command's name. */
export function findPiped(text: string, start: number, end: number, out: Span[]): void {
  if (end - start !== 8 || !text.startsWith('chpasswd', start)) return;
  const from = Math.max(0, start - 220);
  const match = piped.exec(text.slice(from, start));
  const value = match?.[2] ?? '';
  if (match === null || isPlaceholder(value) || value.startsWith('$')) return;
  const at = from + match.index + match[0].indexOf(`:${value}`) + 1;
  out.push({ start: at, end: at + value.length, detector: 'password', confidence: 0.75 });
}
