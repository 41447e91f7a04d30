/** What a reader of another make finds in a JSON text. */
export interface Reference {
  readonly value: unknown;
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
  const word = (): unknown => {
    const start = at;
    while (at < text.length && !/[\s,}\]]/.test(text[at] ?? '')) at++;
    return JSON.parse(text.slice(start, at));
  };
  const value = (depth: number): unknown => {
    skip();
    const first = text[at];
    if (first === '"') return string();
    if (first !== '{' && first !== '[') return word();
    deepest = Math.max(deepest, depth + 1);
    const members = new Map<string, unknown>();
    const elements: unknown[] = [];
    at++;
    skip();
    while (text[at] !== '}' && text[at] !== ']') {
      if (first === '[') elements.push(value(depth + 1));
      else {
        const key = string();
        duplicate ||= members.has(key);
        skip();
        at++;
        members.set(key, value(depth + 1));
      }
      skip();
      if (text[at] === ',') at++;
      skip();
    }
    at++;
    return first === '[' ? elements : Object.fromEntries(members);
  };
  const whole = value(0);
  return { value: whole, depth: deepest, duplicate, loneSurrogate };
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
