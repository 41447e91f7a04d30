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
  let escape = -1;
  const forward = (target: number): void => {
    while (decodedAt < target) {
      if (escape < rawAt) {
        escape = raw.indexOf('\\', rawAt);
        if (escape < 0) escape = raw.length;
      }
      const plain = Math.min(target - decodedAt, escape - rawAt);
      rawAt += plain;
      decodedAt += plain;
      if (decodedAt === target || rawAt >= raw.length) return;
      rawAt += raw.charCodeAt(rawAt + 1) === 0x75 ? 6 : 2;
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
