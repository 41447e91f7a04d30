import { html, type Html } from './html.ts';
import { visible } from './visible.ts';

/**
 * JSON text as people read it: members as a list, strings decoded, numbers digit by digit as they stand in the text
 * (nothing goes through a double). Everything is there; long strings say how long they are.
 * @param json strictly valid JSON text; anything else is shown as the text it is
 */
export function jsonView(json: string): Html {
  const reader = { text: json, at: 0 };
  try {
    const value = readValue(reader, 0);
    skipSpace(reader);
    if (reader.at !== json.length) return plain(json);
    return value;
  } catch (error) {
    if (error instanceof NotJson) return plain(json);
    throw error;
  }
}

class NotJson extends Error {}

interface Reader {
  readonly text: string;
  at: number;
}

const longString = 160;
const deepest = 200;

function readValue(reader: Reader, depth: number): Html {
  if (depth > deepest) throw new NotJson();
  skipSpace(reader);
  const first = reader.text[reader.at];
  if (first === '{') return readObject(reader, depth);
  if (first === '[') return readArray(reader, depth);
  if (first === '"') return stringView(readString(reader));
  return html`<span class="literal">${readLiteral(reader)}</span>`;
}

function readObject(reader: Reader, depth: number): Html {
  const members: Html[] = [];
  readList(reader, '}', () => {
    skipSpace(reader);
    const key = readString(reader);
    skipSpace(reader);
    if (reader.text[reader.at++] !== ':') throw new NotJson();
    members.push(html`<div><dt>${visible(key)}</dt><dd>${readValue(reader, depth + 1)}</dd></div>`);
  });
  if (members.length === 0) return html`<span class="literal">{}</span>`;
  return html`<dl class="json">${members}</dl>`;
}

function readArray(reader: Reader, depth: number): Html {
  const items: Html[] = [];
  readList(reader, ']', () => items.push(html`<li>${readValue(reader, depth + 1)}</li>`));
  if (items.length === 0) return html`<span class="literal">[]</span>`;
  return html`<ol class="json" start="0">${items}</ol>`;
}

function readList(reader: Reader, end: string, readItem: () => void): void {
  reader.at++;
  skipSpace(reader);
  if (reader.text[reader.at] === end) {
    reader.at++;
    return;
  }
  for (;;) {
    readItem();
    skipSpace(reader);
    const next = reader.text[reader.at++];
    if (next === end) return;
    if (next !== ',') throw new NotJson();
  }
}

function readString(reader: Reader): string {
  const start = reader.at;
  if (reader.text[start] !== '"') throw new NotJson();
  let at = start + 1;
  while (reader.text[at] !== '"') {
    if (at >= reader.text.length) throw new NotJson();
    at += reader.text[at] === '\\' ? 2 : 1;
  }
  reader.at = at + 1;
  try {
    return JSON.parse(reader.text.slice(start, at + 1)) as string;
  } catch {
    throw new NotJson();
  }
}

function readLiteral(reader: Reader): string {
  const [literal] =
    /^(?:true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/.exec(
      reader.text.slice(reader.at, reader.at + 4096),
    ) ?? [];
  if (literal === undefined) throw new NotJson();
  reader.at += literal.length;
  return literal;
}

function skipSpace(reader: Reader): void {
  while (/[ \t\r\n]/.test(reader.text[reader.at] ?? '')) reader.at++;
}

function stringView(text: string): Html {
  if (text === '') return html`<span class="literal">"" (empty text)</span>`;
  const lines = text.split('\n').length;
  const size =
    text.length > longString || lines > 3
      ? html`<span class="size">${text.length.toLocaleString('en')} characters${lines > 1 && `, ${lines.toLocaleString('en')} lines`}</span>`
      : null;
  return html`${size}<pre class="string">${visible(text)}</pre>`;
}

function plain(text: string): Html {
  return html`<pre class="string">${visible(text)}</pre>`;
}
