import type { NameVerdict } from '../rules/name-verdict.ts';
import type { Span } from '../span.ts';
import { isQuote } from './characters.ts';
import { isSensitiveValue } from './values.ts';

const reach = 200;
const comparedWith = /={0,2}\s{0,4}(?:[A-Za-z_$][\w$]{0,40}[.>-]{1,2}){0,4}\$?([A-Za-z_][\w-]{1,60})/y;

/**
 * `"secret" == password`, at the first equals sign: the value stands in quotes before it, its name behind it.
 * @returns the offset to go on from
 */
export function findCompared(
  text: string,
  at: number,
  judge: (name: string) => NameVerdict | null,
  out: Span[],
): number {
  let close = at - 1;
  while (close > 0 && at - close < 6 && (text.charCodeAt(close) === 32 || text.charCodeAt(close) === 0x21))
    close -= 1;
  const quote = text.charCodeAt(close);
  if (!isQuote(quote)) return at;
  comparedWith.lastIndex = at + 1;
  const name = comparedWith.exec(text)?.[1];
  const verdict = name === undefined ? null : judge(name);
  if (verdict === null || (verdict.detector !== 'password' && verdict.detector !== 'credential')) return at;
  let open = close - 1;
  while (open >= 0 && close - open < reach && text.charCodeAt(open) !== quote && text.charCodeAt(open) !== 10)
    open -= 1;
  if (text.charCodeAt(open) !== quote) return at;
  const value = text.slice(open + 1, close);
  if (/\s/.test(value) || !isSensitiveValue(value, verdict, true)) return at;
  out.push({ start: open + 1, end: close, detector: verdict.detector, confidence: 0.75 });
  return comparedWith.lastIndex - 1;
}
