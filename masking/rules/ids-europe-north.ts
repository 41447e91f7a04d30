import { isDay, luhn, mod11of10, weighted } from '../checksums.ts';
import { anything, last, n, named } from './national-id.ts';
import type { NationalId } from './national-id.ts';

function norwegian(digits: string): boolean {
  const day = n(digits, 0, 2) % 40;
  const first = (11 - (weighted(digits, [3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11)) % 11;
  const second = (11 - (weighted(digits, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11;
  return isDay(n(digits, 2, 4) % 40, day) && first === n(digits, 9, 10) && second === last(digits);
}

const irish = (pps: string): boolean => {
  const sum = weighted(pps, [8, 7, 6, 5, 4, 3, 2]) + (pps.length > 8 ? (pps.charCodeAt(8) - 64) * 9 : 0);
  return 'WABCDEFGHIJKLMNOPQRSTUV'[sum % 23] === pps[7];
};

/** Versicherungsnummer of the German pension insurance: digit sums, the letter as two digits. */
function germanPension(id: string): boolean {
  const digits = id.slice(0, 8) + String(id.charCodeAt(8) - 64).padStart(2, '0') + id.slice(9, 11);
  let sum = 0;
  for (let i = 0; i < 12; i += 1) {
    const product = n(digits, i, i + 1) * ([2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1][i] ?? 0);
    sum += Math.floor(product / 10) + (product % 10);
  }
  return sum % 10 === last(id);
}

const icelandic = (id: string): boolean =>
  isDay(n(id, 2, 4), n(id, 0, 2) % 40) &&
  (11 - (weighted(id, [3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11 === n(id, 8, 9);

/** Unique Taxpayer Reference: the first digit checks the others. */
const british = (id: string): boolean =>
  '21987654321'[weighted(id.slice(1), [6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11] === id[0];

/** Identity, tax and insurance numbers of persons in the north and middle of Europe. */
export const northEuropeanIds: readonly NationalId[] = [
  {
    name: 'uk-nino',
    pattern:
      '(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?(?:\\d{2} ?\\d{2} ?\\d{2}|\\d{3} ?\\d{3}) ?[A-D]',
    check: anything,
    source: 'gov.uk/hmrc-internal-manuals/national-insurance-manual',
    example: 'QW 12 34 56 C'.replace('QW', 'JR'),
  },
  {
    name: 'uk-nhs',
    pattern: '\\d{3}[ -]?\\d{3}[ -]?\\d{4}',
    check: (id) => (11 - (weighted(id, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11 === last(id),
    near: ['nhs', 'national health', 'patient identifier'],
    source: 'datadictionary.nhs.uk',
    example: '943 476 5919',
  },
  {
    name: 'de-tax-id',
    pattern: '[1-9]\\d ?\\d{3} ?\\d{3} ?\\d{3}',
    check: mod11of10,
    near: ['steuer', 'tax', 'idnr', 'tin', 'identifikationsnummer'],
    source: 'bzst.de',
    example: '86 095 742 719',
  },
  {
    name: 'se-personal-number',
    pattern: '(?:19|20)?\\d{6}[-+]\\d{4}',
    check: (id) =>
      isDay(n(id, id.length - 8, id.length - 6), n(id, id.length - 6, id.length - 4) % 60) &&
      luhn(id.slice(-10)),
    source: 'skatteverket.se',
    example: '811228-9874',
  },
  {
    name: 'se-personal-number',
    pattern: '(?:(?:19|20)\\d{2}|\\d{2})\\d{8}',
    check: (id) =>
      isDay(n(id, id.length - 8, id.length - 6), n(id, id.length - 6, id.length - 4) % 60) &&
      luhn(id.slice(-10)),
    near: ['personnummer', 'personal number', 'samordning'],
    source: 'skatteverket.se',
    example: '198112289874',
  },
  {
    name: 'fi-hetu',
    pattern: '\\d{6}[-+ABCDEFYXWVU]\\d{3}[0-9A-FHJ-NPR-Y]',
    check: (id) =>
      isDay(n(id, 2, 4), n(id, 0, 2)) &&
      '0123456789ABCDEFHJKLMNPRSTUVWXY'[Number(id.slice(0, 6) + id.slice(-4, -1)) % 31] === id.at(-1),
    source: 'dvv.fi',
    example: '131052-308T',
  },
  {
    name: 'dk-cpr',
    pattern: '\\d{6}[- ]?\\d{4}',
    check: (id) => isDay(n(id, 2, 4), n(id, 0, 2)),
    near: ['cpr', 'personnummer', 'danish'],
    source: 'cpr.dk',
    example: '070761-4285',
  },
  {
    name: 'no-birth-number',
    pattern: '\\d{6} ?\\d{5}',
    check: norwegian,
    source: 'skatteetaten.no',
    example: '01010750160',
  },
  {
    name: 'at-svnr',
    pattern: '[1-9]\\d{3} ?\\d{6}',
    check: (id) => weighted(id, [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 === n(id, 3, 4),
    near: [
      'svnr',
      'sozialversicherung',
      'sv-nummer',
      'versicherungsnummer',
      'social security',
      'versicherungs',
      'vnr',
    ],
    source: 'sozialversicherung.at',
    example: '1237 010180',
  },
  {
    name: 'ie-pps',
    pattern: '\\d{7} ?[A-W][A-IW]?',
    check: irish,
    near: ['pps', 'ppsn', 'personal public service'],
    source: 'gov.ie',
    example: '6433435F',
  },
  named(
    'at-tin',
    '\\d{2}[ -]?\\d{3}[ /]?\\d{4}',
    ['abgabenkonto', 'steuernummer', 'austrian tax', 'tin', 'tax id'],
    '59-119/9013',
    'bmf.gv.at',
  ),
  {
    name: 'de-rvnr',
    pattern: '\\d{2} ?(?:0[1-9]|[12]\\d|3[01])(?:0\\d|1[0-2])\\d{2} ?[A-Z] ?\\d{2} ?\\d',
    check: germanPension,
    source: 'deutsche-rentenversicherung.de',
    example: '15 070649 C 103',
  },
  named(
    'de-stnr',
    '\\d{2,3} ?/ ?\\d{3,4} ?/ ?\\d ?\\d{3}(?: ?\\d)?|\\d{10,13}',
    ['steuernummer', 'st.-nr', 'st nr', 'stnr', 'steuer-nr', 'german tax'],
    '181/815/08155',
    'bzst.de',
  ),
  named(
    'de-id-card',
    '[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}\\d?',
    ['ausweis', 'identity card', 'id card', 'reisepass'],
    'L01X00T471',
    'bmi.bund.de',
    (id) => /\d/.test(id),
  ),
  named(
    'de-kvnr',
    '[A-Z]\\d{9}',
    ['krankenvers', 'versichertennummer', 'kvnr', 'health insurance'],
    'A123456780',
    'gkv-spitzenverband.de',
  ),
  named('fi-hetu', '\\d{12}', ['veronumero', 'tax number', 'individual tax'], '123456789123', 'vero.fi'),
  {
    name: 'is-kennitala',
    pattern: '\\d{6}-\\d{4}',
    check: icelandic,
    source: 'skra.is',
    example: '120174-3399',
  },
  named(
    'is-kennitala',
    '\\d{6}[- ]?\\d{4}',
    ['kennitala', 'kt.', 'icelandic'],
    '1201743399',
    'skra.is',
    icelandic,
  ),
  named(
    'no-birth-number',
    '\\d{6}[ -]?\\d{5}',
    ['fodsels', 'fødsels', 'personnummer', 'norwegian'],
    '151086-95088',
    'skatteetaten.no',
    norwegian,
  ),
  {
    name: 'uk-driving-licence',
    pattern:
      '[A-Z][A-Z9]{4} ?\\d ?(?:[05][1-9]|[16][0-2]) ?(?:0[1-9]|[12]\\d|3[01]) ?\\d ?[A-Z9]{2} ?[A-Z2-9] ?[A-Z]{2}(?: ?\\d{2})?',
    check: anything,
    source: 'gov.uk/dvla',
    example: 'MORGA753116SM9IJ',
  },
  named(
    'uk-utr',
    '\\d{5} ?\\d{5}',
    ['utr', 'unique taxpayer', 'tax reference', 'self assessment'],
    '1955839661',
    'gov.uk/find-utr-number',
    british,
  ),
  named(
    'uk-trn',
    '\\d{2} ?[A-Z] ?\\d{3} ?\\d{2}',
    ['trn', 'temporary reference', 'temp number', 'national insurance'],
    '11 A 12345',
    'gov.uk/hmrc-internal-manuals/national-insurance-manual',
  ),
  named('uk-upn', '[A-Z]\\d{11}[0-9A-Z]', ['upn', 'pupil'], 'B801200005001', 'gov.uk/dfe'),
];
