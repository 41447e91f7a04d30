import type { Span } from '../span.ts';
import { before, hasWord } from './characters.ts';

const documents =
  /[A-Z]{4}\d{14}(?![0-9A-Za-z])|[A-Z]\d{3}-\d{4}-\d{4}(?![0-9A-Za-z])|[A-Z]\d{12,14}(?![0-9A-Za-z])|[A-Z]{0,3}\d{5,9}[A-Z]?(?![0-9A-Za-z])|\d{10,17}(?![0-9A-Za-z])|(?=(?:[A-Z]{0,6}\d){3})[A-Z0-9]{8,9}(?![0-9A-Za-z])/y;

/** A part of each of the words below, so that most numbers are done with at one look. */
export const documentWord =
  /pass|pas[ae]|routing|aba|account|acct|onto|licen|führers|national|identity|id.?card|personal|taxpayer|tax.?id|tin\b/i;

/** Words for a document, as people and programs write them; the first that fits names the number. */
const kinds: readonly (readonly [string, readonly string[]])[] = [
  ['passport', ['passport', 'reisepass', 'passeport', 'pasaporte']],
  [
    'bank-account',
    [
      'routing number',
      'routing no',
      'aba number',
      'aba routing',
      'account number',
      'account no',
      'acct',
      'bank account',
      'kontonummer',
    ],
  ],
  [
    'driver-license',
    [
      'driver license',
      "driver's license",
      'driver s license',
      'drivers license',
      'driving licence',
      'driver licence',
      'license number',
      'licence number',
      'führerschein',
    ],
  ],
  ['us-ssn', ['taxpayer id', 'tax id', 'taxpayer identification', 'tin']],
  ['national-id', ['national id', 'identity card', 'identity number', 'id card', 'personal id']],
];

/** Numbers of passports, licences, accounts and the like, only after their word. @returns end, or `at` */
export function findDocument(
  text: string,
  at: number,
  key: string,
  enabled: (detector: string) => boolean,
  out: Span[],
): number {
  documents.lastIndex = at;
  if (!documents.test(text)) return at;
  const written = before(text, at, key, 40);
  if (!documentWord.test(written)) return at;
  const context = written.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/[_-]/g, ' ');
  for (const [detector, words] of kinds) {
    if (!hasWord(context, words)) continue;
    if (!enabled(detector)) return at;
    out.push({ start: at, end: documents.lastIndex, detector, confidence: 0.75 });
    return documents.lastIndex;
  }
  return at;
}
