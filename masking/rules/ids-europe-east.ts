import { isDay, luhn, mod11of10, weighted } from '../checksums.ts';
import { anything, last, n, named } from './national-id.ts';
import type { NationalId } from './national-id.ts';

function baltic(digits: string): boolean {
  let rest = weighted(digits, [1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
  if (rest === 10) rest = (weighted(digits, [3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11) % 10;
  return isDay(n(digits, 3, 5), n(digits, 5, 7)) && rest === last(digits);
}

/** Unique citizen's number of the states that were Yugoslavia. */
const yugoslav = (id: string): boolean =>
  isDay(n(id, 2, 4), n(id, 0, 2)) &&
  ((11 - (weighted(id, [7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11) % 10 === last(id);

const latvian = (id: string): boolean =>
  id.startsWith('3') || isDay(n(id, 2, 4), n(id, 0, 2))
    ? ((1_101 - weighted(id, [1, 6, 3, 7, 9, 10, 5, 8, 4, 2])) % 11) % 10 === last(id)
    : false;

/** Insurance number of an account of a person in Russia. */
function russianInsurance(id: string): boolean {
  const rest = weighted(id, [9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101;
  return (rest === 100 ? 0 : rest) === n(id, 9, 11);
}

/** Taxpayer's number of a person (twelve digits, two of them check digits) or a company (ten). */
function russianTax(id: string): boolean {
  const check = (weights: readonly number[]): number => (weighted(id, weights) % 11) % 10;
  if (id.length === 10) return check([2, 4, 10, 3, 5, 9, 4, 6, 8]) === last(id);
  return (
    check([7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) === n(id, 10, 11) &&
    check([3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) === last(id)
  );
}

const ukrainian = (id: string): boolean =>
  (weighted(id, [-1, 5, 7, 9, 4, 6, 10, 5, 7]) % 11) % 10 === last(id);

const hungarianTax = (id: string): boolean => weighted(id, [1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 === last(id);

/** Polish identity card: letters count from ten, the first digit checks the others. */
function polishCard(id: string): boolean {
  let sum = 0;
  for (let i = 0; i < 9; i += 1)
    sum += Number.parseInt(id.charAt(i), 36) * ([7, 3, 1, 9, 7, 3, 1, 7, 3][i] ?? 0);
  return sum % 10 === 0;
}

/** Identity, tax and insurance numbers of persons in the east and south-east of Europe. */
export const eastEuropeanIds: readonly NationalId[] = [
  {
    name: 'pl-pesel',
    pattern: '\\d{11}',
    check: (id) =>
      isDay(n(id, 2, 4) % 20, n(id, 4, 6)) &&
      (10 - (weighted(id, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10 === last(id),
    near: ['pesel', 'polish national'],
    source: 'gov.pl',
    example: '44051401359',
  },
  {
    name: 'ee-lt-personal-code',
    pattern: '[1-8]\\d{10}',
    check: baltic,
    near: [
      'isikukood',
      'asmens',
      'personal code',
      'ik:',
      'personal number',
      'estonian',
      'lithuanian',
      'identity code',
    ],
    source: 'riigiteataja.ee; registrucentras.lt',
    example: '37605030299',
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
    near: ['cnp', 'cod numeric', 'personal numeric', 'numerical personal'],
    source: 'depabd.mai.gov.ro',
    example: '1630615123457',
  },
  {
    name: 'bg-egn',
    pattern: '\\d{6} ?\\d{3} ?\\d',
    check: (id) =>
      isDay(n(id, 2, 4) % 20, n(id, 4, 6)) &&
      (weighted(id, [2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11) % 10 === last(id),
    near: ['egn', 'егн', 'bulgarian personal', 'граждански'],
    source: 'grao.bg',
    example: '7523169263',
  },
  {
    name: 'gr-amka',
    pattern: '\\d{11}',
    check: (id) => isDay(n(id, 2, 4), n(id, 0, 2)) && luhn(id),
    near: ['amka', 'αμκα', 'greek social', 'ασφάλισης'],
    source: 'amka.gr',
    example: '01013099997',
  },
  {
    name: 'hr-oib',
    pattern: '\\d{11}',
    check: mod11of10,
    near: ['oib', 'osobni', 'croatian'],
    source: 'porezna-uprava.gov.hr',
    example: '33392005961',
  },
  named(
    'bg-lnch',
    '\\d{4} ?\\d{3} ?\\d{3}',
    ['lnch', 'лнч', 'pnf', 'foreigner', 'чужденец'],
    '7111 042 925',
    'mvr.bg',
    (id) => weighted(id, [21, 19, 17, 13, 11, 9, 7, 3, 1]) % 10 === last(id),
  ),
  {
    name: 'by-personal-number',
    pattern: '[1-6]\\d{6}[ABCHKEM]\\d{3}[A-Z]{2}\\d',
    check: anything,
    source: 'pravo.by',
    example: '3101085A001PB5',
  },
  named(
    'cz-birth-number',
    '\\d{9,10}|\\d{6}/\\d{3}',
    ['rodne', 'rodné', 'rč:', 'rč ', 'birth number', 'tax', 'dič'],
    '9911231123',
    'mvcr.cz; minv.sk',
    (id) => isDay((n(id, 2, 4) % 50) % 20, n(id, 4, 6)),
  ),
  named(
    'gr-afm',
    '\\d{9}',
    ['afm', 'αφμ', 'φορολογικού', 'tax'],
    '094259216',
    'aade.gr',
    (id) => (weighted(id, [256, 128, 64, 32, 16, 8, 4, 2]) % 11) % 10 === last(id),
  ),
  named(
    'hu-tax-id',
    '8\\d{9}',
    ['adoazonosito', 'adóazonosító', 'adóazon', 'tax'],
    '8071592153',
    'nav.gov.hu',
    hungarianTax,
  ),
  named(
    'hu-taj',
    '\\d{3}[ -]?\\d{3}[ -]?\\d{3}',
    ['taj', 'társadalombiztosítás'],
    '111 111 110',
    'neak.gov.hu',
    (id) => weighted(id, [3, 7, 3, 7, 3, 7, 3, 7]) % 10 === last(id),
  ),
  {
    name: 'lv-personal-code',
    pattern: '(?:[0-3]\\d[01]\\d{3}|32\\d{4})-\\d{5}',
    check: latvian,
    source: 'pmlp.gov.lv',
    example: '161175-19997',
  },
  named(
    'lv-personal-code',
    '\\d{6}-?\\d{5}',
    ['personas kods', 'latvia', 'tax', 'personal code'],
    '16117519997',
    'pmlp.gov.lv',
    latvian,
  ),
  named(
    'pl-nip',
    '\\d{3}-?\\d{3}-?\\d{2}-?\\d{2}|\\d{3}-\\d{2}-\\d{2}-\\d{3}',
    ['nip', 'podatk'],
    '856-734-62-15',
    'podatki.gov.pl',
    (id) => weighted(id, [6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 === last(id),
  ),
  named(
    'pl-id-card',
    '[A-Z]{3} ?\\d{6}',
    ['dowod', 'dowód', 'identity card', 'id card'],
    'ABA300000',
    'gov.pl',
    polishCard,
  ),
  named(
    'ru-inn',
    '\\d{12}|\\d{10}',
    ['inn', 'инн', 'налогоплательщика', 'russian tax'],
    '500100732259',
    'nalog.gov.ru',
    russianTax,
  ),
  {
    name: 'ru-snils',
    pattern: '\\d{3}-\\d{3}-\\d{3}[ -]\\d{2}',
    check: russianInsurance,
    source: 'sfr.gov.ru',
    example: '112-233-445 95',
  },
  named('ru-snils', '\\d{11}', ['snils', 'снилс'], '11223344595', 'sfr.gov.ru', russianInsurance),
  named(
    'ru-passport',
    '\\d{2} ?\\d{2} ?(?:№ ?)?\\d{6}',
    ['russian passport', 'паспорт'],
    '45 08 123456',
    'мвд.рф',
  ),
  named(
    'yu-jmbg',
    '\\d{13}',
    [
      'emso',
      'emšo',
      'jmbg',
      'јмбг',
      'matična',
      'maticna',
      'матичен',
      'матични',
      'master citizen',
      'citizen number',
    ],
    '0101006500006',
    'stat.si; paragraf.rs',
    yugoslav,
  ),
  named(
    'si-tax-id',
    '[1-9]\\d{7}',
    ['davcna', 'davčna', 'slovenian tax', 'tin'],
    '15012557',
    'fu.gov.si',
    (id) => ((11 - (weighted(id, [8, 7, 6, 5, 4, 3, 2]) % 11)) % 11) % 10 === last(id),
  ),
  named(
    'ua-rnokpp',
    '\\d{2} ?\\d{2} ?\\d{2} ?\\d{2} ?\\d{2}',
    ['rnokpp', 'рнокпп', 'іпн', 'rntrc', 'ukrain', 'taxpayer'],
    '1759013776',
    'tax.gov.ua',
    ukrainian,
  ),
];
