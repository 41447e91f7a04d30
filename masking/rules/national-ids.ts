import { isDay, luhn, mod11of10, mod97, verhoeff, weighted } from '../checksums.ts';

/** A person's number that a state issues. `pattern` is bounded; `check` gets the match without separators, upper case. */
export interface NationalId {
  readonly name: string;
  readonly pattern: string;
  readonly check: (compact: string) => boolean;
  /** Lower-case words of which one must stand near; absent when form and checksum are proof enough. */
  readonly near?: readonly string[];
  readonly source: string;
  /** A made-up number that passes. */
  readonly example: string;
}

const n = (text: string, start: number, end: number): number => Number(text.slice(start, end));
const last = (text: string): number => text.charCodeAt(text.length - 1) - 48;
const anything = (): boolean => true;
const sp = '[ .-]?';
/** Numbers of equal digits pass many checksums and belong to nobody. */
const varied = (text: string): boolean => !/^(\d)\1+$/.test(text);

const dniLetters = 'TRWAGMYFPDXBNJZSQVHLCKE';
const fiscalOdd = [
  1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
];

function fiscalCode(code: string): boolean {
  let sum = 0;
  for (let i = 0; i < 15; i += 1) {
    const char = code.charCodeAt(i);
    const value = char <= 57 ? char - 48 : char - 65;
    sum += i % 2 === 0 ? (fiscalOdd[value] ?? 0) : value;
  }
  return String.fromCharCode(65 + (sum % 26)) === code[15];
}

function cpf(digits: string): boolean {
  const first = ((weighted(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10) % 11) % 10;
  const second = ((weighted(digits, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10) % 11) % 10;
  return varied(digits) && first === n(digits, 9, 10) && second === n(digits, 10, 11);
}

function baltic(digits: string): boolean {
  let rest = weighted(digits, [1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
  if (rest === 10) rest = (weighted(digits, [3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11) % 10;
  return isDay(n(digits, 3, 5), n(digits, 5, 7)) && rest === last(digits);
}

function norwegian(digits: string): boolean {
  const day = n(digits, 0, 2) % 40;
  const first = (11 - (weighted(digits, [3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11)) % 11;
  const second = (11 - (weighted(digits, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11;
  return isDay(n(digits, 2, 4) % 40, day) && first === n(digits, 9, 10) && second === last(digits);
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

const irish = (pps: string): boolean => {
  const sum = weighted(pps, [8, 7, 6, 5, 4, 3, 2]) + (pps.length > 8 ? (pps.charCodeAt(8) - 64) * 9 : 0);
  return 'WABCDEFGHIJKLMNOPQRSTUV'[sum % 23] === pps[7];
};

const chilean = (rut: string): boolean => {
  const body = rut.slice(0, -1).padStart(8, '0');
  return '0K987654321'[weighted(body, [3, 2, 7, 6, 5, 4, 3, 2]) % 11] === rut.at(-1);
};

/** Identity, tax and insurance numbers of persons, by country. */
export const nationalIds: readonly NationalId[] = [
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
    name: 'us-itin',
    pattern: '9\\d{2}([- ])(?:5\\d|6[0-5]|7\\d|8[0-8]|9[0-24-9])\\1\\d{4}',
    check: anything,
    source: 'irs.gov/individuals/individual-taxpayer-identification-number',
    example: '912-72-4457',
  },
  {
    name: 'uk-nino',
    pattern: '(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\\d{2} ?\\d{2} ?\\d{2} ?[A-D]',
    check: anything,
    source: 'gov.uk/hmrc-internal-manuals/national-insurance-manual',
    example: 'QW 12 34 56 C'.replace('QW', 'JR'),
  },
  {
    name: 'uk-nhs',
    pattern: '\\d{3}[ -]?\\d{3}[ -]?\\d{4}',
    check: (id) => (11 - (weighted(id, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11 === last(id),
    near: ['nhs'],
    source: 'datadictionary.nhs.uk',
    example: '943 476 5919',
  },
  {
    name: 'ca-sin',
    pattern: '[1-79]\\d{2}([- ])\\d{3}\\1\\d{3}',
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
    name: 'fr-nir',
    pattern: `[1-478] ?\\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\\d) ?(?:\\d{2}|2[AB]) ?\\d{3} ?\\d{3} ?\\d{2}`,
    check: (id) =>
      97 - Number(BigInt(id.slice(0, 13).replace('2A', '19').replace('2B', '18')) % 97n) === n(id, 13, 15),
    source: 'legifrance.gouv.fr R161-1',
    example: '2 55 08 14 168 025 38',
  },
  {
    name: 'de-tax-id',
    pattern: '[1-9]\\d ?\\d{3} ?\\d{3} ?\\d{3}',
    check: mod11of10,
    near: ['steuer', 'tax', 'idnr', 'tin'],
    source: 'bzst.de',
    example: '86 095 742 719',
  },
  {
    name: 'it-fiscal-code',
    pattern: '[A-Z]{6}\\d{2}[ABCDEHLMPRST]\\d{2}[A-Z]\\d{3}[A-Z]',
    check: fiscalCode,
    source: 'agenziaentrate.gov.it',
    example: 'RSSMRA85T10A562S',
  },
  {
    name: 'es-dni',
    pattern: '\\d{8}[ -]?[A-HJ-NP-TV-Z]',
    check: (id) => dniLetters[n(id, 0, 8) % 23] === id[8],
    source: 'interior.gob.es',
    example: '12345678Z',
  },
  {
    name: 'es-nie',
    pattern: '[XYZ][ -]?\\d{7}[ -]?[A-HJ-NP-TV-Z]',
    check: (id) => dniLetters[Number('XYZ'.indexOf(id.charAt(0)) + id.slice(1, 8)) % 23] === id[8],
    source: 'interior.gob.es',
    example: 'X1234567L',
  },
  {
    name: 'pt-nif',
    pattern: '[1-35689]\\d{2} ?\\d{3} ?\\d{3}',
    check: (id) => ((11 - (weighted(id, [9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11) % 10 === last(id),
    near: ['nif', 'contribuinte'],
    source: 'portaldasfinancas.gov.pt',
    example: '123456789',
  },
  {
    name: 'nl-bsn',
    pattern: '\\d{9}|\\d{4}\\.\\d{2}\\.\\d{3}',
    check: (id) => varied(id) && (weighted(id, [9, 8, 7, 6, 5, 4, 3, 2]) - last(id)) % 11 === 0,
    near: ['bsn', 'burgerservice', 'sofi'],
    source: 'rvig.nl',
    example: '111222333',
  },
  {
    name: 'be-national-number',
    pattern: '\\d{2}[.]?\\d{2}[.]?\\d{2}[-]?\\d{3}[.]?\\d{2}',
    check: (id) =>
      isDay(n(id, 2, 4) % 20, Math.max(1, n(id, 4, 6))) &&
      (97 - (n(id, 0, 9) % 97) === n(id, 9, 11) ||
        97 - ((2_000_000_000 + n(id, 0, 9)) % 97) === n(id, 9, 11)),
    source: 'ibz.rrn.fgov.be',
    example: '85.07.30-033.28',
  },
  {
    name: 'pl-pesel',
    pattern: '\\d{11}',
    check: (id) =>
      isDay(n(id, 2, 4) % 20, n(id, 4, 6)) &&
      (10 - (weighted(id, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10 === last(id),
    near: ['pesel'],
    source: 'gov.pl',
    example: '44051401359',
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
    near: ['cpr', 'personnummer'],
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
    name: 'ee-lt-personal-code',
    pattern: '[1-8]\\d{10}',
    check: baltic,
    near: ['isikukood', 'asmens', 'personal code', 'ik:'],
    source: 'riigiteataja.ee; registrucentras.lt',
    example: '37605030299',
  },
  {
    name: 'ch-ahv',
    pattern: '756[.]?\\d{4}[.]?\\d{4}[.]?\\d{2}',
    check: (id) => (10 - (weighted(id, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]) % 10)) % 10 === last(id),
    source: 'zas.admin.ch',
    example: '756.9217.0769.85',
  },
  {
    name: 'at-svnr',
    pattern: '[1-9]\\d{3} ?\\d{6}',
    check: (id) => weighted(id, [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 === n(id, 3, 4),
    near: ['svnr', 'sozialversicherung', 'sv-nummer', 'versicherungsnummer'],
    source: 'sozialversicherung.at',
    example: '1237 010180',
  },
  {
    name: 'cz-birth-number',
    pattern: '\\d{6}/\\d{4}',
    check: (id) => isDay((n(id, 2, 4) % 50) % 20, n(id, 4, 6)) && Number(id) % 11 === 0,
    source: 'mvcr.cz; minv.sk',
    example: '710319/2745',
  },
  {
    name: 'ro-cnp',
    pattern: '[1-9]\\d{12}',
    check: (id) =>
      isDay(n(id, 3, 5), n(id, 5, 7)) &&
      (weighted(id, [2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11) % 10 === last(id),
    near: ['cnp', 'cod numeric'],
    source: 'depabd.mai.gov.ro',
    example: '1630615123457',
  },
  {
    name: 'bg-egn',
    pattern: '\\d{10}',
    check: (id) =>
      isDay(n(id, 2, 4) % 20, n(id, 4, 6)) &&
      (weighted(id, [2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11) % 10 === last(id),
    near: ['egn', 'егн'],
    source: 'grao.bg',
    example: '7523169263',
  },
  {
    name: 'gr-amka',
    pattern: '\\d{11}',
    check: (id) => isDay(n(id, 2, 4), n(id, 0, 2)) && luhn(id),
    near: ['amka', 'αμκα'],
    source: 'amka.gr',
    example: '01013099997',
  },
  {
    name: 'hr-oib',
    pattern: '\\d{11}',
    check: mod11of10,
    near: ['oib'],
    source: 'porezna-uprava.gov.hr',
    example: '33392005961',
  },
  {
    name: 'ie-pps',
    pattern: '\\d{7}[A-W][A-IW]?',
    check: irish,
    near: ['pps', 'ppsn'],
    source: 'gov.ie',
    example: '6433435F',
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
    pattern: '[2-9]\\d{3}([ -])\\d{4}\\1\\d{4}',
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
    pattern: `\\d{4}${sp}\\d{4}${sp}\\d{4}`,
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

/** Whether an IBAN's check digits hold; compact, upper case. */
export function ibanHolds(compact: string): boolean {
  return mod97(compact.slice(4) + compact.slice(0, 4)) === 1;
}
