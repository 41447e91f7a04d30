import type { Span } from '../span.ts';

/** Digits alone, with a few letters around them or among them, as numbers of documents are made. */
const document =
  /[A-Z]{4}\d{14}(?![0-9A-Za-z])|[A-Z]\d{3}-\d{4}-\d{4}(?![0-9A-Za-z])|[A-Z]\d{12,14}(?![0-9A-Za-z])|[A-Z]{0,3}\d{5,9}[A-Z]?(?![0-9A-Za-z])|\d{10,22}(?![0-9A-Za-z])|(?=(?:[A-Z]{0,6}\d){3})[A-Z0-9]{8,11}(?![0-9A-Za-z])/y;
/** The same, or in groups of at least seven digits. */
const grouped = new RegExp(
  `${document.source}|(?=(?:\\D?\\d){7})\\d{1,8}(?:[ ./-]\\d{1,8}){1,7}(?:[ -]?[0-9A-Z])?(?![0-9A-Za-z]|[:.]\\d)`,
  'y',
);
/** A vehicle's 17 characters (ISO 3779), or a plate. */
const vehicle =
  /(?=[A-Z]{0,16}\d)[A-HJ-NPR-Z0-9]{17}(?![0-9A-Za-z])|(?=[A-Z -]{0,6}\d)[A-Z0-9]{1,4}(?:[ -]?[A-Z0-9]{1,4}){1,3}(?![0-9A-Za-z])/y;

/** What only numbers of persons are called: behind these names any number is one, whatever its check digit says. */
const personNames: readonly string[] = [
  ...'aadhaar|aadhar|adóazonosító|adoazonosito|afm|ahv|amka|asmens|bsn|burgerservice|cccd|cmnd|cnic|cnp|cod numeric'.split(
    '|',
  ),
  ...'codice fiscale|cpf|cuil|cuit|curp|davčna|davcna|dea number|dič|dni|egn|emirates id|emso|emšo|fodsels|fødsels'.split(
    '|',
  ),
  ...'henkilötunnus|henkilotunnus|hetu|insz|iqama|ird number|isikukood|jmbg|kennitala|kimlik|ktp|matricule|mbi'.split(
    '|',
  ),
  ...'medicare|my number|mykad|national insurance|nhs number|nif|nino|nip|nir|niss|npi|npwp|nric|nuss|oib|pan number'.split(
    '|',
  ),
  ...'personas kods|personnummer|pesel|pps|ppsn|provider identifier|registre national|rentenversicherung'.split(
    '|',
  ),
  ...'rijksregister|rodne|rodné|rrn|samordning|seguridad social|sécurité sociale|securite sociale|snils'.split(
    '|',
  ),
  ...'sozialversicherung|steuer id|steueridentifikation|steuernummer|svnr|taj|tckn|teudat|tfn|utr|voter id|zehut'.split(
    '|',
  ),
  ...'егн|инн|снилс|рнокпп|αφμ|αμκα|身份证|個人番号|マイナンバー'.split('|'),
];

/** Words for a document, as people and programs write them; the first that fits names the number. */
const kinds: readonly (readonly [string, RegExp, readonly string[]])[] = [
  [
    'passport',
    document,
    [
      'passport',
      'reisepass',
      'passeport',
      'pasaporte',
      'passaporto',
      'paspoort',
      'pass-nr',
      'travel document',
      'паспорт',
      '여권번호',
      '护照号',
      '護照號',
    ],
  ],
  [
    'bank-account',
    grouped,
    [
      'routing number',
      'routing no',
      'routing transport',
      'aba number',
      'aba routing',
      'account number',
      'account no',
      'acct',
      'bank account',
      'kontonummer',
      'konto nr',
      'bankverbindung',
      'clabe',
      'cbu:',
      'cbu ',
      'clave bancaria',
      'cuenta',
      'sort code',
      'bsb',
      'rekening',
    ],
  ],
  [
    'driver-license',
    document,
    [
      'driver license',
      "driver's license",
      "driver's licence",
      'driver s license',
      'drivers license',
      'driving license',
      'driving licence',
      'driver licence',
      'license number',
      'licence number',
      'führerschein',
      'permis de conduire',
      'licencia de conducir',
    ],
  ],
  ['device-id', grouped, ['imei', 'imsi', 'meid', 'iccid']],
  [
    'vehicle-id',
    vehicle,
    [
      'vin:',
      'vin ',
      'vehicle identification',
      'chassis',
      'fahrgestell',
      'license plate',
      'licence plate',
      'number plate',
      'plate number',
      'registration plate',
      'plates:',
      'plaka',
      'car reg',
      'vehicle registration',
      'registration number is',
      'kennzeichen',
      'immatriculation',
    ],
  ],
  [
    'health-id',
    grouped,
    [
      'mrn',
      'medical record',
      'patient id',
      'patient number',
      'patient no',
      'health insurance',
      'health plan',
      'health card',
      'insurance number',
      'versichertennummer',
      'egk nummer',
    ],
  ],
  [
    'us-ssn',
    grouped,
    [
      'taxpayer id',
      'tax id',
      'taxpayer identification',
      'tax identification',
      'tax number',
      'tax no',
      'tax file',
      'tax reference',
      'tin',
    ],
  ],
  [
    'national-id',
    grouped,
    [
      'national id',
      'national number',
      'identity card',
      'identity number',
      'identity no',
      'identity nr',
      'identity code',
      'id card',
      'personal id',
      'personal identification',
      'identification number',
      'identification no',
      'identificación',
      'personal number',
      'personal code',
      'citizen id',
      'citizen number',
      'citizen card',
      'resident id',
      'resident number',
      'refugee id',
      'tnin',
      'frn is',
      'social insurance',
      'documento nacional',
      ...personNames,
      'cédula',
      'cedula',
    ],
  ],
];

/** What stands behind a document's word: its detector and its form. */
export interface DocumentKind {
  readonly detector: string;
  readonly match: RegExp;
}

/** The words and what they announce. @param enabled whether a detector is on in this profile */
export const documentWords = (enabled: (detector: string) => boolean): [string, DocumentKind][] =>
  kinds
    .filter(([detector]) => enabled(detector))
    .flatMap(([detector, match, words]) => {
      const kind = { detector, match };
      return words.map((word): [string, DocumentKind] => [word, kind]);
    });

/** Numbers of passports, licences, accounts, devices and the like, whose words stand ahead. @returns end, or `at` */
export function findDocument(
  text: string,
  at: number,
  announced: readonly DocumentKind[],
  out: Span[],
): number {
  for (const { detector, match } of announced) {
    match.lastIndex = at;
    if (!match.test(text)) continue;
    out.push({ start: at, end: match.lastIndex, detector, confidence: 0.75 });
    return match.lastIndex;
  }
  return at;
}
