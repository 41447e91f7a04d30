import type { NameVerdict } from './rules/name-verdict.ts';
import { isSensitiveValue } from './detect/values.ts';
import type { Span } from './span.ts';

const delimiters = [',', '\t', ';', '|'] as const;

/**
 * Finds values in CSV, TSV, Markdown and SQL shells' tables by the name of their column. A header is looked for
 * where one can stand: at the top, after an empty line, above a ruler.
 */
export function findTables(text: string, judge: (name: string) => NameVerdict | null, out: Span[]): void {
  let start = 0;
  let lineNumber = 0;
  let afterEmpty = true;
  while (start < text.length) {
    const end = endOfLine(text, start);
    const empty = end - start < 2;
    if (!empty && (afterEmpty || lineNumber < 3 || isRuler(text, end + 1)) && end - start < 4_000) {
      const header = readHeader(text, start, end, judge);
      if (header !== null) {
        start = readRows(text, end + 1, header, out);
        afterEmpty = false;
        lineNumber += 1;
        continue;
      }
    }
    afterEmpty = empty;
    lineNumber += 1;
    start = end + 1;
  }
}

interface Header {
  readonly delimiter: string;
  readonly columns: readonly (NameVerdict | null)[];
}

function readHeader(
  text: string,
  start: number,
  end: number,
  judge: (name: string) => NameVerdict | null,
): Header | null {
  const line = text.slice(start, end);
  for (const delimiter of delimiters) {
    if (!line.includes(delimiter)) continue;
    const cells = cellsOf(line, delimiter);
    if (cells.length < 2 || cells.some((cell) => cell.end - cell.start > 48)) continue;
    const columns = cells.map((cell) => judge(line.slice(cell.start, cell.end)));
    if (columns.some((column) => column !== null)) return { delimiter, columns };
  }
  return null;
}

function readRows(text: string, from: number, header: Header, out: Span[]): number {
  let start = from;
  while (start < text.length) {
    const end = endOfLine(text, start);
    if (!isRuler(text, start)) {
      const line = text.slice(start, end);
      const cells = cellsOf(line, header.delimiter);
      if (cells.length !== header.columns.length) return start;
      for (const [at, cell] of cells.entries()) {
        const verdict = header.columns[at] ?? null;
        if (verdict === null || cell.end <= cell.start) continue;
        // `key` heads columns of names as often as of keys: there a value must look random.
        const certain = verdict.strength === 'strong' || verdict.detector !== 'credential';
        if (!isSensitiveValue(line.slice(cell.start, cell.end), verdict, certain)) continue;
        out.push({
          start: start + cell.start,
          end: start + cell.end,
          detector: verdict.detector,
          confidence: 0.8,
        });
      }
    }
    start = end + 1;
  }
  return start;
}

interface Cell {
  readonly start: number;
  readonly end: number;
}

/** Cuts a line into cells, without the quotes and spaces around them; a quoted cell may hold the delimiter. */
function cellsOf(line: string, delimiter: string): Cell[] {
  const cells: Cell[] = [];
  const end = line.length;
  let at = delimiter === '|' && line.trimStart().startsWith('|') ? line.indexOf('|') + 1 : 0;
  while (at <= end) {
    let from = at;
    while (from < end && line.charCodeAt(from) === 32) from += 1;
    let close: number;
    if (line.charCodeAt(from) === 34) {
      close = line.indexOf('"', from + 1);
      while (close > 0 && line.charCodeAt(close + 1) === 34) close = line.indexOf('"', close + 2);
      if (close < 0) close = end;
      cells.push({ start: from + 1, end: close });
      close = line.indexOf(delimiter, close);
    } else {
      close = line.indexOf(delimiter, from);
      let to = close < 0 ? end : close;
      while (to > from && (line.charCodeAt(to - 1) === 32 || line.charCodeAt(to - 1) === 13)) to -= 1;
      cells.push({ start: from, end: to });
    }
    if (close < 0) break;
    at = close + 1;
  }
  const last = cells.at(-1);
  if (delimiter === '|' && cells.length > 1 && last !== undefined && last.end <= last.start) cells.pop();
  return cells;
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  return end < 0 ? text.length : end;
}

function isRuler(text: string, start: number): boolean {
  const first = text.charCodeAt(start);
  if (first !== 0x2d && first !== 0x7c && first !== 0x2b && first !== 32 && first !== 0x3a) return false;
  const end = endOfLine(text, start);
  return (
    end - start < 2_000 &&
    end - start >= 3 &&
    /^[-+|: =\r]+$/.test(text.slice(start, end)) &&
    text.slice(start, end).includes('--')
  );
}
