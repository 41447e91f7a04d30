import { ibanHolds, luhn } from '../checksums.ts';
import type { Span } from '../span.ts';
import { before, hasWord, isDigit, isWord } from './characters.ts';

/** Issuer ranges: first digits from, to (inclusive), allowed lengths. Source: ISO/IEC 7812 and the networks' tables. */
const issuers: readonly (readonly [number, number, string])[] = [
  [4, 4, '13 16 19'],
  [51, 55, '16'],
  [2221, 2720, '16'],
  [34, 34, '15'],
  [37, 37, '15'],
  [300, 305, '14 16 19'],
  [3095, 3095, '14 16 19'],
  [36, 36, '14 16 19'],
  [38, 39, '14 16 19'],
  [6011, 6011, '16 19'],
  [644, 659, '16 19'],
  [622126, 622925, '16 19'],
  [62, 62, '16 17 18 19'],
  [81, 81, '16 17 18 19'],
  [35, 35, '16'],
  [3528, 3589, '19'],
  [2131, 2131, '15'],
  [1800, 1800, '15'],
  [1, 1, '15'],
  [5019, 5019, '16'],
  [5018, 5018, '13 14 15 16 17 18 19'],
  [5020, 5020, '13 14 15 16 17 18 19'],
  [5038, 5038, '13 14 15 16 17 18 19'],
  [5893, 5893, '13 14 15 16 17 18 19'],
  [6304, 6304, '13 14 15 16 17 18 19'],
  [6759, 6763, '13 14 15 16 17 18 19'],
  [6334, 6334, '16 18 19'],
  [6767, 6767, '16 18 19'],
  [636, 639, '16 17 18 19'],
  [2200, 2204, '16 17 18 19'],
  [60, 60, '16'],
  [65, 65, '16'],
  [9792, 9792, '16'],
  [506099, 506198, '16 18 19'],
  [5067, 5067, '16'],
  [5090, 5099, '16'],
  [636297, 636297, '16'],
  [650002, 650027, '16 18 19'],
];

/** Whether digits are a payment card number: issuer range, length, Luhn. */
export function isCard(digits: string): boolean {
  const length = digits.length;
  if (length < 13 || length > 19 || !luhn(digits) || /^(\d)\1+$/.test(digits)) return false;
  return issuers.some(([from, to, lengths]) => {
    const start = Number(digits.slice(0, String(from).length));
    return start >= from && start <= to && lengths.includes(String(length));
  });
}

const shortCard = /^(?:0604|50|5[6-9]|63|67)/;
/** The ranges that Maestro's numbers of twelve digits have; one number in three hundred fits by chance. */
const maestro = /^(?:0604|5018|5020|5038|5[678]\d\d|6304|6390|6759|676[1-3])/;
const cardWords = ['card', 'credit', 'debit', 'maestro', 'payment', 'karte', 'carte', 'tarjeta', 'carta'];

/** Barcodes share form and length with old cards. */
const productCode = /(?:EAN|GTIN|UPC|ISBN|barcode)(?:-?\d\d)?[\s:#="'-]{0,3}$/i;

/** Whether groups of four go on to the left, or by two more to the right: a table of numbers or code points. */
function isListed(text: string, at: number, end: number, separator: number): boolean {
  if (separator < 0) return false;
  return (
    /[0-9A-F]{4} $/.test(text.slice(Math.max(0, at - 5), at)) ||
    /^ [0-9A-F]{4} [0-9A-F]{4}(?![0-9A-Za-z])/.test(text.slice(end, end + 11))
  );
}

/** Twelve digits are a card of Maestro's ranges, of the other old debit ranges only where words say so. */
function isShortCard(digits: string, context: string): boolean {
  if (!shortCard.test(digits) || !luhn(digits) || /::?$/.test(context)) return false;
  return maestro.test(digits) || hasWord(context, cardWords);
}

/**
 * A card number that starts at `at`: digits alone, or in groups with one kind of separator.
 * @returns end of the match, or `at`
 */
export function findCard(text: string, at: number, key: string, out: Span[]): number {
  let digits = '';
  let separator = -1;
  let groupFrom = 0;
  let end = at;
  let found = at;
  while (digits.length < 20) {
    const code = text.charCodeAt(end);
    if (isDigit(code)) {
      digits += text.charAt(end);
      end += 1;
      if (
        digits.length >= 12 &&
        !isDigit(text.charCodeAt(end)) &&
        !isWord(text.charCodeAt(end)) &&
        (separator < 0 || digits.length - groupFrom < 8) &&
        (isCard(digits) || (digits.length === 12 && isShortCard(digits, before(text, at, key))))
      )
        found = end;
      continue;
    }
    // Cards are embossed in groups of four, six or more; `41 42 43 44` counts.
    const group = digits.length - groupFrom;
    if (separator < 0 ? group !== 4 && group !== 6 : group < 4 || group > 7) break;
    const spaced = code === 32 || code === 0x2d || code === 0x2e || code === 0xa0 || code === 0x2009;
    if (!spaced || !isDigit(text.charCodeAt(end + 1)) || (separator >= 0 && separator !== code)) break;
    separator = code;
    groupFrom = digits.length;
    end += 1;
  }
  if (
    found === at ||
    isListed(text, at, found, separator) ||
    productCode.test(text.slice(Math.max(0, at - 14), at))
  )
    return at;
  out.push({ start: at, end: found, detector: 'payment-card', confidence: 0.97 });
  return found;
}

/** IBAN lengths by country. Source: SWIFT IBAN registry. */
const ibanLengths = new Map(
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))] as const),
);

const odd = /[A-Z]{2}\d{2}[A-Z0-9]{11,32}(?![0-9A-Za-z])/y;

/** An IBAN (ISO 13616) that starts at `at`, with or without spaces. @returns end of the match, or `at` */
export function findIban(text: string, at: number, out: Span[]): number {
  const length = ibanLengths.get(text.slice(at, at + 2).toUpperCase());
  odd.lastIndex = at;
  // Test data has accounts a digit short and of other countries: as one word, the check digits are proof enough.
  const word = odd.exec(text)?.[0] ?? '';
  const strange =
    length === undefined
      ? word.length >= 20 && word.replace(/\D/g, '').length * 3 > word.length * 2
      : word.length !== length && Math.abs(word.length - length) <= 2;
  if (word !== '' && strange && ibanHolds(word)) {
    out.push({ start: at, end: at + word.length, detector: 'iban', confidence: 0.9 });
    return at + word.length;
  }
  if (length === undefined) return at;
  let compact = '';
  let end = at;
  while (compact.length < length) {
    const code = text.charCodeAt(end);
    if (isWord(code)) compact += text.charAt(end);
    else if (!(code === 32 || code === 0x2d || code === 0xa0) || !isWord(text.charCodeAt(end + 1))) return at;
    end += 1;
  }
  if (isWord(text.charCodeAt(end)) || !ibanHolds(compact.toUpperCase())) return at;
  out.push({ start: at, end, detector: 'iban', confidence: 0.98 });
  return end;
}
