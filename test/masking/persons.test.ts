/** Numbers of people, cards and devices as people, programs and tables write them; and numbers of things, which stay. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { createWordIndex } from '../../masking/detect/word-index.ts';
import { nationalIds } from '../../masking/rules/national-ids.ts';

const masker = createMaskingEngine(defaultMaskingConfig).masker('default');

/** The texts of `cases` in which a value is left. */
function leftOf(cases: readonly (readonly [string, string])[]): string[] {
  return cases.flatMap(([text, value]) => {
    const masked = masker.text(text).text;
    return masked.includes(value) ? [`${value} left in ${masked}`] : [];
  });
}

function touchedOf(texts: readonly string[]): string[] {
  return texts.map((text) => masker.text(text).text).filter((masked, at) => masked !== texts[at]);
}

const numbers: readonly (readonly [string, string])[] = [
  ['CUIT', '20055361682'],
  ['Cédula de Ciudadanía', '1020304050'],
  ['Tax File Number', '123456782'],
  ['Personal Public Service Number', '6433435F'],
  ['Kennitala', '1201743399'],
  ['Unique Taxpayer Reference', '1955839661'],
  ['Voter ID', 'WKH1186253'],
  ['CNIC', '3420108912318'],
  ['Steuernummer', '181/815/08155'],
  ['NPI', '1234567893'],
  ['EMŠO', '0101006500006'],
  ['MRN', '00987654'],
  ['IMEI', '354178036859789'],
];

test('a number is known by what it is called: as a key, in a sentence, in a form, at the head of a column', () => {
  const ways: readonly ((name: string, value: string) => string)[] = [
    (name, value) => `My ${name} is ${value}.`,
    (name, value) => `Name: Web\n${name}: ${value}\nStatus: ok\n`,
    (name, value) => JSON.stringify({ [name.replaceAll(' ', '_').toLowerCase()]: value, n: 1 }),
    (name, value) =>
      JSON.stringify({ text: JSON.stringify({ rows: [{ [name.replaceAll(' ', '')]: value }] }) }),
    (name, value) => `id,name,${name.replaceAll(' ', '_')}\n1,Web,${value}\n2,Api,\n`,
    (name, value) => `| id | ${name} |\n|---|---|\n| 1 | ${value} |\n`,
    (name, value) => ` id | ${name} | ok \n----+-----+----\n  1 | ${value} | t\n(1 row)\n`,
  ];
  assert.deepEqual(
    leftOf(numbers.flatMap(([name, value]) => ways.map((way) => [way(name, value), value] as const))),
    [],
  );
});

test('behind a name that only numbers of persons have, a wrong check digit hides nobody less', () => {
  assert.deepEqual(
    leftOf([
      ['AMKA: 00010100017', '00010100017'],
      ['My PESEL is 12345678903.', '12345678903'],
      ['EMŠO 01.01.006.50.000.6', '006.50'],
      ['Davčna številka 98765432', '98765432'],
      ['TFN 346-614-101', '614-101'],
    ]),
    [],
  );
});

test('the same digits without their name are nobody', () => {
  assert.deepEqual(
    touchedOf(
      numbers.filter(([, value]) => /^\d+$/.test(value)).map(([, value]) => `processed ${value} in 3 ms`),
    ),
    [],
  );
});

test('every identity number has an example that its own form and check digit accept', () => {
  const wrong = nationalIds.filter((id) => {
    const compact = id.example.replace(/[ ./()[\]-]/g, '').toUpperCase();
    return (
      !new RegExp(`^(?:${id.pattern})$`).test(id.example) || !(id.check(compact) || id.check(id.example))
    );
  });
  assert.deepEqual(
    wrong.map((id) => id.name),
    [],
  );
});

test('words are found written together, apart and in names, and not within other words', () => {
  const index = createWordIndex([
    ['tax file', 1],
    ['sin', 2],
    ['identity no', 3],
  ]);
  const found = (text: string): readonly number[] => index.in(text, 0, text.length);
  for (const text of ['tax file', 'Tax-File number', 'taxFileNumber', 'TAX_FILE'])
    assert.deepEqual(found(text), [1]);
  assert.deepEqual(found('my sin, userSin and a tax file'), [1, 2]);
  assert.deepEqual(found('using basins, identity not set, a tax filed [masked:ca-sin]'), []);
  assert.deepEqual(index.in('sin', 1, 3), []);
});

test('cards of all ranges, embossed or spoken of, are hidden', () => {
  assert.deepEqual(
    leftOf([
      ['charged 6703444444444449 today', '6703444444444449'],
      ['charged 5895 6200 0000 0002 today', '0000 0002'],
      ['charged 3088-0000-0000-0017 today', '3088-0000'],
      ['charged 5066991111111118 today', '5066991111111118'],
      ['my credit card number is 1234 5678 9012 3456', '9012 3456'],
      ['Kreditkarte 4111 1111 1111 1112', '1111 1112'],
      ['{"card":"6799 9989 0000 0099 990"}', '0000 0099'],
    ]),
    [],
  );
});

test('addresses with a quoted name or in brackets, and accounts with a space behind the country, are hidden', () => {
  assert.deepEqual(
    leftOf([
      ['write to "john doe"@example.com today', 'john doe'],
      ['write to bob@[192.0.2.17] today', 'bob@'],
      ['write to bob@my_shop.example.com today', 'bob@'],
      ['pay to ES 58 0049 0290 3424 1352 8341 today', '0049 0290'],
      ['licence MORGA 753116 SM9IJ 35 seen', '753116'],
    ]),
    [],
  );
});

test('the nearest word says what a number is', () => {
  assert.deepEqual(
    leftOf([
      ['The customer gave the phone number 0523803765, which we verified.', '0523803765'],
      ['order 17: call mobile 5551234567 first', '5551234567'],
      ['Phone:\n5551234567\n', '5551234567'],
      ['{"contact_number":"62889"}', '62889'],
    ]),
    [],
  );
  assert.deepEqual(
    touchedOf([
      'My CUSIP number is 465898682.',
      'call 1 (flags = 00000004, progress = 3)',
      'Retry of call 3 (#65738)\n1024536 Add retry',
      'phoneId=1\n03-17 16:15:51.192  2626  2643 D PhoneInterface',
      'Part number: 555-123-4567-A, job 845-749-396, ticket 289 151 730',
      '{"order_number":"555-123-4567","product_id":4202186613137,"barcode":"4907308687690"}',
      'lines +132/-16760, at (-12.3456789, +12.3456789)',
      '[0706/120312:WARNING:dns_config.cc(63)]',
    ]),
    [],
  );
});

test('numbers of things come through: blocks, drawings, ids, versions, amounts, codes of products', () => {
  assert.deepEqual(
    touchedOf([
      'Received block blk_-4029732570544915384 of size 67108864 from blk_3852281952649038166',
      '<path d="M1.839 5.18.125.126 3.936-.896 5.054-1.839A4.5 4.5 0 0 1 3.898 2.25.5.5 0 1 1-.866.5"/>',
      'ISBN 978-3-16-148410-0, EAN 4006381333931, ISSN 2049-3630, UPC 036000291452, ASIN B08N5WRWNW',
      '{"id":4202186613137,"variant_id":57098266713398,"sku":"10368-CH","grams":897}',
      'birthtime: new Date("2023-01-01")',
      'Account identity not set; host calvisitor-10-105-160-184 kernel[0]',
      'Expiring session 0x24ede63a01b003b, sessionId: "sub-session-1", Session: 30546354_2937600202',
      'self.password = settings.EMAIL_HOST_PASSWORD if password is None else password',
      'return { APIKey::kSyncGroup, APIKey::kInitProducerId };',
      'headers["Authorization"] = "Bearer #{options[:app_token]}"\npost[:password] = @options[:password]',
      'write to the Free Software Foundation, Inc., 51 Franklin Street, Fifth Floor',
      'file.py,sha256=YhTfdVDNc7qpIhuX8NifFtufqzm4yJAtjZFim6yH9GA,27942',
      'abc1234 Fix parser (#10342)\ndef5678 Bump deps from 1.2.3 to 1.2.4 (#99021)',
      ' id | order_no | amount | created_at \n----+----+----+----\n 7 | 4711081522 | 1299.50 | 2026-03-04 10:11:12.131+00\n',
      'web-5d4f8c7b9-x2k4q   1/1   Running   3 (12m ago)   45d',
      'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 etag W/"5f3c-1a2b3c4d"',
      'epoch 1772619072131 1772619072131000 1772619072131000000, 20260304101112',
      'arn:aws:ec2:eu-west-1:123456789012:instance/i-0abcd1234ef567890',
    ]),
    [],
  );
});
