import type { Edit } from './json-tree.ts';

/**
 * Applies edits of a decoded string to its raw JSON text. What lies outside the edits keeps its way of writing:
 * escapes stay escapes.
 * @param raw the JSON string with its quotes
 * @param edits in order, not overlapping; offsets into the decoded string
 */
export function spliceString(raw: string, edits: readonly Edit[]): string {
  let out = '';
  let rawAt = 1;
  let decodedAt = 0;
  let copied = 0;
  const forward = (target: number): void => {
    while (decodedAt < target) {
      const step = raw.charCodeAt(rawAt) === 0x5c ? (raw.charCodeAt(rawAt + 1) === 0x75 ? 6 : 2) : 1;
      rawAt += step;
      decodedAt += 1;
    }
  };
  for (const edit of edits) {
    forward(edit.start);
    out += raw.slice(copied, rawAt) + JSON.stringify(edit.with).slice(1, -1);
    forward(edit.end);
    copied = rawAt;
  }
  return out + raw.slice(copied);
}
