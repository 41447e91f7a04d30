import { isDay } from '../checksums.ts';
import type { Span } from '../span.ts';
import { anyOf, before, hasWord } from './characters.ts';
import { isOfThing } from './other-numbers.ts';

/** Sources: ITU-T E.164 for the international form; the countries' numbering plans for national ones. */
const national = new RegExp(
  `(?:${[
    '(?:1[-. ])?(?:\\(?[2-9]\\d{2}\\) ?[2-9]\\d{2}[-. ]|[2-9]\\d{2}-[2-9]\\d{2}-|[2-9]\\d{2}\\.[2-9]\\d{2}\\.|[2-9]\\d{2} [2-9]\\d{2}[ -])\\d{4}(?: ?(?:x|ext\\.?) ?\\d{1,5})?', // NANP
    '(?:1-)?(?:\\d{3}-\\d{3}-\\d{4}|[2-9]\\d{2}\\.\\d{3}\\.\\d{4})(?: ?(?:x|ext\\.?) ?\\d{1,5})?|(?<=\\()\\d{3}\\)[ -]?\\d{3}[-. ]\\d{4}(?: ?(?:x|ext\\.?) ?\\d{1,5})?', // as people write samples
    '1[-. ]\\([2-9]\\d{2}\\) ?[2-9]\\d{2}[-. ]\\d{4}',
    '0(?:7\\d{3}[ -]?\\d{6}|7\\d{3}[ -]\\d{3}[ -]?\\d{3}|20[ -]\\d{4}[ -]?\\d{4}|1\\d{2}[ -]\\d{3}[ -]\\d{4}|1\\d{3}[ -]\\d{5,6}|800[ -]\\d{3}[ -]?\\d{3,4})', // GB
    '0[1-9](?:[ .-]\\d{2}){4}', // FR
    '01[567]\\d[ /-]?\\d{7,8}|0[1-9]\\d{1,3}[ /-]\\d{3,4}[ -]?\\d{3,5}', // DE, AT
    '06[ -]\\d{8}|0\\d{2}[ -]\\d{7}|06[ -]\\d{4}[ -]\\d{4}', // NL
    '04\\d{2} \\d{3} \\d{3}|0[2378] \\d{4} \\d{4}|04\\d{2}(?:[ /]\\d{2}){3}', // AU, BE
    '(?!(?:0[1-9]|1[0-2])-[0-3]\\d-(?:19|20)\\d\\d)0[1-9]\\d{0,2}-\\d{2,4}-\\d{4}', // JP, KR
    '1[3-9]\\d[ -]\\d{4}[ -]\\d{4}', // CN
    '0\\d{2} \\d{3} \\d{2} \\d{2}|07\\d-\\d{3} ?\\d{2} ?\\d{2}', // CH, SE
    '\\(?\\d{2}\\) ?9?\\d{4}-\\d{4}', // BR
    '[6-9]\\d{4}[ -]\\d{5}', // IN
    '3\\d{2}[ .-]\\d{3}[ .-]?\\d{4}|0(?:2|6)[ /-]\\d{6,8}|0\\d{2,3}[ /-]\\d{6,7}', // IT
    '0[2378]\\)? \\d{4} \\d{4}|1[38]00 \\d{3} \\d{3}', // AU
    '06\\d{2} \\d{3} \\d{2} \\d{2}|0[6-7]\\d{2}[ /]\\d{5,8}', // AT
    '[6789]\\d{2} \\d{2} \\d{2} \\d{2}', // ES
    '[5-8]\\d{2}-\\d{3}-\\d{3}', // PL
    '09\\d{2}[ -]\\d{3}[ -]\\d{4}|02[ -]\\d{4}[ -]\\d{4}|09\\d{2}[ -]\\d{3}[ -]\\d{3}', // PH, TW
    '(?:0 ?)?5\\d{2} \\d{3} \\d{2} \\d{2}', // TR
    '8 ?\\(\\d{3}\\) ?\\d{3}-\\d{2}-\\d{2}|8-\\d{3}-\\d{3}-\\d{2}-\\d{2}', // RU
    '05[0-9]-\\d{7}|05[0-9]-\\d{3}-\\d{4}|0[2-489]-\\d{7}', // IL
    '0[678]\\d \\d{3} \\d{4}', // ZA
    '04\\d{2} \\d{2} \\d{2} \\d{2}|02 \\d{3} \\d{2} \\d{2}', // BE
    '0[45]\\d \\d{6,7}|09[0-9] \\d{3} \\d{2} \\d{2}', // FI, UA
    '07\\d{2} \\d{3} ?\\d{3}|08[3-9] \\d{3} \\d{4}', // RO, IE
    '55 \\d{4} \\d{4}', // MX
    '(?<=\\()0\\d{1,4}\\)[ /-]{0,2}\\d{3,4}(?:[ -]?\\d{2,4}){1,2}', // a code in brackets, with its zero
    '(?<=\\()\\d{2,3}\\)[ /-]{1,2}\\d{3}[ -]\\d{3}(?:[ -]\\d{2,4}){0,2}',
    '(?:1|[2-9]\\d{2})\\.\\d{3}\\.\\d{4} ?x ?\\d{1,6}|\\d{3}\\.\\d{3}\\.\\d{4}x\\d{1,6}',
    '0\\d{1,3}[ -]\\d{3} \\d{2} \\d{2}|0[89]-\\d{2,3} \\d{2,3} \\d{2}|0[3-9] \\d{3} \\d{4}|0\\d{2} \\d{3}-\\d{2}-\\d{2}', // SE, NZ, UA
    '0[59]\\d{9}|0-5\\d{2}-\\d{3}-\\d{2}-\\d{2}|0 \\(5\\d{2}\\) ?\\d{7}|05\\d{2} \\d{3} \\d{4}', // PH, TR
    '07\\d{2}[ -]\\d{3}[ -]?\\d{3}|09/ ?\\d{3} \\d{2} \\d{2}',
    '(?<![0-9A-Z]{3} )0[1-9]\\d{0,3} (?:\\d{2,4} ){1,3}\\d{2,4}(?<=(?:\\d ?){9})', // a zero and groups
  ].join('|')})(?![0-9A-Za-z]|[-.]\\d|-[A-Za-z](?![A-Za-z])|:[A-Za-z])`,
  'yi',
);
const international = /[1-9](?:[ .()/-]{0,2}\d){7,14}(?![0-9A-Za-z])/y;
/** `00`, a country's code, then something that is no zero. */
const abroad = /^00(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[2-9]\d{2})[ .-]\(?[1-9]/;
/** The same without a separator: a country's code and as many digits as its numbers have, or `001-…` with its own. */
const dialled =
  /(?:001[2-9]\d{2}[2-9]\d{6}|00(?:7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])[1-9]\d{8,10}|00(?:3[578]|42|35|85|97)\d[1-9]\d{7,8}|001-\d{3}-\d{3}-\d{4})(?: ?(?:x|ext\.?) ?\d{1,6})?(?![0-9A-Za-z]|[-.]\d)/y;
const free = /\(?\d(?:[ .()/-]{0,2}\d){6,14}(?![0-9A-Za-z])/y;
const phoneWords = [
  'my number',
  'new number',
  'this number',
  'messages to',
  'answering at',
  'reach me',
  'reach us',
  'reached at',
  'reach him',
  'reach her',
  'text me',
  'ring me',
  'office:',
  'desk:',
  'office number',
  'office phone',
  'hotline',
  'rufnummer',
  'durchwahl',
  'mobil',
  'gsm',
  'tlf',
  'celular',
  'cellulare',
  'movil',
  'móvil',
  'telemóvel',
  'telefoon',
  'telefono',
  'téléphone',
  'numéro',
  'contact me',
  'contact us',
  '電話',
  '电话',
  '手机',
  '携帯',
  'тел',
  'phone',
  'telephone',
  'mobile',
  'cell',
  'tel',
  'fax',
  'call',
  'whatsapp',
  'telefon',
  'telefono',
  'teléfono',
  'tél',
  'handy',
  'portable',
  'sms',
  'contact number',
  'dial',
  'ph:',
  'mob',
];

const anyPhoneWord = anyOf(phoneWords);
const saidBehind = /^[ ,(-]{0,3}(?:office|fax|mobile|mob|cell|home|work|phone|tel|direct|handy)\b/i;
/** Numbers of other things: their name stands between the word and the number, or is part of the phrase. */
const otherNumber =
  /(?:order|invoice|ticket|case|serial|tracking|version|build|account|part|model|issue|line|reference|confirmation|customer|employee|routing|policy|claim|batch|lot|item|flight|room|port|page|id|pin|code)\b[^.!?\n]{0,24}$/i;

/** Words that say of a number what it is, wherever another kind of number was spoken of before. */
const certain = [
  'phone',
  'telephone',
  'mobile',
  'cell',
  'tel',
  'fax',
  'whatsapp',
  'telefon',
  'contact number',
];
const numberIs =
  /(?:^|[.!?;,]\s{0,2}|\b(?:my|his|her|their|our|your|the|new|home|work|office)\s(?:[A-Z]{2} )?)number (?:is|was):?\s{0,2}$/i;
/** In code, the name before the sign is what counts: `(call 1) (flags = 00000004`. */
const assigned = /([A-Za-z_][\w.-]{0,40})["']?\s{0,2}=\s{0,2}["'(]?$/;

/** Whether words around a number say that it is one to call. */
function isPhoneSaid(text: string, at: number, end: number, key: string): boolean {
  const behind = text.slice(end, end + 12);
  if (saidBehind.test(behind)) return true;
  const ahead = before(text, at, key, 36);
  if (numberIs.test(ahead)) return true;
  if (!anyPhoneWord.test(ahead) || !hasWord(ahead, phoneWords)) return false;
  // In another line a word says nothing, unless the number is all that the next one begins with.
  const line = ahead.lastIndexOf('\n');
  const near = line > key.length ? ahead.slice(line + 1) : ahead;
  if (
    near !== ahead &&
    !hasWord(near, phoneWords) &&
    (near.trim() !== '' || !/[A-Za-z][:.)]?\s*$/.test(ahead))
  )
    return false;
  const name = assigned.exec(ahead)?.[1];
  if (name !== undefined && !hasWord(name, phoneWords)) return false;
  const window = text.slice(Math.max(0, at - 40), at);
  const other = otherNumber.exec(window);
  return other === null || hasWord(window.slice(other.index), certain);
}

/** A group of so many digits, or of as long a code point, and a space. */
const groupsAhead = [0, 1, 2, 3, 4].map((size) => new RegExp(`(?:^|[^0-9A-Za-z])[0-9A-F]{${size}} $`));

/** Whether groups of as many digits go on before or behind: `41 42 43 …`, `0027 6012 …`. */
function inSeries(text: string, at: number, end: number): boolean {
  const separator = text.charAt(end);
  const group = /^\d+/.exec(text.slice(at, at + 5))?.[0].length ?? 0;
  if (text.charAt(at + group) !== ' ' || group > 4) return false;
  const ahead = groupsAhead[group];
  if (ahead?.test(text.slice(Math.max(0, at - group - 2), at)) === true) return true;
  const behind = group === 4 ? /^ [0-9A-F]{4}(?![0-9A-Za-z])/ : /^ \d{2,4} \d{2,4}/;
  return separator === ' ' && behind.test(text.slice(end, end + 10));
}

/** Whether digits behind a plus are written as numbers to call are: no decimal, no lines that a change took and added. */
function isWritten(digits: string): boolean {
  if (digits.includes('/-')) return false;
  // Registries of domains write `+1.4806242599`.
  return !/^\d+\.\d+$/.test(digits) || /^(?:1\.\d{10}|\d{2,3}\.\d{8,12})$/.test(digits);
}

/** A telephone number whose first digit is at `at`. @returns end of the match, or `at` */
export function findPhone(text: string, at: number, key: string, out: Span[]): number {
  const ahead = text.charCodeAt(at - 1);
  // In code a plus behind a name or a bracket adds.
  if (ahead === 0x2b && /[\w)\]]/.test(text.charAt(at - 2))) return at;
  const plain = text.startsWith('00', at) && !/[\d.] ?$/.test(text.slice(at - 2, at));
  if (plain && ahead !== 0x2b) {
    dialled.lastIndex = at;
    if (dialled.test(text)) {
      out.push({ start: at, end: dialled.lastIndex, detector: 'phone', confidence: 0.8 });
      return dialled.lastIndex;
    }
  }
  const plus =
    ahead === 0x2b || text.slice(at - 2, at) === '+(' || (plain && abroad.test(text.slice(at, at + 8)));
  const open = ahead === 0x28 ? 1 : 0;
  if (plus) {
    const start = text.startsWith('00', at) && ahead !== 0x2b ? at + 2 : at;
    international.lastIndex = start;
    if (
      international.test(text) &&
      (ahead === 0x2b || !inSeries(text, at, international.lastIndex)) &&
      (ahead === 0x2b || open === 1 || /[ .-]/.test(text.slice(at, international.lastIndex))) &&
      isWritten(text.slice(start, international.lastIndex))
    ) {
      out.push({
        start: at - (ahead === 0x2b ? 1 : open === 1 ? 2 : 0),
        end: international.lastIndex,
        detector: 'phone',
        confidence: 0.9,
      });
      return international.lastIndex;
    }
  }
  national.lastIndex = at;
  let end = at;
  let confidence = 0.8;
  if (national.test(text) && !inSeries(text, at, national.lastIndex) && !isOfThing(text, at, key))
    end = national.lastIndex;
  else {
    free.lastIndex = at;
    if (free.test(text) && !/ {2}/.test(text.slice(at, free.lastIndex)))
      if (isPhoneSaid(text, at, free.lastIndex, key)) end = free.lastIndex;
    confidence = 0.75;
  }
  if (end === at) return at;
  out.push({ start: at - open, end, detector: 'phone', confidence });
  return end;
}

const dates =
  /(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})|\d{1,2}(?:st|nd|rd|th)?[ .-](?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}[ ,.-]{1,2}\d{4}|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4}|\d{8})(?![0-9A-Za-z])/iy;
const birthWords = [
  'dob',
  'date of birth',
  'birth',
  'born',
  'd.o.b',
  'geburt',
  'geboren',
  'naissance',
  'nacimiento',
  'né le',
  'née le',
  'nascita',
  'geb.',
];

/** A part of each of them, so that most dates are done with at one look. */
export const birthWord = /dob|birth|born|d\.o|geb|nai|nac|né|nasc/i;

/** A date after a word for birth. @returns end of the match, or `at` */
export function findBirthDate(text: string, at: number, key: string, out: Span[]): number {
  dates.lastIndex = at;
  const match = dates.exec(text);
  if (match === null) return at;
  const context = before(text, at, key, 32);
  if (!birthWord.test(context) || !hasWord(context.replace(/birth_?time\w*/gi, ''), birthWords)) return at;
  const parts = match[0].split(/\D+/).map(Number);
  if (parts.length === 3 && !parts.some((part) => part > 1_899) && !isDay(1, parts[0] ?? 0)) return at;
  out.push({ start: at, end: dates.lastIndex, detector: 'date-of-birth', confidence: 0.85 });
  return dates.lastIndex;
}

const street =
  /\d{1,5}[A-Za-z]?,? (?:(?:[NSEW]|North|South|East|West)\.? )?(?:[A-Z0-9][A-Za-z0-9'.-]{0,20} ){1,3}(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Terrace|Way|Parkway|Pkwy|Square|Sq|Highway|Hwy|Circle|Close|Crescent|Row|Gardens)\b\.?(?:,? (?:Apt|Suite|Unit|Ste|#)\.? ?[A-Z0-9-]{1,6})?(?:,? [A-Z][A-Za-z]{1,20}(?: [A-Z][A-Za-z]{1,20})?,? (?:[A-Z]{2} \d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}))?/y;

/** What may be a kind of street where somebody says that an address follows (USPS Publication 28, appendix C). */
const saidStreet =
  /\d{1,5}[A-Za-z]?(?:\/\d{1,4})?,? (?:[A-Z][\w'.-]{0,20} ){0,3}[A-Z][\w'.-]{1,20}(?: (?:Apt|Suite|Unit|Ste|#)\.? ?[A-Z0-9-]{1,6})?/y;
const addressSaid =
  /(?:address(?: is|:| =|)|lives? at|living at|lived at|resid\w{2,5} at|deliver\w{0,3} to|ship(?:ped)? (?:it )?to|located at|moved to|mail(?:ed)? to) (?:\d{1,5}[/-])?$/i;

const organisation = /(?:Inc|LLC|Ltd|Corp|GmbH|Foundation)\b\.?,?[\s*#/]{1,8}$/;

/** A street address as patterns carry it: number, name, kind of street, perhaps unit, city and code. */
export function findAddress(text: string, at: number, out: Span[]): number {
  street.lastIndex = at;
  if (!street.test(text)) {
    if (!addressSaid.test(text.slice(Math.max(0, at - 24), at))) return at;
    saidStreet.lastIndex = at;
    if (!saidStreet.test(text)) return at;
    out.push({ start: at, end: saidStreet.lastIndex, detector: 'address', confidence: 0.65 });
    return saidStreet.lastIndex;
  }
  // Licences and imprints end in an organisation's address.
  if (organisation.test(text.slice(Math.max(0, at - 24), at))) return street.lastIndex;
  out.push({ start: at, end: street.lastIndex, detector: 'address', confidence: 0.7 });
  return street.lastIndex;
}
