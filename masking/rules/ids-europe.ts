import { isDay, luhn, mod11of10, weighted } from '../checksums.ts';
import { n, last, anything, varied } from './national-id.ts';
import type { NationalId } from './national-id.ts';

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

const dniLetters = 'TRWAGMYFPDXBNJZSQVHLCKE';

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

const irish = (pps: string): boolean => {
  const sum = weighted(pps, [8, 7, 6, 5, 4, 3, 2]) + (pps.length > 8 ? (pps.charCodeAt(8) - 64) * 9 : 0);
  return 'WABCDEFGHIJKLMNOPQRSTUV'[sum % 23] === pps[7];
};

/** Identity, tax and insurance numbers of persons in Europe. */
export const europeanIds: readonly NationalId[] = [
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
];
