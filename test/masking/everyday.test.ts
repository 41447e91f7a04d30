/** Texts as they come from terminals, files and tickets: what each holds is hidden, and their clean neighbours stay. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';

const masker = createMaskingEngine(defaultMaskingConfig).masker('default');

/** What is left of the values in a text, as itself and as a string of JSON. */
function leftOf(cases: readonly (readonly [string, string])[]): string[] {
  return cases.flatMap(([text, value]) =>
    [masker.text(text).text, masker.json(JSON.stringify({ out: text })).text]
      .filter((masked) => masked.includes(value))
      .map((masked) => `${value} left in ${masked}`),
  );
}

function touchedOf(texts: readonly string[]): string[] {
  return texts.filter((text) => masker.text(text).text !== text).map((text) => masker.text(text).text);
}

test('passwords that commands take in ways of their own are hidden', () => {
  assert.deepEqual(
    leftOf([
      [String.raw`net use Z: \\files\share Wint3rsun /user:bob`, 'Wint3rsun'],
      [String.raw`net use \\files\share /user:ACME\bob Wint3rsun`, 'Wint3rsun'],
      ['net user bob Wint3rsun /add', 'Wint3rsun'],
      ['htpasswd -bc /etc/.htpasswd bob Wint3rsun', 'Wint3rsun'],
      ['htpasswd -nb bob Wint3rsun', 'Wint3rsun'],
      ["echo 'root:Wint3rsun' | sudo chpasswd", 'Wint3rsun'],
      ['imp scott/wintersun file=a.dmp full=y', 'wintersun'],
      ['sqlplus -s scott/wintersun', 'wintersun'],
      ["smbclient //files/share -U 'bob%Wint3rsun'", 'Wint3rsun'],
      ['openssl rsa -in a.pem -passin pass:Wint3rsun', 'Wint3rsun'],
      ['xfreerdp /u:bob /p:Wint3rsun /v:host', 'Wint3rsun'],
      ["curl --user  'bob:w1nter~21s' https://example.com", 'w1nter~21s'],
      ['curl -u ":d2Lk78zLx!t" https://example.com', 'd2Lk78zLx!t'],
    ]),
    [],
  );
});

test('headers, addresses and settings of every kind give up their secrets', () => {
  const digest =
    'Digest username="Mufasa", realm="x", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", response="6629fae49393a05397450978507c4ef1"';
  assert.deepEqual(
    leftOf([
      ['https://app.example/callback?code=SplxlOBeZQQYbYS6WxSbIA&state=af0', 'SplxlOBeZQQYbYS6WxSbIA'],
      [`Authorization: ${digest}`, '6629fae49393a05397450978507c4ef1'],
      [JSON.stringify({ Authorization: digest }), '6629fae49393a05397450978507c4ef1'],
      ['Authorization: SSWS 00QCjAl4MlV-WPXM-ABCDEFGHIJKL-0HmjFx-vbGua', 'vbGua'],
      ['url = postgresql+psycopg2://app:Wint3rsun@db:5432/main', 'Wint3rsun'],
      ['root:Wint3rsun!@tcp(127.0.0.1:3306)/main', 'Wint3rsun!'],
      ['default: &base\n  password: &pw Wint3rsun\n', 'Wint3rsun'],
      ['if ("w1nter>-sun" == password) {', 'w1nter>-sun'],
      ['The default password for the user "bob" is "w1nter".', 'w1nter'],
      ['datadog-secret-key-4f9a0c7e5b1d82463f9a0c7e5b1d8246', '4f9a0c7e5b1d8246'],
    ]),
    [],
  );
});

test('numbers of people are hidden as they are written around the world', () => {
  assert.deepEqual(
    leftOf([
      ['call 00491711234567 now', '00491711234567'],
      ['seen 001-710-724-4859x4807 twice', '724-4859'],
      ['<phone>06 343 2335</phone>', '343 2335'],
      ['phone: 09/ 252 61 50, before noon', '252 61 50'],
      ['Desk (0452) 247 265', '247 265'],
      ['GB32LOAB1314131195546', 'LOAB1314131195546'],
      ['card 060409605536 charged', '060409605536'],
      ['My ssn is 536-22-8145.', '8145'],
      ['national id: ZZ 51 42 24 T', '51 42 24'],
      ['{"id_number":"47253106898"}', '47253106898'],
      ['My address is 265 Josephine Trail.', 'Josephine'],
      ['<address>8737 Hernandez Harbors</address>', 'Hernandez'],
    ]),
    [],
  );
});

test('what only looks like one of these stays as it is', () => {
  assert.deepEqual(
    touchedOf([
      'the exp dates/times are shown in net use of the plan',
      'https://example.com/?code=404&page=2',
      'Mozilla/5.0 (X11; Linux x86_64; rv:1.9.6.20)',
      'RFC 7540, sec 8.1.2.6, and see 11.2.4.5',
      'github.com/docker/go-units v0.5.0 h1:69rxXcBk27SvSaaxTtLh/8llcHD8vYHT7WSdRZ/jvr4=',
      'g=[.11516993+1/(7.4477897+4.1590124*e+p*(1.75198401*e-2.195',
      'this.lo+4294967296*(i?i:i+1)',
      'pkg syscall (linux-arm), const TUNSETIFF = 1074025674',
      'const ETHERTYPE_ACCTON = 33680',
      'func LogonUser(username *uint16, password *uint16, kind uint32)',
      '// pass 1 - 1px',
      'if (a == b && token != other) {',
    ]),
    [],
  );
});
