import { isDay, luhn, weighted } from '../checksums.ts';
import { last, n, named, varied } from './national-id.ts';
import type { NationalId } from './national-id.ts';

function cpf(digits: string): boolean {
  const first = ((weighted(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10) % 11) % 10;
  const second = ((weighted(digits, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10) % 11) % 10;
  return varied(digits) && first === n(digits, 9, 10) && second === n(digits, 10, 11);
}

function mexican(curp: string): boolean {
  const alphabet = '0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ';
  let sum = 0;
  for (let i = 0; i < 17; i += 1) sum += alphabet.indexOf(curp.charAt(i)) * (18 - i);
  return (10 - (sum % 10)) % 10 === last(curp);
}

const chilean = (rut: string): boolean => {
  const body = rut.slice(0, -1).padStart(8, '0');
  return '0K987654321'[weighted(body, [3, 2, 7, 6, 5, 4, 3, 2]) % 11] === rut.at(-1);
};

const argentine = (id: string): boolean =>
  (11 - (weighted(id, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11 === last(id);

/** Registro Federal de Contribuyentes of a person: letters, a date, and a check digit over all. */
function mexicanTax(rfc: string): boolean {
  const alphabet = '0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ';
  let sum = 0;
  for (let i = 0; i < 12; i += 1) sum += alphabet.indexOf(rfc.charAt(i)) * (13 - i);
  return isDay(n(rfc, 6, 8), n(rfc, 8, 10)) && '0123456789A'[(11 - (sum % 11)) % 11] === rfc[12];
}

/** Documento de identidad of a Colombian: a check digit that only companies write. */
const colombian = (nit: string): boolean => {
  const body = nit.slice(0, -1).padStart(15, '0');
  const rest = weighted(body, [71, 67, 59, 53, 47, 43, 41, 37, 29, 23, 19, 17, 13, 7, 3]) % 11;
  return (rest < 2 ? rest : 11 - rest) === last(nit);
};

const ecuadorian = (id: string): boolean => {
  const province = n(id, 0, 2);
  return ((province >= 1 && province <= 24) || province === 30) && luhn(id);
};

const uruguayan = (id: string): boolean =>
  (10 - (weighted(id.padStart(8, '0'), [2, 9, 8, 7, 6, 3, 4]) % 10)) % 10 === last(id);

const pis = (digits: string): boolean =>
  ((11 - (weighted(digits, [3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11) % 10 === last(digits);

/** Identity, tax and insurance numbers of persons in Latin America. */
export const latinAmericanIds: readonly NationalId[] = [
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
    near: ['cpf', 'cadastro de pessoas'],
    source: 'gov.br/receitafederal',
    example: '52998224725',
  },
  {
    name: 'ar-cuil',
    pattern: '(?:20|23|24|27|30|33|34)-\\d{8}-\\d',
    check: argentine,
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
  named(
    'ar-cuil',
    '(?:20|23|24|25|26|27|30|33|34)[ -]?\\d{8}[ -]?\\d',
    ['cuit', 'cuil', 'tributaria'],
    '20123456786',
    'anses.gob.ar',
    argentine,
  ),
  named(
    'ar-dni',
    '\\d{1,2}\\.\\d{3}\\.\\d{3}|\\d{7,8}',
    ['dni', 'documento nacional'],
    '20.123.456',
    'argentina.gob.ar/interior/renaper',
  ),
  named(
    'bo-ci',
    '\\d{6,8}(?:-\\d[A-Z])?',
    ['cedula de identidad', 'cédula de identidad', 'carnet de identidad'],
    '4868375',
    'segip.gob.bo',
  ),
  {
    name: 'br-pis',
    pattern: '\\d{3}\\.\\d{5}\\.\\d{2}-\\d',
    check: pis,
    source: 'caixa.gov.br',
    example: '120.54789.01-3',
  },
  named('br-pis', '\\d{11}', ['pis', 'pasep', 'nis'], '12054789013', 'caixa.gov.br', pis),
  named('br-cnh', '\\d{11}', ['cnh', 'habilitação', 'habilitacao'], '02650306461', 'gov.br/senatran'),
  named(
    'br-rg',
    '\\d{1,2}\\.\\d{3}\\.\\d{3}-[\\dX]|\\d{8}-?[\\dX]',
    ['rg:', 'rg ', 'registro geral'],
    '24.678.131-4',
    'gov.br',
  ),
  named(
    'cl-rut',
    '\\d{7,8}-?[\\dKk]',
    ['rut', 'run:', 'run ', 'rol único', 'rol unico'],
    '123456785',
    'registrocivil.cl',
    chilean,
  ),
  named(
    'co-cedula',
    '\\d{1,3}(?:\\.\\d{3}){2,3}-\\d|\\d{8,10}-?\\d',
    ['nit', 'identificación tributaria', 'identificacion tributaria', 'colombian'],
    '213.123.432-1',
    'dian.gov.co',
    colombian,
  ),
  named(
    'co-cedula',
    '\\d{1,3}(?:\\.\\d{3}){2,3}|\\d{6,10}',
    ['cedula', 'cédula', 'c.c.'],
    '1.020.304.050',
    'registraduria.gov.co',
  ),
  named(
    'cr-cedula',
    '\\d-\\d{4}-\\d{4}|0?[1-9]\\d{8}',
    ['cedula', 'cédula', 'cpf', 'persona física', 'costa rica'],
    '3-0455-0175',
    'tse.go.cr',
  ),
  named(
    'cr-cedula',
    '[15]\\d{10,11}',
    ['dimex', 'residencia', 'cédula', 'cedula', 'costa rica', 'cr:'],
    '155812994816',
    'migracion.go.cr',
  ),
  named(
    'cu-ni',
    '\\d{11}',
    ['carnet', 'carné', 'identidad', 'cuban'],
    '91021027775',
    'gacetaoficial.gob.cu',
    (id) => isDay(n(id, 2, 4), n(id, 4, 6)),
  ),
  {
    name: 'do-cedula',
    pattern: '\\d{3}-\\d{7}-\\d',
    check: luhn,
    source: 'jce.gob.do',
    example: '001-1391820-5',
  },
  named('do-cedula', '\\d{11}', ['cedula', 'cédula', 'dominican'], '00113918205', 'jce.gob.do', luhn),
  named(
    'ec-ci',
    '\\d{9}-?\\d',
    ['cedula', 'cédula', 'ci:', 'c.i.', 'ecuador', 'identidad'],
    '171430710-3',
    'registrocivil.gob.ec',
    ecuadorian,
  ),
  named(
    'gt-cui',
    '\\d{4}[ -]?\\d{5}[ -]?\\d{4}',
    ['dpi', 'cui', 'identificación'],
    '2530 12345 0101',
    'renap.gob.gt',
  ),
  {
    name: 'mx-rfc',
    pattern: '[A-ZÑ&]{4}[ -]?\\d{6}[ -]?[A-Z0-9]{2}[0-9A]',
    check: mexicanTax,
    source: 'sat.gob.mx',
    example: 'GODE561231GR8',
  },
  named(
    'mx-rfc',
    '[A-ZÑ&]{3,4}[ -]?\\d{6}(?:[ -]?[A-Z0-9]{3})?',
    ['rfc', 'contribuyente'],
    'VACE-460910-SX6',
    'sat.gob.mx',
    (id) => isDay(n(id.replace(/^\D+/, ''), 2, 4), n(id.replace(/^\D+/, ''), 4, 6)),
  ),
  named(
    'mx-nss',
    '\\d{11}|\\d{2}-\\d{2}-\\d{2}-\\d{4}-\\d',
    ['nss', 'imss', 'seguro social', 'seguridad social'],
    '12345678903',
    'imss.gob.mx',
  ),
  named(
    'pe-dni',
    '\\d{8}(?:-?[0-9A-K])?',
    ['dni', 'cui', 'identidad', 'reniec'],
    '10117410',
    'reniec.gob.pe',
  ),
  {
    name: 'sv-nit',
    pattern: '\\d{4}-\\d{6}-\\d{3}-\\d',
    check: (id) => isDay(n(id, 6, 8), n(id, 4, 6)),
    source: 'mh.gob.sv',
    example: '0614-050707-104-8',
  },
  named(
    'sv-nit',
    '\\d{4}-?\\d{6}-?\\d{3}-?\\d|\\d{8}-\\d',
    ['nit', 'dui', 'identificación tributaria'],
    '06140507071048',
    'mh.gob.sv',
  ),
  {
    name: 'uy-ci',
    pattern: '\\d\\.\\d{3}\\.\\d{3}-\\d',
    check: uruguayan,
    source: 'gub.uy/dnic',
    example: '1.234.567-2',
  },
  named(
    've-cedula',
    '[VE]-? ?\\d{6,9}(?:-?\\d)?|[VE]-? ?\\d{1,2}\\.\\d{3}\\.\\d{3}|[JPG]-?\\d{8}-?\\d',
    ['rif', 'cédula', 'cedula', 'registro de identificación', 'venezuela', 'registro de información'],
    'V-11470283-4',
    'seniat.gob.ve',
  ),
];
