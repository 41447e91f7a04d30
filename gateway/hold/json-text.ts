import { skipSpace } from '../mcp/parse-json.ts';

/** Where a value stands in a JSON text: `text.slice(start, end)` is the value exactly as it was written. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** One member of an object, its key decoded. */
export interface Member extends Span {
  readonly key: string;
}

/** A JSON text broke a rule that strict reading has promised it keeps. */
export class JsonTextError extends Error {
  readonly code = 'json_text';
}

const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
// A string's characters are eaten greedily without alternation inside the loop, so that length costs no stack.
// oxlint-disable-next-line no-control-regex -- raw control characters are what JSON forbids inside a string
const string = /"[^"\\\u0000-\u001f]*(?:\\[^\u0000-\u001f][^"\\\u0000-\u001f]*)*"/y;

/**
 * The end of the value that starts at `at`. The text was read strictly before, so this only has to find ends; it
 * refuses what cannot be JSON, but is no validator.
 * @throws JsonTextError when no value starts there
 */
export function valueEnd(text: string, at: number): number {
  const first = text[at];
  if (first === '"') return stringEnd(text, at);
  if (first !== '{' && first !== '[') return match(scalar, text, at);
  let depth = 0;
  for (let position = at; position < text.length; position++) {
    const character = text[position];
    if (character === '"') position = stringEnd(text, position) - 1;
    else if (character === '{' || character === '[') depth++;
    else if ((character === '}' || character === ']') && --depth === 0) return position + 1;
  }
  throw new JsonTextError(`the JSON value at character ${at} does not end`);
}

/** The members of the object that starts at `at`, in the order in which they were written. */
export function members(text: string, at: number): Member[] {
  const found: Member[] = [];
  for (const key of items(text, at, '{', '}')) {
    const colon = skipSpace(text, key.end);
    if (text[colon] !== ':') throw new JsonTextError(`a colon is missing at character ${colon}`);
    const start = skipSpace(text, colon + 1);
    const end = valueEnd(text, start);
    found.push({ key: JSON.parse(text.slice(key.start, key.end)) as string, start, end });
    key.next = end;
  }
  return found;
}

/** The elements of the array that starts at `at`. */
export function elements(text: string, at: number): Span[] {
  return [...items(text, at, '[', ']')];
}

/**
 * The value under a path of keys from the top of the text, or null when there is none. Of a key that occurs twice
 * the last one counts, as `JSON.parse` has it (strict reading refuses such a text before it gets here).
 */
export function at(text: string, path: readonly string[]): Span | null {
  const start = skipSpace(text, 0);
  let value: Span = { start, end: valueEnd(text, start) };
  for (const key of path) {
    if (text[value.start] !== '{') return null;
    const member = members(text, value.start).findLast((one) => one.key === key);
    if (!member) return null;
    value = member;
  }
  return value;
}

/** The text with some spans replaced; everything between them stays as it is, character for character. */
export function splice(text: string, changes: readonly (Span & { readonly with: string })[]): string {
  const sorted = [...changes].sort((a, b) => a.start - b.start);
  let result = '';
  let position = 0;
  for (const change of sorted) {
    result += text.slice(position, change.start) + change.with;
    position = change.end;
  }
  return result + text.slice(position);
}

/** The text without one member of the object at a path; all other text as it stands. */
export function withoutMember(text: string, path: readonly string[], key: string): string {
  const object = at(text, path);
  if (!object || text[object.start] !== '{') return text;
  const all = members(text, object.start);
  const index = all.findIndex((member) => member.key === key);
  const [before, gone, after] = [all[index - 1], all[index], all[index + 1]];
  if (!gone) return text;
  // A member goes with the comma before it, or, being the first, with everything up to the next one's key.
  if (before) return splice(text, [{ start: before.end, end: gone.end, with: '' }]);
  const end = after ? text.indexOf('"', text.indexOf(',', gone.end)) : gone.end;
  return splice(text, [{ start: text.indexOf('"', object.start), end, with: '' }]);
}

/** The text with a member of the object at a path, as raw JSON: replaced where it is, else put at the beginning. */
export function withMember(text: string, path: readonly string[], key: string, value: string): string {
  const object = at(text, path);
  if (!object || text[object.start] !== '{') return text;
  const all = members(text, object.start);
  const old = all.find((member) => member.key === key);
  if (old) return splice(text, [{ start: old.start, end: old.end, with: value }]);
  const start = object.start + 1;
  const comma = all.length === 0 ? '' : ',';
  return splice(text, [{ start, end: start, with: `${JSON.stringify(key)}:${value}${comma}` }]);
}

/** The raw text of the value under a path; null when there is none. */
export function rawAt(text: string, path: readonly string[]): string | null {
  const span = at(text, path);
  return span && text.slice(span.start, span.end);
}

/** Walks keys or elements; whoever iterates may move `next` past what belongs to the item. */
function* items(
  text: string,
  at: number,
  open: string,
  close: string,
): Generator<{ start: number; end: number; next: number }> {
  if (text[at] !== open) throw new JsonTextError(`"${open}" is missing at character ${at}`);
  let position = skipSpace(text, at + 1);
  if (text[position] === close) return;
  for (;;) {
    const end = open === '{' ? stringEnd(text, position) : valueEnd(text, position);
    const item = { start: position, end, next: end };
    yield item;
    position = skipSpace(text, item.next);
    if (text[position] === close) return;
    if (text[position] !== ',') throw new JsonTextError(`a comma is missing at character ${position}`);
    position = skipSpace(text, position + 1);
  }
}

function stringEnd(text: string, at: number): number {
  return match(string, text, at);
}

function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  if (!pattern.test(text)) throw new JsonTextError(`there is no JSON value at character ${at}`);
  return pattern.lastIndex;
}
