import { isDay, weighted } from '../checksums.ts';
import { anything, last, n, named } from './national-id.ts';
import type { NationalId } from './national-id.ts';

function singapore(id: string): boolean {
  const sum =
    weighted(id.slice(1), [2, 7, 6, 5, 4, 3, 2]) +
    (id[0] === 'T' || id[0] === 'G' ? 4 : id[0] === 'M' ? 3 : 0);
  if (id[0] === 'S' || id[0] === 'T') return 'JZIHGFEDCBA'[sum % 11] === id[8];
  return (
    (id[0] === 'M' ? 'KLJNPQRTUWX' : 'XWUTRQPNMLK')[id[0] === 'M' ? 10 - (sum % 11) : sum % 11] === id[8]
  );
}

function taiwanese(id: string): boolean {
  const code = 'ABCDEFGHJKLMNPQRSTUVXYWZIO'.indexOf(id.charAt(0)) + 10;
  return (
    (Math.floor(code / 10) + (code % 10) * 9 + weighted(id.slice(1), [8, 7, 6, 5, 4, 3, 2, 1, 1])) % 10 === 0
  );
}

const chinese = (id: string): boolean =>
  isDay(n(id, 10, 12), n(id, 12, 14)) &&
  '10X98765432'[weighted(id, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11] === id[17];

const thai = (id: string): boolean =>
  (11 - (weighted(id, [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 10 === last(id);

/** A day of the month, for which some count from 41 for women. */
const indonesian = (id: string): boolean => isDay(n(id, 8, 10), n(id, 6, 8) % 40);

/** Identity, tax and insurance numbers of persons in the east and south-east of Asia. */
export const eastAsianIds: readonly NationalId[] = [
  {
    name: 'cn-resident-id',
    pattern: '[1-9]\\d{5}(?:18|19|20)\\d{9}[\\dX]',
    check: chinese,
    source: 'GB 11643-1999',
    example: '11010519491231002X',
  },
  {
    name: 'kr-rrn',
    pattern: '\\d{6}-\\d{7}',
    check: (id) => isDay(n(id, 2, 4), n(id, 4, 6)),
    source: 'mois.go.kr',
    example: '920101-1234567',
  },
  {
    name: 'jp-my-number',
    pattern: `\\d{4}[ .-]?\\d{4}[ .-]?\\d{4}`,
    check: (id) => {
      const rest = weighted(id, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
      return (rest <= 1 ? 0 : 11 - rest) === last(id);
    },
    near: ['my number', 'mynumber', 'my_number', 'マイナンバー', '個人番号', 'kojin', 'individual number'],
    source: 'cao.go.jp/bangouseido',
    example: '123456789018',
  },
  {
    name: 'sg-nric',
    pattern: '[STFGM]\\d{7}[A-Z]',
    check: singapore,
    source: 'ica.gov.sg',
    example: 'S1234567D',
  },
  {
    name: 'hk-id',
    pattern: '[A-Z]{1,2}\\d{6} ?(?:\\([0-9A]\\)|\\[[0-9A]\\])',
    check: anything,
    source: 'immd.gov.hk',
    example: 'A123456(3)',
  },
  {
    name: 'tw-id',
    pattern: '[A-Z][1289]\\d{8}',
    check: taiwanese,
    source: 'ris.gov.tw',
    example: 'A123456789',
  },
  {
    name: 'th-id',
    pattern: '[1-8]-\\d{4}-\\d{5}-\\d{2}-\\d',
    check: thai,
    source: 'bora.dopa.go.th',
    example: '1-1020-03063-51-7',
  },
  named(
    'hk-id',
    '[A-Z]{1,2}\\d{6}[0-9A]',
    ['hkid', 'hong kong', 'identity', '身份證'],
    'A1234563',
    'immd.gov.hk',
  ),
  named(
    'id-nik',
    '\\d{16}',
    ['nik', 'ktp', 'kependudukan', 'indonesian'],
    '3171011708450001',
    'dukcapil.kemendagri.go.id',
    indonesian,
  ),
  {
    name: 'id-npwp',
    pattern: '\\d{2}\\.\\d{3}\\.\\d{3}\\.\\d-\\d{3}\\.\\d{3}',
    check: anything,
    source: 'pajak.go.id',
    example: '01.312.166.0-091.000',
  },
  named('id-npwp', '\\d{15,16}', ['npwp', 'wajib pajak', 'indonesian'], '013121660091000', 'pajak.go.id'),
  named(
    'jp-my-number',
    '\\d{4}[ .-]?\\d{4}[ .-]?\\d{4}',
    ['my number', 'マイナンバー', '個人番号', 'mynumber'],
    '123456789012',
    'cao.go.jp/bangouseido',
  ),
  named(
    'kr-rrn',
    '\\d{13}',
    ['rrn', '주민', 'resident registration', 'south korea'],
    '9710139019902',
    'mois.go.kr',
    (id) => isDay(n(id, 2, 4), n(id, 4, 6)),
  ),
  {
    name: 'kr-driver-license',
    pattern: '[12]\\d-\\d{2}-\\d{6}-\\d{2}',
    check: anything,
    source: 'koroad.or.kr',
    example: '11-23-456789-01',
  },
  {
    name: 'my-nric',
    pattern: '\\d{6}-\\d{2}-\\d{4}',
    check: (id) => isDay(n(id, 2, 4), n(id, 4, 6)),
    source: 'jpn.gov.my',
    example: '770305-02-1234',
  },
  named(
    'my-nric',
    '\\d{12}',
    ['nric', 'mykad', 'kad pengenalan', 'malaysia', 'identity card'],
    '770305021234',
    'jpn.gov.my',
    (id) => isDay(n(id, 2, 4), n(id, 4, 6)),
  ),
  named(
    'ph-id',
    '\\d{2}-\\d{7}-\\d|\\d{4}-\\d{4}-\\d{4}(?:-\\d{4})?|\\d{2}-\\d{9}-\\d',
    ['sss', 'umid', 'philsys', 'philhealth', 'pag-ibig', 'philippine'],
    '34-1234567-8',
    'sss.gov.ph',
  ),
  named(
    'th-id',
    '\\d-?\\d{2,4}-?\\d-?\\d{3,5}-?\\d{3,5}-?\\d|\\d{13}|\\d-\\d{4}-\\d{5}-\\d{2}-\\d',
    ['thai', 'บัตรประชาชน', 'เลขประจำตัว', 'pin', 'tin', 'citizen', 'taxpayer'],
    '1234545678781',
    'bora.dopa.go.th',
    thai,
  ),
  named(
    'vn-cccd',
    '\\d{12}|\\d{9}',
    ['cccd', 'cmnd', 'căn cước', 'chứng minh'],
    '001099012345',
    'bocongan.gov.vn',
  ),
];
