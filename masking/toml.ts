/**
 * Reads the part of TOML 1.0 that rule files use: tables, lists of tables, dotted names in headers, strings of all
 * four kinds, numbers, booleans, lists. Dates and inline tables are refused.
 */

/** A value as TOML has it, tables as maps without prototypes. */
export type Toml = string | number | boolean | Toml[] | { [key: string]: Toml };
export type TomlTable = { [key: string]: Toml };

/** A mistake in the file; `line` counts from 1. */
export class TomlError extends Error {
  readonly line: number;
  constructor(message: string, text: string, at: number) {
    const line = text.slice(0, at).split('\n').length;
    super(`line ${line}: ${message}`);
    this.name = 'TomlError';
    this.line = line;
  }
}

interface Cursor {
  readonly text: string;
  at: number;
}

const newTable = (): TomlTable => Object.create(null) as TomlTable;

/** @throws TomlError */
export function readToml(text: string): TomlTable {
  const root = newTable();
  const cursor: Cursor = { text, at: 0 };
  let table = root;
  for (skip(cursor, true); cursor.at < text.length; skip(cursor, true)) {
    if (text[cursor.at] === '[') table = readHeader(cursor, root);
    else {
      const name = readName(cursor);
      skip(cursor, false);
      expect(cursor, '=');
      skip(cursor, false);
      if (Object.hasOwn(table, name)) throw new TomlError(`${name} is given twice`, text, cursor.at);
      table[name] = readValue(cursor, 0);
    }
    skip(cursor, false);
    if (cursor.at < text.length && text[cursor.at] !== '\n' && text[cursor.at] !== '\r') {
      throw new TomlError('more on the line than one entry', text, cursor.at);
    }
  }
  return root;
}

function readHeader(cursor: Cursor, root: TomlTable): TomlTable {
  const list = cursor.text.startsWith('[[', cursor.at);
  cursor.at += list ? 2 : 1;
  const names = [readName(cursor)];
  while (cursor.text[cursor.at] === '.') {
    cursor.at += 1;
    names.push(readName(cursor));
  }
  expect(cursor, list ? ']]' : ']');
  let table = root;
  for (const [depth, name] of names.entries()) {
    const last = depth === names.length - 1;
    const found = Object.hasOwn(table, name) ? table[name] : undefined;
    if (last && list) {
      const items: Toml[] = found === undefined ? [] : Array.isArray(found) ? found : fail(cursor, name);
      const item = newTable();
      items.push(item);
      table[name] = items;
      return item;
    }
    const next = found === undefined ? newTable() : Array.isArray(found) ? found.at(-1) : found;
    if (typeof next !== 'object' || Array.isArray(next)) return fail(cursor, name);
    if (found === undefined) table[name] = next;
    table = next;
  }
  return table;
}

function fail(cursor: Cursor, name: string): never {
  throw new TomlError(`${name} is no table`, cursor.text, cursor.at);
}

function readName(cursor: Cursor): string {
  const bare = /[A-Za-z0-9_-]+/y;
  bare.lastIndex = cursor.at;
  const match = bare.exec(cursor.text);
  if (match !== null) {
    cursor.at = bare.lastIndex;
    return match[0];
  }
  const quote = cursor.text[cursor.at];
  if (quote !== '"' && quote !== "'") throw new TomlError('expected a name', cursor.text, cursor.at);
  return readString(cursor);
}

function readValue(cursor: Cursor, depth: number): Toml {
  const char = cursor.text.charAt(cursor.at);
  if (char === '"' || char === "'") return readString(cursor);
  if (char === '[' && depth < 16) return readList(cursor, depth);
  const word = /(?:true|false|[-+]?(?:\d[\d_]*)(?:\.\d+)?(?:[eE][-+]?\d+)?)(?=[\s,\]#]|$)/y;
  word.lastIndex = cursor.at;
  const match = word.exec(cursor.text);
  if (match === null)
    throw new TomlError('expected a string, number, boolean or list', cursor.text, cursor.at);
  cursor.at = word.lastIndex;
  return match[0] === 'true' ? true : match[0] === 'false' ? false : Number(match[0].replaceAll('_', ''));
}

function readList(cursor: Cursor, depth: number): Toml[] {
  const items: Toml[] = [];
  cursor.at += 1;
  for (;;) {
    skip(cursor, true);
    if (cursor.text[cursor.at] === ']') break;
    items.push(readValue(cursor, depth + 1));
    skip(cursor, true);
    if (cursor.text[cursor.at] === ',') cursor.at += 1;
    else if (cursor.text[cursor.at] !== ']')
      throw new TomlError('expected , or ] in list', cursor.text, cursor.at);
  }
  cursor.at += 1;
  return items;
}

function readString(cursor: Cursor): string {
  const { text } = cursor;
  const quote = text.charAt(cursor.at);
  const long = text.startsWith(quote.repeat(3), cursor.at);
  const mark = long ? quote.repeat(3) : quote;
  let at = cursor.at + mark.length;
  if (long && text[at] === '\n') at += 1;
  else if (long && text.startsWith('\r\n', at)) at += 2;
  const start = at;
  while (at < text.length && !text.startsWith(mark, at)) {
    if (!long && text[at] === '\n') break;
    at += quote === '"' && text[at] === '\\' ? 2 : 1;
  }
  if (!text.startsWith(mark, at)) throw new TomlError('string is not closed', text, cursor.at);
  // Up to two more quotes belong to the text.
  if (long) while (text.startsWith(mark, at + 1)) at += 1;
  cursor.at = at + mark.length;
  const body = text.slice(start, at);
  return quote === "'" ? body : unescape(body, cursor);
}

const escapes: Readonly<Record<string, string>> = {
  b: '\b',
  t: '\t',
  n: '\n',
  f: '\f',
  r: '\r',
  '"': '"',
  '\\': '\\',
};

function unescape(body: string, cursor: Cursor): string {
  return body.replaceAll(
    /\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(\s*\n\s*)|([\s\S]))/g,
    (
      _,
      short: string | undefined,
      wide: string | undefined,
      fold: string | undefined,
      one: string | undefined,
    ) => {
      if (fold !== undefined) return '';
      const code = short ?? wide;
      if (code !== undefined) return String.fromCodePoint(Math.min(0x10ffff, Number.parseInt(code, 16)));
      const known = escapes[one ?? ''];
      if (known === undefined) throw new TomlError('unknown escape in string', cursor.text, cursor.at);
      return known;
    },
  );
}

/** Moves over spaces and comments, and over line ends where `lines`. */
function skip(cursor: Cursor, lines: boolean): void {
  const blank = lines ? /(?:\s|#[^\n]*)*/y : /(?:[ \t]|#[^\n]*)*/y;
  blank.lastIndex = cursor.at;
  blank.test(cursor.text);
  cursor.at = blank.lastIndex;
}

function expect(cursor: Cursor, sign: string): void {
  if (!cursor.text.startsWith(sign, cursor.at))
    throw new TomlError(`expected ${sign}`, cursor.text, cursor.at);
  cursor.at += sign.length;
}
