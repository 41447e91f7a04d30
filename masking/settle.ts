/** A stretch, sorted lists of which are compared here in one pass. */
interface Stretch {
  readonly start: number;
  readonly end: number;
}

/**
 * Maps offsets of an edited text back onto the original. An offset inside a replacement maps to the replaced
 * stretch's start, or to its end when asked for an upper bound.
 * @param edits in order, not overlapping
 */
export function originOf(
  edits: readonly (Stretch & { readonly with: string })[],
): (at: number, upper: boolean) => number {
  const starts: number[] = [];
  let shift = 0;
  for (const edit of edits) {
    starts.push(edit.start + shift);
    shift += edit.with.length - (edit.end - edit.start);
  }
  return (at, upper) => {
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) < at || (!upper && starts[middle] === at)) low = middle + 1;
      else high = middle;
    }
    const edit = edits[low - 1];
    if (edit === undefined) return at;
    const end = (starts[low - 1] ?? 0) + edit.with.length;
    if (upper ? at <= end : at < end) return upper ? edit.end : edit.start;
    return edit.end + (at - end);
  };
}

/** The members of `list` that touch none of `others`; both are in order and neither overlaps itself. */
export function apartFrom<T extends Stretch>(list: readonly T[], others: readonly Stretch[]): T[] {
  let next = 0;
  return list.filter((item) => {
    while (next < others.length && (others[next]?.end ?? 0) <= item.start) next += 1;
    const other = others[next];
    return other === undefined || other.start >= item.end;
  });
}
