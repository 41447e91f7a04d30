/**
 * The same text in memory of its own. V8 keeps a part of a text (from 13 characters on) as a reference to the whole, so
 * that whoever remembers a name keeps the message that it stood in.
 */
export function ownCopy(text: string): string {
  if (text.length < 13) return text;
  const encoding = /[\u0100-\uffff]/.test(text) ? 'utf16le' : 'latin1';
  return Buffer.from(text, encoding).toString(encoding);
}

/** Names that are longer are not remembered: a hostile one has megabytes. */
export const longestKept = 200;
