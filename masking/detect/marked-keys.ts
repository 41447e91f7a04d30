import { isBase64 } from '../base64-text.ts';
import type { Span } from '../span.ts';

/**
 * Marks that Azure's services write into the keys they make, ten characters before the padding
 * (learn.microsoft.com/purview, github.com/microsoft/security-utilities): a key shows itself without a name.
 */
const marks = new Set('+ARm +AEh +ASb AIoT AzCa AZEG AzFu +ASt ACDb +ABa +AMC APIM'.split(' '));
const offset = 10;
/** How many characters such a key has before its padding: 32 and 64 bytes, and those of functions. */
const oneSign: readonly number[] = [43];
const twoSigns: readonly number[] = [86, 54];

/** Whether a mark may stand before a `=` at `at`; cheap, asked of every one. */
export function mayBeMarked(text: string, at: number): boolean {
  const first = text.charCodeAt(at - offset);
  return first === 0x2b || first === 0x41;
}

/** A key with such a mark, at the first sign of its padding. @returns the offset to go on from */
export function findMarkedKey(text: string, at: number, out: Span[]): number {
  if (!marks.has(text.slice(at - offset, at - offset + 4))) return at;
  const double = text.charCodeAt(at + 1) === 0x3d;
  let from = at - offset;
  while (from > 0 && at - from <= 88 && isKeyPart(text.charCodeAt(from - 1))) from -= 1;
  if (!(double ? twoSigns : oneSign).includes(at - from)) return at;
  const end = at + (double ? 2 : 1);
  out.push({ start: from, end, detector: 'azure-account-key', confidence: 0.95 });
  return end;
}

const isKeyPart = (code: number): boolean => isBase64(code) || code === 0x2d || code === 0x5f;
