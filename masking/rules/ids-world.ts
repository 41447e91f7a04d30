import { isDay, luhn, verhoeff, weighted } from '../checksums.ts';
import { n, last, anything, varied } from './national-id.ts';
import type { NationalId } from './national-id.ts';

function cpf(digits: string): boolean {
  const first = ((weighted(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10) % 11) % 10;
  const second = ((weighted(digits, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10) % 11) % 10;
  return varied(digits) && first === n(digits, 9, 10) && second === n(digits, 10, 11);
}

function singapore(id: string): boolean {
  const sum =
    weighted(id.slice(1), [2, 7, 6, 5, 4, 3, 2]) +
    (id[0] === 'T' || id[0] === 'G' ? 4 : id[0] === 'M' ? 3 : 0);
  if (id[0] === 'S' || id[0] === 'T') return 'JZIHGFEDCBA'[sum % 11] === id[8];
  return (
    (id[0] === 'M' ? 'KLJNPQRTUWX' : 'XWUTRQPNMLK')[id[0] === 'M' ? 10 - (sum % 11) : sum % 11] === id[8]
  );
}

function turkish(digits: string): boolean {
  const odd = [0, 2, 4, 6, 8].reduce((sum, at) => sum + n(digits, at, at + 1), 0);
  const even = [1, 3, 5, 7].reduce((sum, at) => sum + n(digits, at, at + 1), 0);
  const tenth = (((odd * 7 - even) % 10) + 10) % 10;
  return tenth === n(digits, 9, 10) && (odd + even + tenth) % 10 === last(digits);
}

function taiwanese(id: string): boolean {
  const code = 'ABCDEFGHJKLMNPQRSTUVXYWZIO'.indexOf(id.charAt(0)) + 10;
  return (
    (Math.floor(code / 10) + (code % 10) * 9 + weighted(id.slice(1), [8, 7, 6, 5, 4, 3, 2, 1, 1])) % 10 === 0
  );
}

function mexican(curp: string): boolean {
  const alphabet = '0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ';
  let sum = 0;
  for (let i = 0; i < 17; i += 1) sum += alphabet.indexOf(curp.charAt(i)) * (18 - i);
  return (10 - (sum % 10)) % 10 === last(curp);
}

const chinese = (id: string): boolean =>
  isDay(n(id, 10, 12), n(id, 12, 14)) &&
  '10X98765432'[weighted(id, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11] === id[17];

const chilean = (rut: string): boolean => {
  const body = rut.slice(0, -1).padStart(8, '0');
  return '0K987654321'[weighted(body, [3, 2, 7, 6, 5, 4, 3, 2]) % 11] === rut.at(-1);
};

/** Identity, tax and insurance numbers of persons outside Europe. */
export const worldIds: readonly NationalId[] = [
  {
    name: 'us-ssn',
    pattern: `(?!000|666|9)\\d{3}([- ])(?!00)\\d{2}\\1(?!0000)\\d{4}`,
    check: anything,
    source: 'ssa.gov/employer/randomization.html',
    example: '536-22-8145',
  },
  {
    name: 'us-ssn',
    pattern: '(?!000|666|9)\\d{3}(?!00)\\d{2}(?!0000)\\d{4}',
    check: varied,
    near: ['ssn', 'social security', 'social_security', 'socialsecurity', 'soc sec'],
    source: 'ssa.gov/employer/randomization.html',
    example: '536228145',
  },
  {
    // Never issued, but written: after its word any number of this form is hidden.
    name: 'us-ssn',
    pattern: '\\d{3}[- ]\\d{2}[- ]\\d{4}',
    check: anything,
    near: ['ssn', 'social security', 'social_security', 'socialsecurity'],
    source: 'ssa.gov/employer/randomization.html',
    example: '987-65-4320',
  },
  {
    name: 'us-itin',
    pattern: '9\\d{2}([- ])(?:5\\d|6[0-5]|7\\d|8[0-8]|9[0-24-9])\\1\\d{4}',
    check: anything,
    source: 'irs.gov/individuals/individual-taxpayer-identification-number',
    example: '912-72-4457',
  },
  {
    name: 'ca-sin',
    pattern: '(?<!\\d )[1-79]\\d{2}([- ])\\d{3}\\1\\d{3}(?! \\d)',
    check: luhn,
    source: 'canada.ca/en/employment-social-development/services/sin',
    example: '130-692-544',
  },
  {
    name: 'ca-sin',
    pattern: '[1-79]\\d{8}',
    check: luhn,
    near: ['sin', 'social insurance'],
    source: 'canada.ca/en/employment-social-development/services/sin',
    example: '130692544',
  },
  {
    name: 'br-cpf',
    pattern: '\\d{3}\\.\\d{3}\\.\\d{3}-\\d{2}',
    check: cpf,
    source: 'gov.br/receitafederal',
    example: '529.982.247-25',
  },
  {
    name: 'br-cpf',
    pattern: '\\d{11}',
    check: cpf,
    near: ['cpf'],
    source: 'gov.br/receitafederal',
    example: '52998224725',
  },
  {
    name: 'ar-cuil',
    pattern: '(?:20|23|24|27|30|33|34)-\\d{8}-\\d',
    check: (id) => (11 - (weighted(id, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11 === last(id),
    source: 'anses.gob.ar',
    example: '20-12345678-6',
  },
  {
    name: 'cl-rut',
    pattern: '\\d{1,2}\\.\\d{3}\\.\\d{3}-[\\dK]|\\d{7,8}-[\\dK]',
    check: chilean,
    source: 'registrocivil.cl',
    example: '12.345.678-5',
  },
  {
    name: 'mx-curp',
    pattern: '[A-Z]{4}\\d{6}[HMX][A-Z]{5}[A-Z0-9]\\d',
    check: mexican,
    source: 'gob.mx/curp',
    example: 'BOXW310820HNERXN09',
  },
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
    near: ['aadhaar', 'aadhar', 'uidai', 'uid'],
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
    name: 'cn-resident-id',
    pattern: '[1-9]\\d{5}(?:18|19|20)\\d{9}[\\dX]',
    check: chinese,
    source: 'GB 11643-1999',
    example: '11010519491231002X',
  },
  {
    name: 'kr-rrn',
    pattern: '\\d{6}-[1-8]\\d{6}',
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
    near: ['my number', 'mynumber', 'my_number', 'マイナンバー', '個人番号'],
    source: 'cao.go.jp/bangouseido',
    example: '123456789018',
  },
  {
    name: 'au-tfn',
    pattern: '\\d{3} ?\\d{3} ?\\d{3}',
    check: (id) => varied(id) && weighted(id, [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0,
    near: ['tfn', 'tax file'],
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
    name: 'sg-nric',
    pattern: '[STFGM]\\d{7}[A-Z]',
    check: singapore,
    source: 'ica.gov.sg',
    example: 'S1234567D',
  },
  {
    name: 'hk-id',
    pattern: '[A-Z]{1,2}\\d{6}\\([0-9A]\\)',
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
    check: (id) => (11 - (weighted(id, [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 10 === last(id),
    source: 'bora.dopa.go.th',
    example: '1-1020-03063-51-7',
  },
  {
    name: 'za-id',
    pattern: '\\d{10}[01][89]\\d',
    check: (id) => isDay(n(id, 2, 4), n(id, 4, 6)) && luhn(id),
    source: 'dha.gov.za',
    example: '8001015009087',
  },
  {
    name: 'tr-tckn',
    pattern: '[1-9]\\d{10}',
    check: turkish,
    near: ['tc', 'kimlik', 'tckn'],
    source: 'nvi.gov.tr',
    example: '10000000146',
  },
  {
    name: 'il-id',
    pattern: '\\d{9}',
    check: luhn,
    near: ['israel', 'teudat', 'תעודת', 'zehut'],
    source: 'gov.il',
    example: '123456782',
  },
];
