/**
 * A shadow is the text as a reader understands it: full-width and other digits and letters as ASCII, zero-width
 * characters gone, odd dashes and spaces plain, percent, entity and backslash escapes undone (one level). Detectors
 * look at the shadow too; what they find is mapped back onto the text.
 */
export interface Shadow {
  readonly text: string;
  /** Where in the original each shadow character begins; one entry more than there are characters. */
  readonly starts: Int32Array;
  /** Where in the original each shadow character ends. */
  readonly ends: Int32Array;
}

const trigger =
  /[^\n\r\t -\uffff]|[\u00ad\u00a0\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u180e\u2000-\u2015\u2024\u202f\u2044\u2060\u2070-\u209c\u2212\u2215\u2236\u2460-\u2473\u3000\u3002\ufe52-\ufe68\ufeff\uff01-\uff61\ud835\u0430\u0435\u043e\u0440\u0441\u0445\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425]|%[0-9A-Fa-f]{2}|&(?:#\d|#x|quot;|amp;|lt;|gt;|apos;|commat;|nbsp;)|\\[nrtuex0"'\\/]/;
const steps =
  /(?:[^\n\r\t -\uffff]|\\(?:u001[bB]|x1[bB]|033|e))\[[\d;?]{0,16}[A-Za-z]|%(?:25){0,4}[0-7][0-9A-Fa-f]|&#\d{1,6};|&#[xX][0-9a-fA-F]{1,5};|&[a-z]{2,6};|\\u[0-9a-fA-F]{4}|\\[nrtbf"'\\/]|\ud835[\udc00-\udfff]|[\u00a0\u00ad\u0400-\u04ff\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u180e\u2000-\u20ff\u2212-\u2473\u3000-\u3002\ufe50-\ufe6f\ufeff-\uff65]/g;

const named: Readonly<Record<string, string>> = {
  '&quot;': '"',
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&apos;': "'",
  '&commat;': '@',
  '&nbsp;': ' ',
  '\\n': '\n',
  '\\r': '\r',
  '\\t': '\t',
  '\\b': ' ',
  '\\f': ' ',
  '\\"': '"',
  "\\'": "'",
  '\\\\': '\\',
  '\\/': '/',
};
const lookalikes = new Map(
  'а|a,е|e,о|o,р|p,с|c,х|x,А|A,В|B,Е|E,К|K,М|M,Н|H,О|O,Р|P,С|C,Т|T,Х|X'
    .split(',')
    .map((pair) => [pair.charAt(0), pair.charAt(2)] as const),
);

/** @returns the shadow, or null when it would be the text itself */
export function shadowOf(text: string): Shadow | null {
  if (!trigger.test(text)) return null;
  const starts = new Int32Array(text.length + 1);
  const ends = new Int32Array(text.length + 1);
  const parts: string[] = [];
  let size = 0;
  let from = 0;
  const plain = (to: number): void => {
    if (to === from) return;
    parts.push(text.slice(from, to));
    for (let at = from; at < to; at += 1, size += 1) {
      starts[size] = at;
      ends[size] = at + 1;
    }
  };
  steps.lastIndex = 0;
  for (let match = steps.exec(text); match !== null; match = steps.exec(text)) {
    const read = readStep(match[0]);
    if (read === null) continue;
    plain(match.index);
    from = steps.lastIndex;
    parts.push(read);
    for (let i = 0; i < read.length; i += 1, size += 1) {
      starts[size] = match.index;
      ends[size] = from;
    }
  }
  plain(text.length);
  starts[size] = text.length;
  ends[size] = text.length;
  const shadow = parts.join('');
  return shadow === text ? null : { text: shadow, starts, ends };
}

/** @returns what a reader sees for one sequence, or null to leave it */
function readStep(sequence: string): string | null {
  const first = sequence.charCodeAt(0);
  if (first === 0x25) return String.fromCharCode(Number.parseInt(sequence.slice(-2), 16));
  if (sequence.charCodeAt(sequence.length - 1) >= 65 && sequence.includes('[')) return '';
  if (first === 0x26 || (first === 0x5c && sequence.length === 2)) {
    const known = named[sequence];
    if (known !== undefined) return known;
    const hex = /^&#[xX]([0-9a-fA-F]+);$/.exec(sequence);
    const decimal = /^&#(\d+);$/.exec(sequence);
    const code = hex ? Number.parseInt(hex[1] ?? '', 16) : decimal ? Number(decimal[1]) : 0;
    return code > 0 && code < 0xd800 ? String.fromCharCode(code) : null;
  }
  if (first === 0x5c) return String.fromCharCode(Number.parseInt(sequence.slice(2), 16));
  if (
    first === 0xad ||
    first === 0xfeff ||
    first === 0x180e ||
    (first >= 0x200b && first <= 0x200f) ||
    (first >= 0x202a && first <= 0x202e) ||
    (first >= 0x2060 && first <= 0x2069)
  )
    return '';
  if ((first >= 0x2010 && first <= 0x2015) || first === 0x2212) return '-';
  if (first === 0xa0 || (first >= 0x2000 && first <= 0x200a) || first === 0x202f || first === 0x3000)
    return ' ';
  if (first === 0x3002 || first === 0xff61 || first === 0x2024) return '.';
  const alike = lookalikes.get(sequence);
  if (alike !== undefined) return alike;
  const digitBase =
    first >= 0x660 && first <= 0x669
      ? 0x660
      : first >= 0x6f0 && first <= 0x6f9
        ? 0x6f0
        : first >= 0x966 && first <= 0x96f
          ? 0x966
          : 0;
  if (digitBase > 0) return String.fromCharCode(48 + first - digitBase);
  const folded = sequence.normalize('NFKC');
  return folded.length === 1 && folded.charCodeAt(0) < 128 ? folded : null;
}
