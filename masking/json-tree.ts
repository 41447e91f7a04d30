import { kinds } from './scan.ts';
import type { JsonTape } from './scan.ts';

/** One replacement: `[start, end)` of the text becomes `with`. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly with: string;
}

/** Kind of a node (see `kinds` in scan.ts). */
export function kindOf(tape: JsonTape, node: number): number {
  return tape.cells[node * 4] ?? 0;
}

/** Offset of a node's first character. */
export function startOf(tape: JsonTape, node: number): number {
  return tape.cells[node * 4 + 1] ?? 0;
}

/** Offset after a node's last character. */
export function endOf(tape: JsonTape, node: number): number {
  return tape.cells[node * 4 + 2] ?? 0;
}

/** The node after this one and all it holds. */
export function after(tape: JsonTape, node: number): number {
  return tape.cells[node * 4 + 3] ?? tape.count;
}

/** The text of a node exactly as it came. */
export function rawText(tape: JsonTape, node: number): string {
  return tape.text.slice(startOf(tape, node), endOf(tape, node));
}

/** The decoded value of a string or key node; null for every other kind. */
export function stringValue(tape: JsonTape, node: number): string | null {
  const kind = kindOf(tape, node);
  if (kind === kinds.string || kind === kinds.key) {
    return tape.text.slice(startOf(tape, node) + 1, endOf(tape, node) - 1);
  }
  if (kind !== kinds.escapedString && kind !== kinds.escapedKey) return null;
  return JSON.parse(rawText(tape, node)) as string;
}

/**
 * The node of a member's value.
 * @param path member names from `node` downwards
 * @returns null when a member is missing or something on the way is not an object
 */
export function member(tape: JsonTape, node: number, ...path: readonly string[]): number | null {
  let here = node;
  for (const name of path) {
    const key = kindOf(tape, here) === kinds.object ? keyNode(tape, here, name) : null;
    if (key === null) return null;
    here = key + 1;
  }
  return here;
}

function keyNode(tape: JsonTape, object: number, name: string): number | null {
  const end = after(tape, object);
  for (let key = object + 1; key < end; key = after(tape, key + 1)) {
    if (kindOf(tape, key) === kinds.key) {
      const start = startOf(tape, key) + 1;
      if (endOf(tape, key) - 1 - start === name.length && tape.text.startsWith(name, start)) return key;
    } else if (stringValue(tape, key) === name) {
      return key;
    }
  }
  return null;
}

/** The raw text of a member's value, or null when there is none. */
export function memberText(tape: JsonTape, node: number, ...path: readonly string[]): string | null {
  const found = member(tape, node, ...path);
  return found === null ? null : rawText(tape, found);
}

/** The decoded string of a member, or null when there is none or it is not a string. */
export function memberString(tape: JsonTape, node: number, ...path: readonly string[]): string | null {
  const found = member(tape, node, ...path);
  return found === null ? null : stringValue(tape, found);
}

/**
 * The edit that puts a member into an object, replaces its value, or takes it out (`value` null).
 * @param value raw JSON text
 * @returns null when there is nothing to do: the member to take out is not there, or `object` is not an object
 */
export function memberEdit(tape: JsonTape, object: number, name: string, value: string | null): Edit | null {
  if (kindOf(tape, object) !== kinds.object) return null;
  const key = keyNode(tape, object, name);
  if (key === null) {
    if (value === null) return null;
    const at = endOf(tape, object) - 1;
    const comma = after(tape, object) === object + 1 ? '' : ',';
    return { start: at, end: at, with: `${comma}${JSON.stringify(name)}:${value}` };
  }
  if (value !== null) return { start: startOf(tape, key + 1), end: endOf(tape, key + 1), with: value };
  const next = after(tape, key + 1);
  if (next < after(tape, object)) return { start: startOf(tape, key), end: startOf(tape, next), with: '' };
  // The last member takes its preceding comma along; only the object's own brace precedes a sole member.
  const end = endOf(tape, key + 1);
  if (key === object + 1) return { start: startOf(tape, key), end, with: '' };
  return { start: tape.text.lastIndexOf(',', startOf(tape, key)), end, with: '' };
}

/**
 * Puts, replaces or removes one member of the object at `object` (0 is the whole value), leaving every other
 * character as it was. The result is no longer described by `tape`: scan again to go on.
 */
export function withMember(tape: JsonTape, object: number, name: string, value: string | null): string {
  const edit = memberEdit(tape, object, name, value);
  return edit === null ? tape.text : applyEdits(tape.text, [edit]);
}

/** Applies edits that are in order and do not overlap. Everything outside them stays as it was. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  if (edits.length === 0) return text;
  const parts: string[] = [];
  let at = 0;
  for (const edit of edits) {
    parts.push(text.slice(at, edit.start), edit.with);
    at = edit.end;
  }
  parts.push(text.slice(at));
  return parts.join('');
}
