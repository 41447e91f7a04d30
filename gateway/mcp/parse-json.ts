const quote = 0x22;
const backslash = 0x5c;
const braceOpen = 0x7b;
const braceClose = 0x7d;
const bracketOpen = 0x5b;
const bracketClose = 0x5d;
const colon = 0x3a;
const comma = 0x2c;

/**
 * `JSON.parse` for text that others wrote. V8 takes a key that is written with an escape for another key whose
 * spelling it has seen before (nodejs/node#63785: after `{"h":[],"c\\":0}` the second key of `{"h":1,"c\n":2}`
 * reads as `c\`). Whoever sends the one first makes rules see another argument than the server gets. So texts with
 * such a key are put together here, key by key.
 * @throws SyntaxError as `JSON.parse` does
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return text.includes('\\') && hasEscapedKey(text) ? rebuild(text) : value;
}

/** The value of a text that `JSON.parse` accepts, with every key decoded on its own. */
export function rebuild(text: string): unknown {
  return valueAt({ text, at: 0 });
}

/** Position of the first character at or after `from` that is not white space. */
export function skipSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at;
    at++;
  }
}

/** The position after the closing quote of the string that starts at `start`, in a text known to be JSON. */
export function stringEnd(text: string, start: number): number {
  let at = start;
  for (;;) {
    at = text.indexOf('"', at + 1);
    let before = at - 1;
    while (text.charCodeAt(before) === backslash) before--;
    if ((at - 1 - before) % 2 === 0) return at + 1;
  }
}

/** The end of a number, `true`, `false` or `null`: a comma, a closing bracket, white space, or the text's end. */
export function wordEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const next = text.charCodeAt(at);
    if (next === comma || next === braceClose || next === bracketClose || next <= 0x20) return at;
  }
  return text.length;
}

function hasEscapedKey(text: string): boolean {
  for (let start = text.indexOf('"'); start !== -1; ) {
    const end = stringEnd(text, start);
    if (text.charCodeAt(skipSpace(text, end)) === colon && text.slice(start, end).includes('\\')) return true;
    start = text.indexOf('"', end);
  }
  return false;
}

interface Place {
  readonly text: string;
  at: number;
}

function valueAt(place: Place): unknown {
  const { text } = place;
  const start = skipSpace(text, place.at);
  const code = text.charCodeAt(start);
  if (code === braceOpen) return objectAt(place, start);
  if (code === bracketOpen) return arrayAt(place, start);
  place.at = code === quote ? stringEnd(text, start) : wordEnd(text, start);
  return JSON.parse(text.slice(start, place.at));
}

function objectAt(place: Place, start: number): Record<string, unknown> {
  const { text } = place;
  const object: Record<string, unknown> = {};
  let at = skipSpace(text, start + 1);
  while (text.charCodeAt(at) !== braceClose) {
    const keyEnd = stringEnd(text, at);
    const key = JSON.parse(text.slice(at, keyEnd)) as string;
    place.at = skipSpace(text, keyEnd) + 1;
    const value = valueAt(place);
    // Defined, not assigned: `__proto__` is a key like others in JSON.
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
    at = afterComma(text, place.at);
  }
  place.at = at + 1;
  return object;
}

function arrayAt(place: Place, start: number): unknown[] {
  const { text } = place;
  const array: unknown[] = [];
  place.at = skipSpace(text, start + 1);
  while (text.charCodeAt(place.at) !== bracketClose) {
    array.push(valueAt(place));
    place.at = afterComma(text, place.at);
  }
  place.at++;
  return array;
}

function afterComma(text: string, from: number): number {
  const at = skipSpace(text, from);
  return text.charCodeAt(at) === comma ? skipSpace(text, at + 1) : at;
}
