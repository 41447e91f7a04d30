import { cut, visibleLines } from './text.ts';

const indent = '  ';
/** Deeper than any honest arguments: from here on, depth is no longer shown by indentation. */
const deepestIndent = 40;

function indentation(depth: number): string {
  return indent.repeat(Math.min(depth, deepestIndent));
}

/**
 * Lays JSON text out for reading: one member a line, indented. Strings and numbers are copied as they stand, never
 * parsed and written again, so big numbers, duplicate keys and escapes are shown as they will be sent. A line break
 * inside a string is shown as one, each further line behind a `│`, so that no string can pass for structure.
 * Long runs of spaces or line breaks are counted instead of shown: they could push what follows out of sight.
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
        out += `${character}\n${indentation(depth)}`;
      }
    } else if (character === '}' || character === ']') {
      depth = Math.max(0, depth - 1);
      out += `\n${indentation(depth)}${character}`;
    } else if (character === ',') out += `,\n${indentation(depth)}`;
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
  const gutter = `↵\n${indentation(depth)}│ `;
  return string
    .replace(/ {24,}/g, (spaces) => `⟨U+0020 × ${spaces.length}⟩`)
    .replace(/(?<!\\)((?:\\\\)*)((?:\\n|\\u000a){8,})/gi, (_, before: string, breaks: string) => {
      const count = breaks.match(/\\/g)?.length ?? 0;
      return `${before}⟨${count} line breaks⟩${gutter}`;
    })
    .replace(/\\(?:u000[aA]|[^])/g, (escape) =>
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
