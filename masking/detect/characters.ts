/** Character classes by table, shared by the detectors. Characters beyond ASCII belong to none. */

const flags = new Uint8Array(128);
const letter = 1;
const digitFlag = 2;
const hex = 4;
const event = 8;

function mark(characters: string, flag: number): void {
  for (let i = 0; i < characters.length; i += 1) {
    const code = characters.charCodeAt(i);
    flags[code] = (flags[code] ?? 0) | flag;
  }
}
mark('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ', letter);
mark('0123456789', digitFlag | hex);
mark('abcdefABCDEF', hex);
mark('@:=->|,($?', event);

const flagOf = (code: number): number => (code < 128 ? (flags[code] ?? 0) : 0);

/** Letter or digit of ASCII. */
export const isWord = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || (code >= 65 && code <= 90);
/** Decimal digit of ASCII. */
export const isDigit = (code: number): boolean => code >= 48 && code <= 57;
/** Letter of ASCII. */
export const isLetter = (code: number): boolean => (flagOf(code) & letter) !== 0;
/** Hexadecimal digit, either case. */
export const isHex = (code: number): boolean => (flagOf(code) & hex) !== 0;
/** Punctuation at which the finder looks around: `@ : = - > | , ( $ ?`. */
export const isEvent = (code: number): boolean => (flagOf(code) & event) !== 0;
/** Space, tab, line feed, carriage return. */
export const isSpace = (code: number): boolean => code === 32 || code === 9 || code === 10 || code === 13;
/** A quotation mark: double, single or backtick. */
export const isQuote = (code: number): boolean => code === 34 || code === 39 || code === 96;

/**
 * Whether one of the words stands in `text`. Words of fewer than five letters must stand free (`sin`, not `using`);
 * longer ones may be part of a name (`datadogApiKey`).
 * @param words lower case
 */
export function hasWord(text: string, words: readonly string[]): boolean {
  const lower = text.toLowerCase();
  for (const word of words) {
    let at = lower.indexOf(word);
    while (at >= 0) {
      if (word.length >= 5) return true;
      const behind = text.charCodeAt(at + word.length);
      const shouted = behind >= 65 && behind <= 90 && text.charCodeAt(at + word.length - 1) <= 90;
      const free = !isLetter(text.charCodeAt(at - 1)) && !(behind >= 97 && behind <= 122) && !shouted;
      if (free) return true;
      at = lower.indexOf(word, at + 1);
    }
  }
  return false;
}

/** One look for any of many words, wherever they stand in a text; {@link hasWord} then says whether they stand free. */
export function anyOf(words: readonly string[]): RegExp {
  const escaped = [...new Set(words)].map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(escaped.join('|') || '(?!)', 'i');
}

/**
 * What stands before an offset, for context words: the key the text belongs to, and up to `reach` characters, without
 * the rest of a word that begins further ahead (`call` of `syscall` says nothing) and without what masking wrote.
 */
export function before(text: string, at: number, key: string, reach = 56): string {
  let from = Math.max(0, at - reach);
  if (from > 0 && isLetter(text.charCodeAt(from - 1)))
    while (from < at && isLetter(text.charCodeAt(from))) from += 1;
  const context = text.slice(from, at);
  return `${key}\n${context.includes('masked:') ? context.replace(/\[?masked:[^\]]*\]?/g, ' ') : context}`;
}
