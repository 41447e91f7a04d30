/** Layouts and forms that other people's samples of secrets brought up: each hidden, and what only looks like it left. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
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

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });

test('what only the owner of a JSON Web Key has is hidden, and what anybody may have stays', () => {
  for (const { publicKey, privateKey } of [ec, rsa]) {
    const jwk = privateKey.export({ format: 'jwk' });
    const open = publicKey.export({ format: 'jwk' });
    const secrets = Object.entries(jwk).filter(([name]) => !(name in open));
    const yaml = Object.entries(jwk).map(([name, value]) => `  ${name}: ${String(value)}`);
    for (const text of [JSON.stringify(jwk), JSON.stringify({ keys: [jwk] }, null, 2), yaml.join('\n')]) {
      const masked = masker.text(text).text;
      for (const [name, value] of secrets) assert.ok(!masked.includes(String(value)), `${name} of ${text}`);
      for (const [name, value] of Object.entries(open)) assert.ok(masked.includes(String(value)), name);
    }
    const shared = JSON.stringify({ keys: [open] });
    assert.equal(masker.json(shared).text, shared);
  }
  const oct = { kty: 'oct', k: randomBytes(32).toString('base64url') };
  assert.ok(!masker.json(JSON.stringify(oct)).text.includes(oct.k));
  assert.deepEqual(touchedOf(['d: f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU']), []);
});

test('private keys without head and foot are hidden, public ones stay', () => {
  const ed = generateKeyPairSync('ed25519');
  const der = (key: KeyObject, type: 'pkcs8' | 'pkcs1' | 'sec1'): string =>
    key.export({ format: 'der', type } as { format: 'der'; type: 'pkcs8' }).toString('base64');
  assert.deepEqual(
    leftOf(
      [
        der(rsa.privateKey, 'pkcs8'),
        der(rsa.privateKey, 'pkcs1'),
        der(ec.privateKey, 'pkcs8'),
        der(ec.privateKey, 'sec1'),
        der(ed.privateKey, 'pkcs8'),
      ].map((key) => [`the blob ${key} was found`, key.slice(30, 60)] as const),
    ),
    [],
  );
  const shared = [rsa, ec, ed].map(({ publicKey }) =>
    publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
  );
  assert.deepEqual(touchedOf(shared.map((key) => `the blob ${key} was found`)), []);
});

test('a key that Azure has marked is known without its name', () => {
  const chance = 'q7X4vK9z2Jw8Mt5PhB3nq7X4vK9z2Jw8Mt5PhB3nq7X4vK9z2Jw8Mt5PhB3nq7X4vK9z2Jw8Mt5PhB3n';
  assert.deepEqual(
    leftOf([
      [`it is ${chance.slice(0, 33)}+ASbF7jRyt=.`, chance.slice(0, 33)],
      [`it is ${chance.slice(0, 33)}AIoTG1w7gv= then`, chance.slice(0, 33)],
      [`it is ${chance.slice(0, 76)}+AStZbrroA==`, chance.slice(0, 76)],
      [`it is ${chance.slice(0, 44)}AzFugnI2CA==`, chance.slice(0, 44)],
    ]),
    [],
  );
  // Another length, or no mark.
  assert.deepEqual(
    touchedOf([`it is ${chance.slice(0, 20)}+ASbF7jRyt=.`, `it is ${chance.slice(0, 33)}xQzBF7jRyt=.`]),
    [],
  );
});

test('what is glued to the end of a token goes with it', () => {
  const token = `ghp_${'q7X4vK9z2Jw8Mt5PhB3n'.repeat(2).slice(0, 36)}`;
  for (const [text, value] of [
    [`dop_v1_${'3f9a0c7e'.repeat(8)}and more`, '3f9a0c7e3f9a'],
    [`CCIPAT_q7X4vK9z2Jw8Mt5PhB3nq7_${'3f9a0c7e'.repeat(5)}AAAAAAAAAAAA`, 'AAAAAA'],
    [`${token}${token}`, 'q7X4'],
  ] as const)
    assert.ok(!masker.text(text).text.includes(value), masker.text(text).text);
  // Small letters of exactly the length of a token may come of chance; words and crosses do not.
  assert.deepEqual(leftOf([[`key is pnu_${'abcdef'.repeat(6)} now`, 'abcdef']]), []);
  assert.deepEqual(
    touchedOf([
      'pnu_yourtokenherexxxxxxxxxxxxxxxxxxxxxxxx',
      `ico-${'x'.repeat(32)}`,
      'https://x.notion.site/API-BD80F56CDC1441E6BF6011AB6D852875',
    ]),
    [],
  );
});

test('statements of SQL give no password away, however they spell it', () => {
  assert.deepEqual(
    leftOf([
      ["ALTER USER 'root'@'localhost' IDENTIFIED WITH mysql_native_password BY 'wint~er';", 'wint~er'],
      ["ALTER USER 'root' IDENTIFIED WITH 'caching_sha2_password' BY \"wint~er\"", 'wint~er'],
      ['CREATE USER bob IDENTIFIED BY Wint3rsun;', 'Wint3rsun'],
      ['exec("CREATE USER bob ACCOUNT UNLOCK IDENTIFIED BY Wint3rsun");', 'Wint3rsun'],
      ["IDENTIFIED WITH 'x' AS '*92FD05ADCA2EC9D1E10C096DEB1618BC2470E409'", '92FD05ADCA2E'],
      ['| bob | *92FD05ADCA2EC9D1E10C096DEB1618BC2470E409 |', '92FD05ADCA2E'],
    ]),
    [],
  );
  assert.deepEqual(
    touchedOf([
      'The row is identified by its name; users are identified by email.',
      'IDENTIFIED BY ${PASSWORD}',
      'sha1 92FD05ADCA2EC9D1E10C096DEB1618BC2470E409 of the file',
    ]),
    [],
  );
});

test('a password between semicolons is one whatever it looks like', () => {
  assert.deepEqual(
    leftOf([
      ['Server=db.example;Port=5432;User Id=app;Password=letmein;Database=main;', 'letmein'],
      ['Data Source=db,1433;Initial Catalog=main;Uid=app;Pwd=myPassword;', 'myPassword'],
      ['AUTO_SESSION_PASSWORD=thisismypassword\nNEXT=1', 'thisismypassword'],
    ]),
    [],
  );
  assert.deepEqual(
    touchedOf([
      'Server=db;Uid=app;Pwd={0};Timeout=3',
      'Server=db;Uid=app;Pwd=${DB_PASSWORD};',
      'Server=db;Uid=app;Pwd=%DB_PASSWORD%;',
      'connect(host=host, password=db_password)',
    ]),
    [],
  );
});

test('a name gives its value away over constants, spaces before commas, long strings and schemes of any name', () => {
  const key = 'q7X4vK9z2Jw8Mt5PhB3n';
  assert.deepEqual(
    leftOf([
      ['curl_easy_setopt(curl, CURLOPT_USERPWD, "root:wint~er");', 'wint~er'],
      ['curl_setopt($ch, CURLOPT_XOAUTH2_BEARER, "q7X4vK9z2Jw8Mt5PhB3n");', key],
      ["define( 'DB_PASSWORD' , 'wint~er1' );", 'wint~er1'],
      [`buildConfigField 'String' , 'API_KEY' , '"${key}"'`, key],
      [`API_KEY = """${key}"""`, key],
      [`api_key = '''${key}'''`, key],
      ['<password>\n    Wint3rsun\n  </password>', 'Wint3rsun'],
      [`Authorization: aivenv1 ${key}/+${key}`, key],
      [`fly_token: "FlyV2 ${key},${key}"`, key],
      ['FIREBASE_TOKEN=DXsoJbwpxap7stqa', 'DXsoJbwpxap7stqa'],
      [`Map("token" -> "${key}", "size" -> "2")`, key],
      [`CI_JOB_JWT_V2=${key}`, key],
      [`"user_d351d93b-adb0-4714-bbef-a11100fff9cc_token_apiKeyClientSecret": "${key}"`, key],
      ['Activation key: ZAQWS-XCDER-VBGTR-FRTGU-KLMNX', 'ZAQWS'],
      ['vault write auth/approle/login secret_id=6a174c20-f6de-a53c-74d2-6018fcceff64', '6a174c20'],
      ['password for admin: Wint3r$un', 'Wint3r$un'],
      ['PSWD=wintersun', 'wintersun'],
      [`curl https://api.example.com/v1 -u ${key}: -d amount=1`, key],
      ['new DirectoryEntry("LDAP://db", "acme\\\\bob", "Wint3rsun")', 'Wint3rsun'],
      ['$md5,rounds=89650$IU7ELX9N$$VUWQHUYZkb7n3SpAmBHq0/', 'VUWQHUYZ'],
    ]),
    [],
  );
});

test('a private key that .NET wrote as XML is hidden, and its public part stays', () => {
  const jwk = rsa.privateKey.export({ format: 'jwk' });
  const names: Readonly<Record<string, string>> = {
    p: 'P',
    q: 'Q',
    dp: 'DP',
    dq: 'DQ',
    qi: 'InverseQ',
    d: 'D',
  };
  const base64 = (value: unknown): string => Buffer.from(String(value), 'base64url').toString('base64');
  const inner = Object.entries(names).map(
    ([name, tag]) => `<${tag}>${base64(Reflect.get(jwk, name))}</${tag}>`,
  );
  const open = `<Modulus>${base64(jwk.n)}</Modulus><Exponent>AQAB</Exponent>`;
  for (const space of ['', '\n  ']) {
    const masked = masker.text(`<RSAKeyValue>${open}${space}${inner.join(space)}</RSAKeyValue>`).text;
    for (const name of Object.keys(names)) assert.ok(!masked.includes(base64(Reflect.get(jwk, name))), name);
    assert.ok(masked.includes(base64(jwk.n)));
  }
  assert.deepEqual(touchedOf([`<RSAKeyValue>${open}</RSAKeyValue>`, '<P>wIKrCjYvbIg5d5hmq7X4vK9z</P>']), []);
});

test('the token is hidden where it stands for the user of an address, and what stands for it is left', () => {
  const token = '9166e8318506a30d43d7a30c76a788fc0ad57a98';
  assert.equal(
    masker.text(`git clone https://${token}:x-oauth-basic@github.com/a/b.git`).text,
    'git clone https://[masked:url-password]:x-oauth-basic@github.com/a/b.git',
  );
  assert.deepEqual(
    touchedOf([
      'git clone https://$GITHUB_TOKEN:x-oauth-basic@github.com/a/b.git',
      'redis://admin:%s@host:5672',
      'redis://admin:{{vault_name}}@host:5672',
      'redis://admin:$env{ADMIN_PWD}@host:5672',
      'redis://admin:$REDIS_PASSWORD@host:5672',
    ]),
    [],
  );
});

test('a value of a file of variables is hidden to the end of its line, a default wherever it is named', () => {
  const django = 'r&lvybzry1*k+qq)=x-!=0yd5l5#1gxzk!82@ru25*ntos3_9^';
  assert.deepEqual(
    leftOf([
      [`DEBUG=True\nSECRET_KEY=${django}\nSERVER_MODE=dev\n`, django.slice(20)],
      [`SECRET_KEY = env("SECRET_KEY", default="${django}")`, django.slice(20)],
      [`SECRET_KEY = config('SECRET_KEY', cast=str, default='${django}')`, django.slice(20)],
      ['char secret[32] = "q7X4vK9z2Jw8Mt5P";', 'q7X4vK9z2Jw8Mt5P'],
      ['char db_password[] = "wintersun";', 'wintersun'],
      ['private const string SecretKey =@"q7X4vK9z2Jw8Mt5P";', 'q7X4vK9z2Jw8Mt5P'],
      ['SECRET = b"q7X4vK9z2Jw8Mt5P"', 'q7X4vK9z2Jw8Mt5P'],
      ['LOB_TOKEN=cbadefcbadefcbadefcbadefcbadefcb', 'cbadefcbadef'],
    ]),
    [],
  );
  assert.equal(
    masker.text('token=q7X4vK9z2Jw8Mt5P&user=bob&page=1').text,
    'token=[masked:credential]&user=bob&page=1',
  );
  assert.deepEqual(touchedOf(['token = f"{prefix}-{number}"', 'var key = $"user:{id}:session";']), []);
});

test('elements and columns give their passwords up, with the spaces and signs in them', () => {
  assert.deepEqual(
    leftOf([
      ['<Password>correct horse battery</Password>', 'correct horse'],
      ['<user><password>s-]?wint3r*</password></user>', 's-]?wint3r'],
      ['<Password value="wint<er-sun!" />', 'wint<er-sun!'],
      ["<pwd value='w1ntersun' name='x'/>", 'w1ntersun'],
      ['password          : w1ntersun', 'w1ntersun'],
      ['_auth          = dXNyLWFiLWFiYzpBQkNEMWVGR2hpSjFhTGV5WjVQMVZ6cURDZg', 'dXNyLWFi'],
      ['app-secret=anothersecRet4ME\nnext=1', 'anothersecRet4ME'],
      ['$P$B7E2m2yaxMm2i7n5lXRWehWViBezQ8g', '7E2m2yaxMm2'],
      ['password: ${$ecretV@lu3', '$ecretV@lu3'],
    ]),
    [],
  );
});

test('variables, constants and marks that a deployment replaces are no passwords', () => {
  assert.deepEqual(
    touchedOf([
      'password = $password;',
      '$dbh = connect($user, password: "$db_password");',
      'passwd="$password_variable"',
      'password: #{GIT_PASSWORD}, user: #{name}',
      '<password>#{password}</password>',
      '<password>%%JDBC_Password%%</password>',
      'password=__DB_PASSWORD__',
      'password=@db.password@',
      'password = USER_CLIENT_PASSWORD',
      'Command="Server=db,1433;User=app;PWD=#{Replace_Value};Catalog=main"',
      'BPF_FILDROP_PASS                  = 0x0',
      'SIOCGLIFTOKEN                 = -0x3f879678',
    ]),
    [],
  );
});

test('what documentation writes in the place of a secret is left in addresses and commands', () => {
  assert.deepEqual(
    touchedOf([
      'mongodb+srv://<username>:<password>@cluster.mongodb.net/app',
      'curl -u <user:password> https://example.com/endpoint',
      'curl -u "${USER:-${DEFAULT_USER}}:${APIKEY:-${DEFAULT_APIKEY}}" https://example.com',
      'curl http://localhost:5000/file --user user:pass --digest',
      'Authorization: basic {base64(email:password)}',
      'aws secretsmanager get-secret-value --secret-id prod/database/password2',
      'secret_id = "prod-database-2"',
      'the token says "see section 4.2 of the manual"',
    ]),
    [],
  );
});

test('a secret behind thousands of names is hidden as if it stood alone', () => {
  const secret = 'q7X4vK9z2Jw8Mt5PhB3n';
  for (const count of [1, 300, 700, 2_000]) {
    const masked = masker.text(
      `${'token='.repeat(count)}${secret} and ${'secret='.repeat(count)}${secret}`,
    ).text;
    assert.ok(!masked.includes(secret), `${count} names`);
  }
});
