import { isDay, weighted } from '../checksums.ts';
import { last, n, named, varied } from './national-id.ts';
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

/** Identity, tax and insurance numbers of persons in the west and south of Europe. */
export const westEuropeanIds: readonly NationalId[] = [
  {
    name: 'fr-nir',
    pattern: `[1-478] ?\\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\\d) ?(?:\\d{2}|2[AB]) ?\\d{3} ?\\d{3} ?\\d{2}`,
    check: (id) =>
      97 - Number(BigInt(id.slice(0, 13).replace('2A', '19').replace('2B', '18')) % 97n) === n(id, 13, 15),
    source: 'legifrance.gouv.fr R161-1',
    example: '2 55 08 14 168 025 38',
  },
  {
    name: 'it-fiscal-code',
    pattern: '[A-Z]{3} ?[A-Z]{3} ?[\\dLMNP-V]{2}[ABCDEHLMPRST][\\dLMNP-V]{2} ?[A-Z][\\dLMNP-V]{3} ?[A-Z]',
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
    near: ['nif', 'contribuinte', 'fiscal', 'portug'],
    source: 'portaldasfinancas.gov.pt',
    example: '123456789',
  },
  {
    name: 'nl-bsn',
    pattern: '\\d{9}|\\d{4}\\.\\d{2}\\.\\d{3}|\\d{3}[ .]\\d{3}[ .]\\d{3}|\\d{4} \\d{2} \\d{3}',
    check: (id) => varied(id) && (weighted(id, [9, 8, 7, 6, 5, 4, 3, 2]) - last(id)) % 11 === 0,
    near: ['bsn', 'burgerservice', 'sofi', 'dutch citizen'],
    source: 'rvig.nl',
    example: '111222333',
  },
  {
    name: 'be-national-number',
    pattern: '\\d{2}[.]?\\d{2}[.]?\\d{2}[-]?\\d{3}[. ]?\\d{2}',
    check: (id) =>
      isDay(n(id, 2, 4) % 20, Math.max(1, n(id, 4, 6))) &&
      (97 - (n(id, 0, 9) % 97) === n(id, 9, 11) ||
        97 - ((2_000_000_000 + n(id, 0, 9)) % 97) === n(id, 9, 11)),
    source: 'ibz.rrn.fgov.be',
    example: '85.07.30-033.28',
  },
  {
    name: 'ch-ahv',
    pattern: '756[.]?\\d{4}[.]?\\d{4}[.]?\\d{2}',
    check: (id) => (10 - (weighted(id, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]) % 10)) % 10 === last(id),
    source: 'zas.admin.ch',
    example: '756.9217.0769.85',
  },
  named(
    'be-national-number',
    '\\d{2}[. ]?\\d{2}[. ]?\\d{2}[ -]?\\d{3}[. ]?\\d{2}',
    [
      'niss',
      'insz',
      'rijksregister',
      'registre national',
      'national',
      'rrn',
      'social security',
      'bis',
      'nn:',
      'nn ',
    ],
    '98 47 28 997 65',
    'ibz.rrn.fgov.be',
  ),
  {
    name: 'be-eid',
    pattern: '\\d{3}-\\d{7}-\\d{2}',
    check: (id) => (n(id, 0, 10) % 97 || 97) === n(id, 10, 12),
    source: 'eid.belgium.be',
    example: '591-1917064-58',
  },
  named(
    'be-eid',
    '\\d{12}',
    ['eid', 'identity card', 'identiteitskaart', "carte d'identité"],
    '591191706458',
    'eid.belgium.be',
    (id) => (n(id, 0, 10) % 97 || 97) === n(id, 10, 12),
  ),
  named(
    'es-dni',
    '\\d{2}\\.\\d{3}\\.\\d{3}-?[A-Z]|[KLMX]-?\\d{7}-?[A-Z]|\\d{8}-?[A-Z]',
    ['dni', 'nif', 'nie:', 'identidad'],
    '12.345.678-Z',
    'interior.gob.es',
  ),
  named(
    'es-nie',
    '[XYZxyz]-?\\d{7,8}-?[A-Za-z]',
    ['nie', 'extranjero', 'nif', 'identidad', 'foreigner'],
    'X-1234567-L',
    'interior.gob.es',
  ),
  named(
    'es-nuss',
    '\\d{2}[ /-]?\\d{8}[ /-]?\\d{2}',
    ['seguridad social', 'nuss', 'naf'],
    '28 12345678 40',
    'seg-social.es',
  ),
  named(
    'fr-spi',
    '[0-3]\\d ?\\d{2} ?\\d{3} ?\\d{3} ?\\d{3}',
    ['spi', 'fiscal', 'nif', 'french tax', 'tax'],
    '30 23 217 600 053',
    'impots.gouv.fr',
    (id) => n(id, 0, 10) % 511 === n(id, 10, 13),
  ),
  named(
    'fr-cni',
    '\\d{12}|[A-Z0-9]{9}',
    ['cni', "carte d'identité", "carte nationale d'identité", "carte d'identite"],
    '880692310285',
    'service-public.fr',
    (id) => (id.match(/\d/g) ?? []).length >= 4,
  ),
  named(
    'it-id-card',
    'C[A-Z]\\d{5}[A-Z]{2}|[A-Z]{2} ?\\d{7}',
    ["carta d'identit", 'carta di identit', 'identity card', 'id card', 'cie '],
    'CA79382RA',
    'cartaidentita.interno.gov.it',
  ),
  named('li-peid', '\\d{6,12}', ['peid', 'liechtenstein'], '00001234567', 'llv.li'),
  named(
    'lu-matricule',
    '(?:1[89]|20)\\d{2} ?\\d{4} ?\\d{3} ?\\d{2}',
    ['matricule', 'luxemb', 'cns'],
    '1893120105732',
    'guichet.lu',
    (id) => isDay(n(id, 4, 6), n(id, 6, 8)),
  ),
  named(
    'nl-bsn',
    '\\d{9}|\\d{4}\\.\\d{2}\\.\\d{3}',
    ['onderwijsnummer', 'onderwijs'],
    '1012.22.331',
    'duo.nl',
  ),
  named(
    'nl-document',
    '[A-NP-Z]{2} ?[A-NP-Z0-9]{6} ?\\d',
    ['identiteitskaart', 'paspoort', 'rijbewijs', 'document number', 'documentnummer', 'dutch passport'],
    'XR1001R58',
    'rvig.nl',
    (id) => (id.match(/\d/g) ?? []).length >= 3,
  ),
  named(
    'pt-cc',
    '\\d{8}[ -]?\\d ?[A-Z0-9]{2}\\d',
    [
      'cartao de cidadao',
      'cartão de cidadão',
      'cc',
      'citizen card',
      'portuguese identity',
      'bilhete de identidade',
    ],
    '00000000 0 ZZ4',
    'autenticacao.gov.pt',
  ),
  named(
    'pt-niss',
    '[12]\\d{10}',
    ['niss', 'segurança social', 'seguranca social'],
    '12345678901',
    'seg-social.pt',
  ),
];
