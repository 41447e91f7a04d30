import { isDay, luhn, weighted } from '../checksums.ts';
import { last, n, named, varied } from './national-id.ts';
import type { NationalId } from './national-id.ts';

/** Inland Revenue's number of New Zealand; a second set of weights where the first leaves ten. */
function zealandic(id: string): boolean {
  const digits = id.padStart(9, '0');
  const first = 11 - (weighted(digits, [3, 2, 7, 6, 5, 4, 3, 2]) % 11);
  if (first !== 10) return first % 11 === last(digits);
  return (11 - (weighted(digits, [7, 4, 3, 2, 5, 2, 7, 6]) % 11)) % 11 === last(digits);
}

/** Australian Business Number, which who works for themselves has too. */
const australian = (id: string): boolean =>
  (weighted(id, [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) - 10) % 89 === 0;

/** Identity, tax and insurance numbers of persons in Africa and Oceania. */
export const southernIds: readonly NationalId[] = [
  {
    name: 'au-tfn',
    pattern: '\\d{3} ?\\d{3} ?\\d{3}',
    check: (id) => varied(id) && weighted(id, [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0,
    near: ['tfn', 'tax file', 'australian tax'],
    source: 'ato.gov.au',
    example: '123 456 782',
  },
  {
    name: 'au-medicare',
    pattern: '[2-6]\\d{3} ?\\d{5} ?\\d',
    check: (id) => weighted(id, [1, 3, 7, 9, 1, 3, 7, 9]) % 10 === n(id, 8, 9),
    near: ['medicare'],
    source: 'servicesaustralia.gov.au',
    example: '2123 45670 1',
  },
  {
    name: 'za-id',
    pattern: '\\d{6} ?\\d{4}[ -]?[01] ?[89] ?\\d',
    check: (id) => isDay(n(id, 2, 4), n(id, 4, 6)) && luhn(id),
    source: 'dha.gov.za',
    example: '8001015009087',
  },
  named(
    'au-abn',
    '\\d{2} ?\\d{3} ?\\d{3} ?\\d{3}',
    ['abn', 'australian business'],
    '83 914 571 673',
    'abr.business.gov.au',
    australian,
  ),
  named(
    'eg-national-id',
    '[23]\\d{13}',
    ['egypt', 'القومي', 'national id'],
    '29001011234567',
    'cso.moi.gov.eg',
    (id) => isDay(n(id, 3, 5), n(id, 5, 7)),
  ),
  {
    name: 'gh-card',
    pattern: 'GHA-\\d{9}-\\d',
    check: () => true,
    source: 'nia.gov.gh',
    example: 'GHA-123456789-0',
  },
  named('ke-pin', '[AP]\\d{9}[A-Z]', ['kra', 'pin', 'kenya'], 'A004416331M', 'kra.go.ke'),
  named(
    'mu-nid',
    '[A-Z]\\d{12}[0-9A-Z]',
    ['nid', 'mauriti', 'identity', 'national', 'id number'],
    'A0503022303817',
    'mnis.govmu.org',
    (id) => isDay(n(id, 3, 5), n(id, 1, 3)),
  ),
  named('ng-nin', '\\d{11}', ['nin', 'bvn', 'nigeria'], '12345678901', 'nimc.gov.ng'),
  named(
    'nz-ird',
    '\\d{2,3}[- ]?\\d{3}[- ]?\\d{3}|\\d{7,8}-\\d',
    ['ird', 'inland revenue', 'new zealand'],
    '49-091-850',
    'ird.govt.nz',
    zealandic,
  ),
  named(
    'nz-nhi',
    '[A-HJ-NP-Z]{3}\\d{4}|[A-HJ-NP-Z]{3}\\d{2}[A-Z]{2}',
    ['nhi', 'health index'],
    'ZAC5361',
    'tewhatuora.govt.nz',
  ),
  named(
    'za-tin',
    '[01239]\\d{9}',
    ['tax reference', 'tax identification', 'income tax', 'tin', 'sars'],
    '0001339050',
    'sars.gov.za',
    luhn,
  ),
];
