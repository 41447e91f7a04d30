/** What a reader of another make finds in a JSON text. */
export interface Reference {
  readonly depth: number;
  readonly duplicate: boolean;
  readonly loneSurrogate: boolean;
}

/**
 * Reads JSON one character after the other, slowly and plainly, to have somebody to compare with. The text is one
 * that `JSON.parse` accepts.
 */
export function readByReference(text: string): Reference {
  let at = 0;
  let [deepest, duplicate, loneSurrogate] = [0, false, false];
  const skip = (): void => {
    while (/[ \t\r\n]/.test(text[at] ?? '')) at++;
  };
  const string = (): string => {
    const start = at++;
    while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
    at++;
    const value = JSON.parse(text.slice(start, at)) as string;
    loneSurrogate ||= !value.isWellFormed();
    return value;
  };
  const value = (depth: number): void => {
    skip();
    const first = text[at];
    if (first === '"') string();
    else if (first === '{' || first === '[') {
      deepest = Math.max(deepest, depth + 1);
      const keys = new Set<string>();
      at++;
      skip();
      while (text[at] !== '}' && text[at] !== ']') {
        if (first === '{') {
          const key = string();
          duplicate ||= keys.has(key);
          keys.add(key);
          skip();
          at++;
        }
        value(depth + 1);
        skip();
        if (text[at] === ',') at++;
        skip();
      }
      at++;
    } else while (at < text.length && !/[\s,}\]]/.test(text[at] ?? '')) at++;
  };
  value(0);
  return { depth: deepest, duplicate, loneSurrogate };
}

/** RFC 8785 for values that a double holds, straight from its text. */
export function referenceCanonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(referenceCanonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  const written = keys.map(
    (key) => `${JSON.stringify(key)}:${referenceCanonical((value as Record<string, unknown>)[key])}`,
  );
  return `{${written.join(',')}}`;
}
