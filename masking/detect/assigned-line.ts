import type { NameVerdict } from '../rules/name-verdict.ts';
import { valueAfter } from './assigned-value.ts';
import type { AssignedValue } from './assigned-value.ts';
import { isWord } from './characters.ts';
import { looksRandom } from './values.ts';

/**
 * Whether `=` is written as in files of variables: `PGPASSWORD=secret`, `FIREBASE_TOKEN=DXsoJbwpxap7stqa`. There a plain
 * word is a value, unless it is the name of one, and a name of capitals needs no more proof than quotes give.
 */
export function isTight(
  text: string,
  at: number,
  key: string,
  value: AssignedValue,
  verdict: NameVerdict,
  judge: (name: string) => NameVerdict | null,
): boolean {
  if (text.charCodeAt(at) !== 0x3d || value.start !== at + 1 || !isWord(text.charCodeAt(at - 1)))
    return false;
  const content = text.slice(value.start, value.end);
  if (verdict.detector === 'credential')
    return (
      /^[\w-]{12,}$/.test(content) &&
      looksRandom(content) &&
      (/^[A-Z][A-Z0-9_]{5,}$/.test(key) || (key.length >= 6 && isLine(text, at - key.length, value.end)))
    );
  return (
    verdict.detector === 'password' &&
    /^[A-Za-z]{4,}$/.test(content) &&
    (judge(content) === null || isLine(text, at - key.length, value.end))
  );
}

/** Whether a stretch is a whole line, as settings are and arguments of calls are not. */
export function isLine(text: string, start: number, end: number): boolean {
  const before = text.charCodeAt(start - 1);
  const behind = text.charCodeAt(end);
  return (start === 0 || before === 10) && (end === text.length || behind === 10 || behind === 13);
}

const elsewhere = /^(?:\$|#\{|%[A-Za-z(]|[{<[]|\*{2}|x{3})/i;

/** A password between semicolons is one whatever it looks like: `Server=…;Uid=…;Pwd=secret;`. */
export function connects(
  text: string,
  at: number,
  key: string,
  content: string,
  verdict: NameVerdict,
): boolean {
  if (verdict.detector !== 'password' || content.length < 3 || elsewhere.test(content)) return false;
  const start = at - key.length;
  const ahead = text.charCodeAt(start - 1) === 32 ? start - 2 : start - 1;
  if (text.charCodeAt(ahead) !== 0x3b || text.charCodeAt(at + 1) === 32) return false;
  return /[\w ]=[^;\n=]{1,120};(?:[\w ]{1,32}=[^;\n=]{1,120};)* ?$/.test(
    text.slice(Math.max(0, start - 240), start),
  );
}

/** In files of variables a value goes on to the end of its line, whatever ends one elsewhere: `SECRET_KEY=r&lv;8…`. */
export function wholeLine(
  text: string,
  at: number,
  key: string,
  value: AssignedValue | null,
): AssignedValue | null {
  if (value === null || value.quoted || text.charCodeAt(at) !== 0x3d || value.start !== at + 1) return value;
  if (!isSeparator(text.charCodeAt(value.end)) || !/^[A-Z][A-Z0-9_]{3,}$/.test(key)) return value;
  const start = at - key.length;
  if (start > 0 && text.charCodeAt(start - 1) !== 10) return value;
  let end = value.end;
  while (end < text.length && end - at < 512 && text.charCodeAt(end) > 32) end += 1;
  return text.slice(value.end, end).includes('=') &&
    text.charCodeAt(value.end) === 0x26 &&
    /&[A-Za-z_]+=/.test(text.slice(value.end, end))
    ? value
    : { ...value, end };
}

/** What ends a value in addresses and lists: `& ; ' ) ] }`. */
const isSeparator = (code: number): boolean =>
  code === 0x26 || code === 0x3b || code === 39 || code === 0x29 || code === 0x5d || code === 0x7d;

/** What follows a scheme nobody has listed: `Authorization: aivenv1 …`. */
export function behindScheme(
  text: string,
  key: string,
  sign: number,
  value: AssignedValue | null,
): AssignedValue | null {
  if (value === null || value.quoted || !key.endsWith('orization')) return value;
  if (text.charCodeAt(value.end) !== 32 || !/^[A-Za-z][\w-]{1,24}$/.test(text.slice(value.start, value.end)))
    return value;
  const next = valueAfter(text, value.end, sign);
  return next === null || next.end - next.start < 16 ? value : { ...next, quoted: true };
}
