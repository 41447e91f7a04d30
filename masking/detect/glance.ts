import { isBase64 } from '../base64-text.ts';
import { isDigit, isLetter, isWord } from './characters.ts';

/** Whether a point behind this character begins a fraction: `1.5`, `(.5`, `-.5`; a word or a space may end in one. */
export const isFraction = (code: number): boolean =>
  isDigit(code) || (code > 32 && code < 0x80 && !isLetter(code));

/** Whether a slash stands close before an `@`, or `tcp(` or `unix(` behind it. */
export function mayBeLogin(text: string, at: number): boolean {
  if (text.startsWith('cp(', at + 2) || text.startsWith('nix(', at + 2)) return true;
  for (let i = at - 1; i > at - 66 && i > 0; i -= 1) {
    const code = text.charCodeAt(i);
    if (code === 0x2f) return isWord(text.charCodeAt(i - 1));
    if (code <= 32) return false;
  }
  return false;
}

/** The end of a data URL's base64: bytes are not text, and text in it is opened and searched on its own. */
export function skipBase64(text: string, from: number): number {
  let at = from;
  while (at < text.length && isBase64(text.charCodeAt(at))) at += 1;
  return at - 1;
}

/** Months as they are cut short. */
export const months = new Set([
  'Jan',
  'Feb',
  'Mar',
  'Apr',
  'May',
  'Jun',
  'Jul',
  'Aug',
  'Sep',
  'Oct',
  'Nov',
  'Dec',
]);

/** Whether a month may begin with a character: A D F J M N O S. */
export const beginsMonth = (code: number): boolean => code >= 65 && ((0x47_229 >> (code - 65)) & 1) === 1;

/** Whether a comma stands between quotes, or between a constant and a quote: `"a", "b"`, `'a' , 'b'`, `AUTH_KEY, "b"`. */
export function nearQuotes(text: string, at: number): boolean {
  const left = text.charCodeAt(at - 1);
  const right = text.charCodeAt(at + 1);
  if (left === 34 || left === 39) return right === 34 || right === 39 || right === 32;
  const behind = right === 32 ? text.charCodeAt(at + 2) : right;
  if (behind !== 34 && behind !== 39) return false;
  if (left >= 65 && left <= 90) return true;
  return left === 32 && (text.charCodeAt(at - 2) === 34 || text.charCodeAt(at - 2) === 39);
}
