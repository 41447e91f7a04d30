import { isQuote, isSpace, isWord } from './characters.ts';

const valueReach = 4_096;
const stringMark = /^(?:@\$?|\$@?|[buflBUFLN])(?=["'`])/;
/** Words that stand between a header's name and its secret (RFC 7235, and vendors' own). */
const scheme =
  /(?:Bearer|Basic|ApiKey|SSWS|GenieKey|Splunk|Negotiate|NTLM|OAuth|PVEAPIToken|DeepL-Auth-Key|Zoho-oauthtoken|Token|Api-Key|Api-Token|bearer|basic|token)\s+(?:token=)?/y;
const schemeWord = /^(?:Bearer|Basic|Token|Digest)\s/i;
const digest = /[^\r\n']{20,1000}/y;

/** What is assigned: where it stands, and whether quotes or a scheme say that it is a value. */
export interface AssignedValue {
  readonly start: number;
  readonly end: number;
  readonly quoted: boolean;
  /** The scheme alone says that it is hidden, whatever it looks like. */
  readonly certain: boolean;
}

/** The unquoted value that was read last: where names follow one another, each would read it once more. */
export interface ReadValue {
  from: number;
  to: number;
  sign: number;
}

/** The value to the right of an assignment sign at `at`; looks at a bounded window. */
export function valueAfter(text: string, at: number, sign: number, read?: ReadValue): AssignedValue | null {
  let start = at + 1;
  const limit = Math.min(text.length, at + 80);
  while (start < limit && /[\s=>~:|([*]/.test(text.charAt(start))) start += 1;
  while (
    start < limit &&
    text.charCodeAt(start) === 0x5c &&
    (isQuote(text.charCodeAt(start + 1)) || text.charCodeAt(start + 1) === 0x5c)
  )
    start += 1;
  // YAML: `>-` and `|+` before a block, `!unsafe` before a value.
  const mark = text.charCodeAt(start);
  if ((mark === 0x2d || mark === 0x2b) && /[>|]/.test(text.charAt(start - 1))) {
    start += 1;
    while (start < limit && isSpace(text.charCodeAt(start))) start += 1;
  } else if (mark === 0x21) start += /^![a-z]{1,12} +/.exec(text.slice(start, start + 16))?.[0].length ?? 0;
  // YAML's anchor: `&name value`.
  else if (mark === 0x26 && text.charCodeAt(start - 1) === 32)
    start += /^&[\w-]{1,32} +/.exec(text.slice(start, start + 40))?.[0].length ?? 0;
  // SQL Server's `N'…'`, C#'s `@"…"` and `$"…"`, Python's `b"…"`; what is put together there is nobody's secret yet.
  const prefix = stringMark.exec(text.slice(start, start + 3))?.[0] ?? '';
  if (
    prefix !== '' &&
    /[f$]/i.test(prefix) &&
    /^.[^"'`\n]{0,200}\{/.test(text.slice(start + prefix.length, start + 220))
  )
    return null;
  start += prefix.length;
  const first = text.charCodeAt(start);
  const end = Math.min(text.length, start + valueReach);
  if (isQuote(first)) {
    let inner = start + 1;
    // Python's and Kotlin's long strings.
    if (text.charCodeAt(inner) === first && text.charCodeAt(inner + 1) === first) inner += 2;
    scheme.lastIndex = inner;
    if (scheme.test(text)) inner = scheme.lastIndex;
    const digested = text.startsWith('Digest ', inner);
    if (digested) inner += 7;
    let close = inner;
    while (close < end) {
      const code = text.charCodeAt(close);
      if (code === first) break;
      if (code === 0x5c) {
        if (text.charCodeAt(close + 1) === first && text.charCodeAt(start - 1) === 0x5c) break;
        close += 1;
      }
      close += 1;
    }
    return close > inner && close <= text.length
      ? { start: inner, end: Math.min(close, text.length), quoted: true, certain: digested }
      : null;
  }
  // The parts of a digest answer one another, so all of them go.
  if (first === 0x44 && text.startsWith('Digest ', start)) {
    digest.lastIndex = start + 7;
    if (digest.test(text)) return { start: start + 7, end: digest.lastIndex, quoted: true, certain: true };
  }
  if (sign === 0x3e) {
    const whole = elementValue(text, at);
    if (whole !== null) return whole;
  }
  scheme.lastIndex = start;
  const schemed = scheme.test(text);
  if (schemed) start = scheme.lastIndex;
  let close = start;
  // A value that was cut off is read again before half of its window is left.
  if (read !== undefined && read.sign === sign && start > read.from && start + valueReach / 2 < read.to)
    close = read.to;
  else {
    while (close < end && !endsValue(text, close, sign)) close += 1;
    if (read !== undefined) {
      read.from = start;
      read.to = close;
      read.sign = sign;
    }
  }
  while (close > start && /[.,;)\]}]/.test(text.charAt(close - 1))) close -= 1;
  return close > start
    ? {
        start,
        end: close,
        quoted: schemed || (sign === 0x3e && closesElement(text, close)),
        certain: false,
      }
    : null;
}

const element = /\s{0,16}(?=\S)([^<>\n]{0,63}[^<>\s])\s{0,16}<\/([\w.:-]{2,40})>/y;

/** What an element that closes with its own name holds, spaces and all: `<password>correct horse</password>`. */
function elementValue(text: string, at: number): AssignedValue | null {
  element.lastIndex = at + 1;
  const match = element.exec(text);
  const value = match?.[1];
  if (match === null || value === undefined || schemeWord.test(value)) return null;
  const start = at + 1 + match[0].indexOf(value);
  const opened = text.slice(Math.max(0, at - 120), at);
  if (!opened.slice(opened.lastIndexOf('<') + 1).startsWith(match[2] ?? '')) return null;
  return { start, end: start + value.length, quoted: true, certain: false };
}

/** Whether nothing but white space stands between a value and the end of its element. */
function closesElement(text: string, at: number): boolean {
  let end = at;
  while (end - at < 16 && isSpace(text.charCodeAt(end))) end += 1;
  return text.charCodeAt(end) === 0x3c && (end === at || text.charCodeAt(end + 1) === 0x2f);
}

function endsValue(text: string, at: number, sign: number): boolean {
  const code = text.charCodeAt(at);
  if (isSpace(code) || code === 34 || code === 96 || code === 0x3c || code === 0x7c) return true;
  if (code === 39 || code === 0x3b) return true;
  if (code === 0x26) return sign === 0x3d;
  if (code === 0x5c) return /[nrt"'\\]/.test(text.charAt(at + 1));
  return (
    (code === 0x2c || code === 0x29 || code === 0x5d || code === 0x7d) && !isWord(text.charCodeAt(at + 1))
  );
}
