/** One line of a comparison. */
export interface DiffLine {
  readonly kind: 'same' | 'removed' | 'added';
  readonly text: string;
}

/** More cells than this take too long; such texts are shown one after the other, whole. */
const maxCells = 4_000_000;

/**
 * Compares two JSON texts line by line, each value on a line of its own. Nothing is left out or shortened; numbers
 * and strings stay as they are written.
 */
export function jsonDiff(before: string, after: string): readonly DiffLine[] {
  const from = jsonLines(before);
  const to = jsonLines(after);
  if (from.length * to.length > maxCells)
    return [
      ...from.map((text): DiffLine => ({ kind: 'removed', text })),
      ...to.map((text): DiffLine => ({ kind: 'added', text })),
    ];
  const common = longestCommon(from, to);
  const lines: DiffLine[] = [];
  let left = 0;
  let right = 0;
  while (left < from.length || right < to.length) {
    const isSame = left < from.length && right < to.length && from[left] === to[right];
    if (isSame) {
      lines.push({ kind: 'same', text: from[left++] ?? '' });
      right++;
    } else if (
      right >= to.length ||
      (left < from.length && lengthAt(common, left + 1, right) >= lengthAt(common, left, right + 1))
    )
      lines.push({ kind: 'removed', text: from[left++] ?? '' });
    else lines.push({ kind: 'added', text: to[right++] ?? '' });
  }
  return lines;
}

/** A JSON text with each value on a line of its own; strings, numbers and the order of keys stay as written. */
export function jsonLines(json: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  let depth = 0;
  const end = (): void => {
    if (line.trim() !== '') lines.push('  '.repeat(depth) + line.trim());
    line = '';
  };
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g)) {
    if (token === '{' || token === '[') {
      line += token;
      end();
      depth++;
    } else if (token === '}' || token === ']') {
      end();
      depth = Math.max(0, depth - 1);
      line = token;
    } else if (token === ',') {
      line += ',';
      end();
    } else line += token === ':' ? ': ' : token;
  }
  end();
  return lines;
}

/** Lengths of the longest common subsequences of all tails. */
function longestCommon(from: readonly string[], to: readonly string[]): readonly Uint32Array[] {
  const table = Array.from({ length: from.length + 1 }, () => new Uint32Array(to.length + 1));
  for (let left = from.length - 1; left >= 0; left--)
    for (let right = to.length - 1; right >= 0; right--) {
      const row = table[left];
      if (!row) continue;
      row[right] =
        from[left] === to[right]
          ? lengthAt(table, left + 1, right + 1) + 1
          : Math.max(lengthAt(table, left + 1, right), lengthAt(table, left, right + 1));
    }
  return table;
}

function lengthAt(table: readonly Uint32Array[], left: number, right: number): number {
  return table[left]?.[right] ?? 0;
}
