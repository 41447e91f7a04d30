import { luhn, mod97 } from '../../masking/checksums.ts';
import type { Chance } from './chance.ts';

/** Issuers' first digits and lengths. */
const cards: readonly (readonly [string, number])[] = [
  ...(
    ['4', '51', '55', '2221', '2720', '6011', '65', '644', '3530', '3589', '6240', '2202', '6062'] as const
  ).map((prefix) => [prefix, 16] as const),
  ['4', 13],
  ['4', 19],
  ['34', 15],
  ['37', 15],
  ['3056', 14],
  ['36', 14],
  ['38', 14],
  ['6212', 19],
  ['5018', 16],
  ['6304', 16],
  ['6759', 16],
  ['50670', 16],
  ['9792', 16],
];
/** Accounts by country: runs of digits (d), letters (A) and both (U). */
const accounts =
  'DE d18|GB A4d14|FR d10U11d2|NL A4d10|ES d20|IT A1d10U12|CH d5U12|AT d16|BE d12|PL d24|SE d20|NO d11|DK d14|FI d14|IE A4d14|PT d21|CZ d20|RO A4U16|BG A4d6U8|LU d3U13|GR d7U16|TR d6U16|SA d2U18|AE d19|BR d23A1U1|MT A4d5U18|LV A4U13|EE d16|IL d19|UA d6U19';
const mailNames =
  "alice|bob.smith|j.doe+news|maria_luz|x|li-wei|o'brien|user123|a.b.c.d|1234567|TEST|первый".split('|');
const mailHosts =
  'example.com|mail.co.uk|sub.dept.uni-a.edu|gmail.com|x.io|corp.internal.example.org|xn--80a.xn--p1ai|foo-bar.museum|163.com|EXAMPLE.COM|почта.рф'.split(
    '|',
  );
const phones =
  '+14155552671|+1 415 555 2671|+1-415-555-2671|(212) 555-0187|212-555-0187|212.555.0187|1-800-555-0199|+44 20 7946 0958|+44 7911 123456|+447911123456|020 7946 0958|07911 123456|+33 1 23 45 67 89|01 23 45 67 89|06.12.34.56.78|+49 30 901820|+49 (0)30 901820|+4915123456789|030 901820|0151 23456789|+34 912 345 678|+39 06 1234 5678|+31 6 12345678|+41 44 668 18 00|+43 1 5131|+46 8 123 456 78|+48 22 123 45 67|+7 495 123-45-67|8 (495) 123-45-67|+81 3-1234-5678|090-1234-5678|+82 10-1234-5678|+86 138 1234 5678|138 1234 5678|+91 98765 43210|+61 2 9374 4000|0412 345 678|+55 11 98765-4321|(11) 98765-4321|+52 55 1234 5678|+27 82 123 4567|+972 54-123-4567|+90 532 123 45 67|+65 6123 4567|+353 1 234 5678|+351 912 345 678|+358 40 1234567|+380 44 123 4567|+62 812-3456-7890|+234 803 123 4567|+54 11 1234-5678|0044 20 7946 0958|001-415-555-2671|00491711234567'.split(
    '|',
  );
const addresses =
  '192.168.1.17|10.20.30.40|8.8.4.4|203.0.113.77|2001:db8:85a3::8a2e:370:7334|2001:0db8:85a3:0000:0000:8a2e:0370:7334|fe80::1ff:fe23:4567:890a|::ffff:192.0.2.128|2a00:1450:4001:81b::200e|fd12:3456:789a:1::1'.split(
    '|',
  );
const devices =
  '00:1b:44:11:3a:b7|00-1B-44-11-3A-B7|a4:83:e7:2f:9c:01|001b.4411.3ab7|F8:FF:C2:10:AA:3E'.split('|');
const wallets =
  '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa|3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy|bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq|0x52908400098527886E0F7030069857D2E4169EE7|0xde709f2102306220921060314715629080e2fb77|rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh|ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9|addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgse35a3x'.split(
    '|',
  );

function card({ pick, run }: Chance): string {
  const [prefix, length] = pick(cards);
  const body = prefix + run('d', length - 1 - prefix.length);
  return (
    '0123456789'
      .split('')
      .map((last) => body + last)
      .find(luhn) ?? ''
  );
}

function grouped(number: string, separator: string): string {
  const sizes = number.length < 16 && number.length > 13 ? [4, 6, 5] : [4, 4, 4, 4, 4];
  let at = 0;
  return sizes
    .map((size) => number.slice(at, (at += size)))
    .filter((group) => group !== '')
    .join(separator);
}

function iban({ pick, run }: Chance): string {
  const [country = '', shape = ''] = pick(accounts.split('|')).split(' ');
  const account = shape.replace(/([AdU])(\d+)/g, (_, kind: string, length: string) =>
    run(kind, Number(length)),
  );
  return country + String(98 - mod97(`${account}${country}00`)).padStart(2, '0') + account;
}

function ssn({ pick, run }: Chance): string {
  const area = pick(['001', '123', '219', '457', '536', '665', '733', '899']);
  return `${area}-${pick(['01', '22', '45', '99'])}-${run('d', 3)}${pick(['1', '5', '9'])}`;
}

/** Personal and payment data with a form of their own, made up: detector, how it is written, and the value. */
export const personalValues: readonly (readonly [string, string, (by: Chance) => string])[] = [
  ['payment-card', 'digits', card],
  ['payment-card', 'spaces', (by) => grouped(card(by), ' ')],
  ['payment-card', 'hyphens', (by) => grouped(card(by), '-')],
  ['iban', 'compact', iban],
  ['iban', 'spaces', (by) => iban(by).replace(/(.{4})(?=.)/g, '$1 ')],
  ['iban', 'small letters', (by) => iban(by).toLowerCase()],
  ['email', '', ({ pick }) => `${pick(mailNames)}@${pick(mailHosts)}`],
  ['us-ssn', '', ssn],
  [
    'us-itin',
    '',
    ({ pick, run }) => `9${run('d', 2)}-${pick(['50', '65', '70', '88', '90', '94'])}-${run('d', 4)}`,
  ],
  ['phone', '', ({ pick }) => pick(phones)],
  ['ip', '', ({ pick }) => pick(addresses)],
  ['mac', '', ({ pick }) => pick(devices)],
  ['crypto-wallet', '', ({ pick }) => pick(wallets)],
];
