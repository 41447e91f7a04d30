import { isLetter, isQuote, isSpace, isWord } from './characters.ts';

const keyReach = 96;
const typeWords = new Set(['string', 'str', 'text', 'char', 'varchar', 'final', 'const']);

/** The name of the element that ends at the `>` at `at`, or null. */
export function elementBefore(text: string, at: number): string | null {
  let open = at - 1;
  while (open >= 0 && at - open <= keyReach && text.charCodeAt(open) !== 0x3c) open -= 1;
  if (text.charCodeAt(open) !== 0x3c || open + 1 === at || !isLetter(text.charCodeAt(open + 1))) return null;
  const tag = text.slice(open + 1, at);
  const end = tag.search(/[\s/]/);
  return end < 0 ? tag : tag.slice(0, end);
}

/** The name on the left of an assignment sign at `at`, or null; `sign` says which dialect. */
export function keyBefore(text: string, at: number, sign: number): string | null {
  let end = at;
  // `.=`, `+=`, `??=`, `&&=`, `!=`
  if (sign === 0x3d) while (end > 0 && at - end < 3 && isCompound(text.charCodeAt(end - 1))) end -= 1;
  // C: `char secret[32] = "…"`
  if (sign === 0x3d && (text.charCodeAt(end - 1) === 0x5d || text.charCodeAt(end - 2) === 0x5d))
    end -= /\[\d{0,6}\] ?$/.exec(text.slice(Math.max(0, end - 12), end))?.[0].length ?? 0;
  // C#: `Token { get; set; } = "…"`
  if (sign === 0x3d && text.charCodeAt(at - 2) === 0x7d) {
    const accessors = /\{\s*get;[^{}]{0,24}\}\s*$/.exec(text.slice(Math.max(0, at - 48), at));
    if (accessors !== null) end = at - accessors[0].length;
  }
  // `:=`, `?=`, `=>`, `||=` and spaces, quotes, escapes, brackets between the name and the sign.
  const edge = end;
  while (end > 0 && edge - end < 8 && isFiller(text.charCodeAt(end - 1))) end -= 1;
  // Settings in columns: `password          : …`
  if (edge - end === 8) while (end > 0 && edge - end < 32 && text.charCodeAt(end - 1) === 32) end -= 1;
  if (sign === 0x2c && !isQuote(text.charCodeAt(end)) && !isConstant(text, end) && !startsLine(text, end))
    return null;
  let start = end;
  while (start > 0 && end - start < keyReach && isKeyPart(text.charCodeAt(start - 1))) start -= 1;
  if (start === end || end - start >= keyReach) return null;
  // What stands inside a marker names no value.
  if (text.charCodeAt(start - 1) === 0x3a && text.startsWith('[masked', start - 8)) return null;
  if (sign === 0x7c && !opensCell(text, start)) return null;
  const key = text.slice(start, end);
  if (!typeWords.has(key.toLowerCase()))
    return sign !== 0x3a && sign !== 0x2d ? key : /^\d\d/.test(key) ? null : withFirstWord(text, start, key);
  // `password: str = "…"` and `var token string = "…"`: the name stands before the type.
  let nameEnd = start;
  if (text.startsWith("'static ", nameEnd - 8)) nameEnd -= 8;
  while (nameEnd > 0 && (isSpace(text.charCodeAt(nameEnd - 1)) || /[:&*]/.test(text.charAt(nameEnd - 1))))
    nameEnd -= 1;
  let nameStart = nameEnd;
  while (nameStart > 0 && nameEnd - nameStart < keyReach && isKeyPart(text.charCodeAt(nameStart - 1)))
    nameStart -= 1;
  return nameStart === nameEnd ? null : text.slice(nameStart, nameEnd);
}

/** `API key: …` and `date of birth: …`: names of several words, as people write them. */
function withFirstWord(text: string, start: number, key: string): string {
  let from = start;
  for (
    let words = 0;
    words < 2 && text.charCodeAt(from - 1) === 32 && isLetter(text.charCodeAt(from - 2));
    words += 1
  ) {
    let at = from - 1;
    while (at > 0 && from - at < 16 && isLetter(text.charCodeAt(at - 1))) at -= 1;
    from = at;
  }
  if (from === start) return key;
  const name = text.slice(from, start + key.length);
  // `password for admin: …`
  const first = /^([a-z]{3,12}) (?:for|of) \w/i.exec(name)?.[1];
  return first !== undefined && /^(?:pass(?:word|wd|phrase|code)?|pwd|secret|token)$/i.test(first)
    ? first
    : name;
}

/** A constant given to a call: `CURLOPT_PASSWORD, "…"`. */
function isConstant(text: string, end: number): boolean {
  let at = end;
  while (at > 0 && end - at < keyReach && isCapital(text.charCodeAt(at - 1))) at -= 1;
  return end - at >= 8 && !isWord(text.charCodeAt(at - 1)) && text.slice(at, end).includes('_');
}

const isCapital = (code: number): boolean =>
  (code >= 65 && code <= 90) || code === 0x5f || (code >= 48 && code <= 57);

/** CSV without a header: `API_TOKEN,value`. */
function startsLine(text: string, end: number): boolean {
  let at = end;
  while (at > 0 && end - at < keyReach && isKeyPart(text.charCodeAt(at - 1))) at -= 1;
  return at === 0 || text.charCodeAt(at - 1) === 10;
}

function opensCell(text: string, start: number): boolean {
  let at = start - 1;
  while (
    at >= 0 &&
    start - at < 40 &&
    (text.charCodeAt(at) === 32 || isQuote(text.charCodeAt(at)) || text.charCodeAt(at) === 42)
  )
    at -= 1;
  return at < 0 || text.charCodeAt(at) === 0x7c || text.charCodeAt(at) === 10;
}

const isKeyPart = (code: number): boolean =>
  isWord(code) || code === 0x5f || code === 0x2d || code === 0x2e || code >= 0xc0;
/** What may stand before `=` in one sign: `. + ? & !`. */
const isCompound = (code: number): boolean =>
  code === 0x2e || code === 0x2b || code === 0x3f || code === 0x26 || code === 0x21;
/** Space, quotes, backslash, `: = ? ) ] * | $`. */
function isFiller(code: number): boolean {
  return (
    code === 32 ||
    code === 9 ||
    isQuote(code) ||
    code === 0x5c ||
    code === 0x3a ||
    code === 0x3d ||
    code === 0x3f ||
    code === 0x29 ||
    code === 0x5d ||
    code === 0x2a ||
    code === 0x7c
  );
}
