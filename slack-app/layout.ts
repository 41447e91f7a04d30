import { cut, visibleLines } from './text.ts';

const indent = '  ';

/**
 * Lays JSON text out for reading: one member a line, indented. Strings and numbers are copied as they stand, never
 * parsed and written again, so big numbers, duplicate keys and escapes are shown as they will be sent. A line break
 * inside a string is shown as one, each further line behind a `│`, so that no string can pass for structure.
 * Text that is not JSON is laid out as it is.
 */
export function laidOut(json: string): string {
  let out = '';
  let depth = 0;
  for (let at = 0; at < json.length; ) {
    const character = json.charAt(at);
    if (character === '"') {
      const end = endOfString(json, at);
      out += readable(json.slice(at, end), depth);
      at = end;
      continue;
    }
    at += 1;
    if (character === '{' || character === '[') {
      const close = /^\s*[}\]]/.exec(json.slice(at, at + 64));
      if (close) {
        out += character + close[0].trim();
        at += close[0].length;
      } else {
        depth += 1;
        out += `${character}\n${indent.repeat(depth)}`;
      }
    } else if (character === '}' || character === ']') {
      depth = Math.max(0, depth - 1);
      out += `\n${indent.repeat(depth)}${character}`;
    } else if (character === ',') out += `,\n${indent.repeat(depth)}`;
    else if (character === ':') out += ': ';
    else if (!/[ \t\n\r]/.test(character)) out += character;
  }
  return visibleLines(out);
}

function endOfString(json: string, start: number): number {
  for (let at = start + 1; at < json.length; at += 1) {
    if (json[at] === '\\') at += 1;
    else if (json[at] === '"') return at + 1;
  }
  return json.length;
}

/** Shows the escape `\n` as a real line break; every other escape stays as it is written. */
function readable(string: string, depth: number): string {
  const gutter = `↵\n${indent.repeat(depth)}│ `;
  return string.replace(/\\(?:u000[aA]|[^])/g, (escape) =>
    escape === '\\n' || /^\\u000a$/i.test(escape) ? gutter : escape,
  );
}

/**
 * Cuts text into pieces of at most `maxLength` UTF-16 units, at line breaks where there are any in the last half of
 * a piece. Joined, the pieces are the text: nothing is lost.
 */
export function pieces(text: string, maxLength: number): readonly string[] {
  const out: string[] = [];
  let rest = text;
  while (rest.length > maxLength) {
    const head = cut(rest, maxLength);
    const lineBreak = head.lastIndexOf('\n');
    const end = lineBreak >= maxLength / 2 ? lineBreak + 1 : head.length;
    out.push(rest.slice(0, end));
    rest = rest.slice(end);
  }
  out.push(rest);
  return out;
}
