import type { Chance } from './chance.ts';

/** Texts of everyday work in which nothing is sensitive, by what they are; made anew by chance. */
export const cleanTexts: Readonly<Record<string, (by: Chance) => string>> = {
  'hash with its word': ({ pick, run }) =>
    `${pick(['commit', 'sha256:', 'etag', 'md5', 'digest', 'checksum', 'revision', 'tree', 'Image ID', 'fingerprint', 'x-request-id', 'build', 'cache'])} ${run('h', pick([7, 8, 12, 32, 40, 64]))} ok`,
  'hash in JSON': ({ pick, run }) =>
    JSON.stringify({
      [pick([
        'sha',
        'etag',
        'commit',
        'digest',
        'traceId',
        'hash',
        '_id',
        'node_id',
        'gitHead',
        'md5',
        'eventId',
        'orderId',
        'nextCursor',
        'pageToken',
        'ref',
        'cacheKey',
        'issueKey',
      ])]: run('h', pick([24, 32, 40, 64])),
    }),
  uuid: ({ pick, uuid }) => `${pick(['user', 'order', 'request', 'tenant', 'Job', 'trace'])} ${uuid()} done`,
  'order number': ({ pick, run }) =>
    `${pick(['Order', 'Invoice', 'Ticket', 'Shipment', 'Case'])} ${pick([`#${run('d', 8)}`, `${run('A', 3)}-${run('d', 6)}`, run('U', 10), `1Z${run('U', 16)}`])} was closed`,
  number: ({ pick, run }) =>
    `value ${pick([1, 2, 3, 5, 8])}${run('d', pick([4, 5, 6, 7, 8, 9, 10, 11]))} counted`,
  'JSON of numbers': ({ run }) =>
    JSON.stringify({
      id: Number(`1${run('d', 8)}`),
      ts: 1_772_600_000_000 + Number(run('d', 9)),
      ratio: 0.5 + Number(run('d', 6)) / 1e7,
    }),
  time: ({ run }) =>
    `${new Date(1_700_000_000_000 + Number(run('d', 11))).toISOString()} event 17${run('d', 8)}`,
  version: ({ run }) =>
    `package@${run('d', 1)}.${run('d', 2)}.${run('d', 1)}-beta.${run('d', 1)}+${run('h', 7)}`,
  date: ({ pick }) =>
    `${pick(['due', 'created', 'until'])} ${pick(['2026-03-04', '04/03/2026', '4 March 2026', '03.04.2026', '20260304'])}`,
  'image in Markdown': ({ shape }) => `![x](data:image/png;base64,iVBORw0KGgo${shape('{b400}')}==)`,
  'lock file': ({ shape, run }) =>
    `"node_modules/${run('a', 6)}": {\n  "resolved": "https://registry.example/x/-/x-1.2.3.tgz",\n  "integrity": "sha512-${shape('{b86}')}=="`,
  'yarn lock': ({ shape, run }) =>
    `resolved "https://registry.example/x.tgz#${run('h', 40)}"\n  integrity sha1-${shape('{b27}')}=`,
  'cargo lock': ({ run }) => `[[package]]\nname = "serde"\nchecksum = "${run('h', 64)}"`,
  'go.sum': ({ shape }) =>
    `example.org/x/y v1.2.3 h1:${shape('{b43}')}=\nexample.org/x/y v1.2.3/go.mod h1:${shape('{b43}')}=`,
  css: ({ run }) => `.a{color:#${run('h', 6)};background:url(/a/${run('h', 20)}.png);width:${run('d', 3)}px}`,
  html: ({ shape, run }) =>
    `<script src="/static/main.${run('h', 8)}.js" integrity="sha384-${shape('{b64}')}"></script>`,
  'object path': ({ run }) => `s3://bucket-${run('d', 4)}/path/${run('h', 32)}/file.parquet`,
  arn: ({ run }) => `arn:aws:iam::${run('d', 12)}:role/deploy-${run('a', 5)}`,
  'cloud ids': ({ run }) => `i-0${run('h', 16)} vpc-${run('h', 17)} subnet-${run('h', 8)}`,
  pods: ({ run }) => `pod/web-${run('l', 10)}-${run('l', 5)}   1/1   Running   0   5d`,
  'git log': ({ run }) =>
    `commit ${run('h', 40)}\nMerge: ${run('h', 7)} ${run('h', 7)}\n\n    Fix key handling`,
  diff: ({ run }) => `diff --git a/x b/x\nindex ${run('h', 7)}..${run('h', 7)} 100644\n--- a/x\n+++ b/x`,
  address: ({ run }) =>
    `https://example.com/a/${run('w', 22)}?id=${run('d', 8)}&utm_source=x&ref=${run('l', 10)}`,
  'payment ids': ({ pick, run }) =>
    `${pick(['cus', 'ch', 'pi', 'in', 'sub', 'price', 'evt'])}_${run('w', 24)}`,
  'chat ids': ({ run }) => `<@U${run('U', 10)}> in <#C${run('U', 10)}|general>`,
  coordinates: ({ run }) => `lat ${run('d', 2)}.${run('d', 6)}, lon ${run('d', 2)}.${run('d', 6)}`,
  money: ({ run }) => `Total: $${run('d', 3)},${run('d', 3)}.${run('d', 2)} for ${run('d', 2)} items`,
  book: ({ run }) => `ISBN 978-${run('d', 1)}-${run('d', 4)}-${run('d', 4)}-${run('d', 1)}`,
  barcode: ({ run }) => `EAN 40${run('d', 11)}`,
  thread: ({ run }) => `[pool-${run('d', 2)}-thread-${run('d', 3)}] 0x${run('h', 16)} at ${run('h', 8)}`,
  stack: ({ run }) => `    at Object.<anonymous> (/app/dist/${run('a', 6)}.js:${run('d', 3)}:${run('d', 2)})`,
  log: ({ run, uuid }) =>
    `2026-03-04 10:11:12,123 INFO c.e.Foo - processed ${run('d', 6)} rows in ${run('d', 4)} ms id=${uuid()}`,
  table: ({ run }) =>
    `| ${run('d', 6)} | open | ${run('A', 3)}-${run('d', 4)} | ${run('d', 3)}.${run('d', 2)} |`,
  series: ({ run }) => Array.from({ length: 12 }, () => run('d', 2)).join(' '),
  'code points': ({ run }) => Array.from({ length: 8 }, () => run('H', 4)).join(' '),
  sql: ({ run }) => `SELECT token, password_hash FROM users WHERE api_key = $1 AND id = ${run('d', 6)}`,
  code: ({ pick }) =>
    pick([
      'if (password.length < 8) throw new Error("Password too short");',
      'const token = req.headers.authorization?.split(" ")[1];',
      'self.api_key = api_key or os.environ.get("API_KEY")',
      'apiKey: process.env.API_KEY!,',
      'func (c *Client) SetToken(token string) { c.token = token }',
      '<input type="password" name="password" placeholder="Password">',
      'token = generate_token(user.id)',
      'secretKeyRef:\n  name: db-secret\n  key: password',
      'access_token: str | None = None',
      'passwordHash: await bcrypt.hash(password, 12)',
      'secret: ${{ secrets.DEPLOY_TOKEN }}',
      'password = getpass.getpass("Password: ")',
      'API_KEY=your_api_key_here',
      'password: "********"',
      'token: "{{ .Values.token }}"',
      "type Field = 'password' | 'radio' | 'range'",
      'key1 = "value1"',
      'exports.MaxKey = exports.MinKey = exports.Decimal128',
      'var addr = ipaddr.fromByteArray([0x7f, 0, 0, 1])',
      'pass: 120, fail: 3',
    ]),
  prose: ({ pick }) =>
    pick([
      'Your password must contain at least one number.',
      'The private key is stored in the module.',
      'Das Passwort muss mindestens zwölf Zeichen haben.',
      'Le mot de passe doit être changé tous les ans.',
      'La contraseña debe tener ocho caracteres.',
      'パスワードは8文字以上にしてください。',
      '密码必须至少包含一个数字。',
      'The token was issued to the client web-app and expires in 3600 seconds.',
      'The pass rate is 95 %, and the pin is bent.',
    ]),
};
