import { ibanHolds, luhn } from '../checksums.ts';
import { issuers } from '../rules/card-issuers.ts';
import type { Span } from '../span.ts';
import { before, hasWord, isDigit, isWord } from './characters.ts';
import { isOfThing } from './other-numbers.ts';

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
const cardWords = [
  'card',
  'credit',
  'debit',
  'maestro',
  'payment',
  'karte',
  'carte',
  'tarjeta',
  'carta',
  'cartão',
  'kaart',
  'kort',
  'карт',
  'pan',
  'cc',
];

/** Phrases after which a number of a card's length is one, whatever its check digit. */
const saidCard =
  /(?:credit|debit|bank|payment|visa|master|charge)[ _-]?card|card[ _-]?(?:number|num\b|no\b|nr\b|#)|\bcc[ _-]?(?:number|num\b|no\b)|kreditkarte|karten-?nummer|carte (?:bancaire|bleue|de cr[eé]dit)|tarjeta de|carta di credito|cart[aã]o de|\b(?:visa|mastercard|amex|american express|maestro)\b[ :#]{1,3}$/i;

/** Barcodes share form and length with old cards. */
const productCode = /(?:EAN|GTIN|UPC|ISBN|barcode)(?:[_-]?\d\d)?[\s:#="'-]{0,3}$/i;
const idKey = /(?:^|[_a-z.-])[iI][dD]s?$|^IDS?$/;

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

/** Whether a number of more digits than most cards have hangs on a name by its hyphen or underscore: `blk_-4029…`. */
function isNamed(text: string, at: number): boolean {
  const ahead = text.charCodeAt(at - 1);
  const joint = ahead === 0x2d ? text.charCodeAt(at - 2) : ahead;
  return joint === 0x5f || (ahead === 0x2d && isWord(joint));
}

/** Whether digits with nothing between them are the id of something else. */
function isOtherId(text: string, at: number, digits: string, key: string): boolean {
  if (productCode.test(text.slice(Math.max(0, at - 14), at)) || productCode.test(key)) return true;
  if (digits.length > 16 && isNamed(text, at)) return true;
  return (digits.length !== 16 && idKey.test(key)) || (digits.length < 14 && isOfThing(text, at, key));
}

/** How cards are embossed: fours, perhaps with a rest, or four, six and the rest. */
const embossed = /^\d{4}(.)\d{4}\1\d{4}\1(?:\d{4}|\d{4}\1\d{3}|\d{1,3})$|^\d{4}(.)\d{6}\2\d{4,5}$/;

/** Whether digits are a card's: by issuer and check digit, by how they are grouped, or by the words before them. */
function isCardHere(digits: string, written: string, free: boolean, context: string): boolean {
  if (digits.length < 13) return isShortCard(digits, context);
  if (isCard(digits)) return true;
  if (digits.length > 19 || /^(\d)\1+$/.test(digits)) return false;
  const grouped = embossed.test(written);
  if (luhn(digits)) {
    if (grouped && free && /^[3-6]/.test(digits)) return true;
    if (hasWord(context, cardWords)) return true;
  }
  return (grouped || written.length === digits.length) && saidCard.test(context);
}

/** Whether no more numbers stand beside a number in the same row. */
function standsFree(text: string, at: number, end: number): boolean {
  return !/\d[ .-]$/.test(text.slice(Math.max(0, at - 2), at)) && !/^[ .-]\d/.test(text.slice(end, end + 2));
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
  let context: string | null = null;
  while (digits.length < 20) {
    const code = text.charCodeAt(end);
    if (isDigit(code)) {
      digits += text.charAt(end);
      end += 1;
      if (
        digits.length >= 12 &&
        !isDigit(text.charCodeAt(end)) &&
        !isWord(text.charCodeAt(end)) &&
        (separator < 0 || digits.length - groupFrom < 8)
      ) {
        context ??= before(text, at, key);
        if (isCardHere(digits, text.slice(at, end), standsFree(text, at, end), context)) found = end;
      }
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
  if (found === at || isListed(text, at, found, separator)) return at;
  if (separator < 0 && isOtherId(text, at, digits, key)) return at;
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
