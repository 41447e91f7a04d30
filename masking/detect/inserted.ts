import type { NameVerdict } from '../rules/name-verdict.ts';
import type { Span } from '../span.ts';
import { isSensitiveValue } from './values.ts';

const reach = 1_200;
const cell = /\s*(?:'((?:[^'\\]|\\.|''){0,2000})'|"((?:[^"\\]|\\.){0,2000})"|([^,()'"]{0,2000}))\s*([,)])/y;

/**
 * SQL's `INSERT INTO t (a, b) VALUES ('…', '…')`: columns name their values. At the word `VALUES`; rows are read while
 * they follow one another, each within a bounded window.
 */
export function findInserted(
  text: string,
  at: number,
  judge: (name: string) => NameVerdict | null,
  enabled: (detector: string) => boolean,
  out: Span[],
): void {
  if (!/^values\s*\(/i.test(text.slice(at, at + 12))) return;
  const ahead = text.slice(Math.max(0, at - reach), at);
  const list = /\(([^()]{2,1000})\)\s*$/.exec(ahead);
  if (list === null) return;
  const columns = (list[1] ?? '')
    .split(',')
    .map((name) => judge(name.trim().replace(/^["'`[]|["'`\]]$/g, '')));
  if (columns.every((column) => column === null)) return;
  let open = text.indexOf('(', at);
  for (let row = 0; row < 1_000 && open >= 0; row += 1) {
    const close = readRow(text, open + 1, columns, enabled, out);
    const next = /^\s{0,8},\s{0,8}\(/.exec(text.slice(close, close + 20));
    open = close < 0 || next === null ? -1 : close + next[0].length - 1;
  }
}

function readRow(
  text: string,
  from: number,
  columns: readonly (NameVerdict | null)[],
  enabled: (detector: string) => boolean,
  out: Span[],
): number {
  cell.lastIndex = from;
  for (let index = 0; index < columns.length; index += 1) {
    const match = cell.exec(text);
    if (match === null) return -1;
    const quoted = match[1] ?? match[2];
    const value = quoted ?? match[3] ?? '';
    const verdict = columns[index] ?? null;
    if (
      verdict !== null &&
      enabled(verdict.detector) &&
      isSensitiveValue(value, verdict, quoted !== undefined)
    ) {
      const start = match.index + match[0].indexOf(value);
      out.push({ start, end: start + value.length, detector: verdict.detector, confidence: 0.85 });
    }
    if (match[4] === ')') return cell.lastIndex;
  }
  return -1;
}
