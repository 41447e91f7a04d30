import { isDay, luhn, verhoeff, weighted } from '../checksums.ts';
import { anything, last, n, named } from './national-id.ts';
import type { NationalId } from './national-id.ts';

function turkish(digits: string): boolean {
  const odd = [0, 2, 4, 6, 8].reduce((sum, at) => sum + n(digits, at, at + 1), 0);
  const even = [1, 3, 5, 7].reduce((sum, at) => sum + n(digits, at, at + 1), 0);
  const tenth = (((odd * 7 - even) % 10) + 10) % 10;
  return tenth === n(digits, 9, 10) && (odd + even + tenth) % 10 === last(digits);
}

const iranian = (id: string): boolean => {
  const rest = weighted(id, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
  return (rest < 2 ? rest : 11 - rest) === last(id);
};

/** Identity, tax and insurance numbers of persons in the west and south of Asia. */
export const westAsianIds: readonly NationalId[] = [
  {
    name: 'in-aadhaar',
    pattern: '(?<![0-9A-Fa-f]{4} )[2-9]\\d{3}([ -])\\d{4}\\1\\d{4}(?! [0-9A-F]{4}(?![0-9A-Za-z]))',
    check: verhoeff,
    source: 'uidai.gov.in',
    example: '2345 6789 0124',
  },
  {
    name: 'in-aadhaar',
    pattern: '[2-9]\\d{11}',
    check: verhoeff,
    near: ['aadhaar', 'aadhar', 'uidai', 'uid', 'indian personal'],
    source: 'uidai.gov.in',
    example: '234567890124',
  },
  {
    name: 'in-pan',
    pattern: '[A-Z]{3}[ABCFGHJLPT][A-Z]\\d{4}[A-Z]',
    check: anything,
    source: 'incometaxindia.gov.in',
    example: 'ABCPE1234F',
  },
  {
    name: 'tr-tckn',
    pattern: '[1-9]\\d{10}',
    check: turkish,
    near: ['t.c.', 'tc ', 'tc:', 'kimlik', 'tckn', 'turkish'],
    source: 'nvi.gov.tr',
    example: '10000000146',
  },
  {
    name: 'il-id',
    pattern: '\\d{9}',
    check: luhn,
    near: ['israel', 'teudat', 'תעודת', 'zehut', 'מספר זהות', 'ת.ז'],
    source: 'gov.il',
    example: '123456782',
  },
  {
    name: 'ae-emirates-id',
    pattern: '784-\\d{4}-\\d{7}-\\d',
    check: anything,
    source: 'icp.gov.ae',
    example: '784-1984-1234567-9',
  },
  named(
    'ae-emirates-id',
    '784[ -]?\\d{4}[ -]?\\d{7}[ -]?\\d',
    ['emirates', 'eid', 'الهوية'],
    '784198412345679',
    'icp.gov.ae',
  ),
  named('bd-nid', '\\d{10}|\\d{13}|\\d{17}', ['nid', 'জাতীয়', 'national id'], '1234567890', 'nidw.gov.bd'),
  named(
    'il-id',
    '\\d{7,8}-?\\d',
    ['israel', 'teudat', 'תעודת', 'zehut', 'identity number', 'מספר זהות'],
    '3933742-3',
    'gov.il',
    (id) => luhn(id.padStart(9, '0')),
  ),
  named(
    'in-gstin',
    '\\d{2}[A-Z]{5}\\d{4}[A-Z][1-9A-Z]Z[0-9A-Z]',
    ['gstin', 'gst'],
    '27AAPFU0939F1ZV',
    'gst.gov.in',
  ),
  named(
    'in-voter-id',
    '[A-Z]{3}\\d{7}',
    ['epic', 'voter', 'elector', 'election'],
    'WKH1186253',
    'eci.gov.in',
  ),
  named(
    'in-aadhaar',
    '[2-9]\\d{3}[ -]?\\d{4}[ -]?\\d{4}[ -]?\\d{4}',
    ['vid', 'virtual id', 'aadhaar'],
    '2341234123412341',
    'uidai.gov.in',
    verhoeff,
  ),
  named(
    'in-aadhaar',
    '\\d{4}[ -]?\\d{4}[ -]?\\d{4}',
    ['aadhaar', 'aadhar', 'uidai', 'आधार'],
    '987654321098',
    'uidai.gov.in',
  ),
  named(
    'ir-national-code',
    '\\d{10}|\\d{3}-\\d{6}-\\d',
    ['melli', 'کد ملی', 'iran', 'national code'],
    '0499370899',
    'sabteahval.ir',
    iranian,
  ),
  named('kw-civil-id', '[123]\\d{11}', ['civil id', 'kuwait', 'المدنية'], '287010112345', 'paci.gov.kw'),
  named('kz-iin', '\\d{12}', ['iin', 'иин', 'жсн'], '850101300123', 'egov.kz', (id) =>
    isDay(n(id, 2, 4), n(id, 4, 6)),
  ),
  named(
    'lk-nic',
    '\\d{9}[VvXx]|(?:19|20)\\d{10}',
    ['nic', 'identity', 'sri lanka', 'national id'],
    '722222222V',
    'drp.gov.lk',
  ),
  named(
    'np-citizenship',
    '\\d{2}-\\d{2}-\\d{2}-\\d{5}',
    ['citizenship', 'नागरिकता'],
    '27-01-75-12345',
    'moha.gov.np',
  ),
  {
    name: 'pk-cnic',
    pattern: '[1-8]\\d{4}-\\d{7}-\\d',
    check: anything,
    source: 'nadra.gov.pk',
    example: '34201-0891231-8',
  },
  named('pk-cnic', '[1-8]\\d{12}', ['cnic', 'nicop', 'nadra', 'pakistan'], '3420108912318', 'nadra.gov.pk'),
  named('qa-qid', '[23]\\d{10}', ['qid', 'qatar'], '28763401234', 'portal.moi.gov.qa'),
  named('sa-national-id', '[12]\\d{9}', ['iqama', 'saudi', 'هوية', 'absher'], '1058529940', 'moi.gov.sa'),
];
