import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError } from '../../cli/config/config-error.ts';
import type { Config } from '../../cli/config/config.ts';
import { loadConfig } from '../../cli/config/load.ts';

type Env = Readonly<Record<string, string>>;

/** Loads from a fresh folder that holds `text` as holdpoint.yaml (none when null) and further files. */
async function load(text: string | null, env: Env = {}, files: Env = {}): Promise<Config> {
  const cwd = await mkdtemp(join(tmpdir(), 'holdpoint-config-'));
  try {
    if (text !== null) await writeFile(join(cwd, 'holdpoint.yaml'), text);
    for (const [name, content] of Object.entries(files)) await writeFile(join(cwd, name), content);
    const config = await loadConfig({ env, cwd });
    return JSON.parse(JSON.stringify(config).replaceAll(cwd, '/srv')) as Config;
  } catch (error) {
    if (error instanceof ConfigError)
      throw new ConfigError(
        error.problems.map((problem) => ({ ...problem, message: problem.message.replaceAll(cwd, '/srv') })),
      );
    throw error;
  } finally {
    await rm(cwd, { recursive: true });
  }
}

/** The message of a configuration that must be refused. */
async function refusal(text: string | null, env: Env = {}, files: Env = {}): Promise<string> {
  try {
    await load(text, env, files);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  return assert.fail('the configuration should be refused');
}

test('without a file everything has a default that works on one machine', async () => {
  const config = await load(null);
  assert.equal(config.file, null);
  assert.equal(config.dataDir, '/srv/.holdpoint');
  assert.equal(config.policy, '/srv/policy.yaml');
  assert.deepEqual(config.agents.listen, { host: '127.0.0.1', port: 8470 });
  assert.equal(config.agents.publicUrl, 'http://127.0.0.1:8470');
  assert.deepEqual(config.console, {
    listen: { host: '127.0.0.1', port: 8471 },
    publicUrl: 'http://127.0.0.1:8471',
    login: null,
    auditors: null,
  });
  assert.deepEqual(config.database, { url: 'embedded' });
  assert.deepEqual(config.temporal, {
    address: 'embedded',
    namespace: 'default',
    uiPort: 8472,
    apiKey: null,
    tls: null,
    deployment: null,
    codecServer: null,
  });
  assert.deepEqual(config.identity, {
    issuers: [],
    workloads: [],
    authorizationServer: null,
    accessTokens: { named: false, longestMs: 366 * 86_400_000 },
    dpopNonces: false,
    toolClasses: {},
    anonymous: { subject: 'local-agent', groups: [] },
  });
  assert.deepEqual([config.slack, config.metrics, config.connections], [null, null, {}]);
});

test('a whole file is read, defaulted and typed', async () => {
  const config = await load(
    `
agents:   { listen: 0.0.0.0:8470, publicUrl: https://gw.example/ }
console:
  listen: 0.0.0.0:8471
  publicUrl: https://hp.example
  login: { issuer: https://idp.example, clientId: hp, clientSecret: "\${file:client-secret}" }
metrics:  { listen: 0.0.0.0:9464 }
database: { url: "postgres://hp:\${DB_PASSWORD}@db/hp" }
temporal: { address: temporal:7233, namespace: prod, tls: { ca: CA, cert: CERT, key: KEY } }
slack:    { botToken: "\${SLACK}", signingSecret: s, listen: 0.0.0.0:8473 }
keys:     { encryption: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA, votes: { publicKeys: { k1: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA } } }
identity: { issuers: [{ issuer: https://idp.example, audience: https://gw.example, clockSkew: 1m }] }
connections:
  github: { url: https://api.example/mcp, credentials: { value: "Bearer \${GITHUB}" }, connectTimeout: 3s }
  files:  { command: [mcp-files, /data], cwd: tools, env: { LEVEL: "1" }, maxProcesses: 4 }
policy: rules/policy.yaml
hold: { grace: 1m, retention: 2d }
log: { level: warn }
`,
    { DB_PASSWORD: 'pw', SLACK: 'xoxb-1', GITHUB: 'ght' },
    { 'client-secret': 'cs\n' },
  );
  assert.equal(config.file, '/srv/holdpoint.yaml');
  assert.equal(config.agents.publicUrl, 'https://gw.example');
  assert.ok(config.console.login?.mode === 'oidc');
  assert.equal(config.console.login.clientSecret, 'cs');
  assert.equal(config.database.url, 'postgres://hp:pw@db/hp');
  assert.deepEqual(config.temporal.tls, { ca: 'CA', cert: 'CERT', key: 'KEY', serverName: null });
  assert.deepEqual(config.slack, {
    botToken: 'xoxb-1',
    appToken: null,
    signingSecret: 's',
    listen: { host: '0.0.0.0', port: 8473 },
    apiUrl: 'https://slack.com/api/',
  });
  assert.equal(Object.keys(config.keys.encryption[0] ?? {}).length, 32);
  assert.deepEqual(config.identity, {
    anonymous: null,
    issuers: [
      {
        issuer: 'https://idp.example',
        audience: ['https://gw.example'],
        groupsClaim: 'groups',
        groupsFrom: 'token',
        algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
        clockSkewMs: 60_000,
        jwksUrl: null,
      },
    ],
    workloads: [],
    authorizationServer: null,
    accessTokens: { named: false, longestMs: 366 * 86_400_000 },
    dpopNonces: false,
    toolClasses: {},
  });
  assert.deepEqual(config.connections, {
    github: {
      kind: 'http',
      url: 'https://api.example/mcp',
      headers: {},
      credentials: {
        in: 'header',
        name: 'Authorization',
        prefix: '',
        source: { kind: 'value', value: 'Bearer ght' },
      },
      tls: null,
      connectTimeoutMs: 3_000,
      idleTimeoutMs: 600_000,
    },
    files: {
      kind: 'stdio',
      command: ['mcp-files', '/data'],
      cwd: '/srv/tools',
      env: { LEVEL: '1' },
      secretEnv: {},
      maxProcesses: 4,
      idleTimeoutMs: 600_000,
    },
  });
  assert.equal(config.policy, '/srv/rules/policy.yaml');
  assert.deepEqual(
    [config.hold.graceMs, config.hold.retentionMs, config.log.level],
    [60_000, 172_800_000, 'warn'],
  );
});

test('the configuration cannot be changed once it is loaded', async () => {
  const config = await loadConfig({ env: {}, cwd: tmpdir() });
  assert.throws(() => Object.assign(config.agents.limits, { depth: 1 }), TypeError);
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.identity.issuers));
});

/** What is wrong, the file, and exactly what is said about it. */
const refused: readonly [string, string, string][] = [
  [
    'an unknown key',
    'agents:\n  listen: 127.0.0.1:1\n  lisen: x\n',
    'holdpoint.yaml:3: agents.lisen: unknown key; did you mean `listen`?',
  ],
  ['an unknown section', 'agent: {}\n', 'holdpoint.yaml:1: agent: unknown key; did you mean `agents`?'],
  [
    'a listener without port',
    'agents:\n  listen: localhost\n',
    'holdpoint.yaml:2: agents.listen: must be `HOST:PORT`, such as `127.0.0.1:8470` or `[::1]:8470`',
  ],
  [
    'a listener beyond the ports',
    'agents: { listen: "127.0.0.1:70000" }\n',
    'holdpoint.yaml:1: agents.listen: must be `HOST:PORT`, such as `127.0.0.1:8470` or `[::1]:8470`',
  ],
  [
    'a number where a text is due',
    'policy: 5\n',
    'holdpoint.yaml:1: policy: must be a text (put it in quotes)',
  ],
  ['a list where a map is due', 'agents: []\n', 'holdpoint.yaml:1: agents: must be a map'],
  [
    'a URL with a password',
    'connections:\n  x:\n    url: https://a:b@c.example/mcp\n',
    'holdpoint.yaml:3: connections.x.url: must be an http:// or https:// URL without user, password or fragment',
  ],
  [
    'a file: URL',
    'connections:\n  x:\n    url: file:///etc/passwd\n',
    'holdpoint.yaml:3: connections.x.url: must be an http:// or https:// URL without user, password or fragment',
  ],
  [
    'a connection that is neither',
    'connections:\n  x: {}\n',
    'holdpoint.yaml:2: connections.x: needs `url` (streamable HTTP) or `command` (a program to start)',
  ],
  [
    'a connection that is both',
    'connections:\n  x: { url: "http://a/", command: [b] }\n',
    'holdpoint.yaml:2: connections.x: has both `url` and `command`; keep one',
  ],
  [
    'a misspelt key in a connection',
    'connections:\n  x: { url: "http://a/", header: {} }\n',
    'holdpoint.yaml:2: connections.x.header: unknown key; did you mean `headers`?',
  ],
  [
    'a connection name with a slash',
    'connections:\n  a/b: { url: "http://a/" }\n',
    'holdpoint.yaml:2: connections.a/b: this name must be 1 to 63 lower-case letters, digits, `_` or `-`',
  ],
  [
    'a header that Holdpoint sets itself',
    'connections:\n  x: { url: "http://a/", headers: { Host: b } }\n',
    'holdpoint.yaml:2: connections.x.headers.Host: this name is a header that Holdpoint sets itself',
  ],
  [
    'a header with a line break',
    'connections:\n  x: { url: "http://a/", headers: { X-A: "b\\r\\nc: d" } }\n',
    'holdpoint.yaml:2: connections.x.headers.X-A: must be printable ASCII on one line',
  ],
  [
    'an empty command',
    'connections:\n  x: { command: [] }\n',
    'holdpoint.yaml:2: connections.x.command: must name a program',
  ],
  [
    'a short key',
    'keys: { encryption: c2hvcnQ }\n',
    'holdpoint.yaml:1: keys.encryption: must be 32 bytes in base64url (43 characters); `openssl rand -base64 32 | tr +/ -_ | tr -d =` makes one',
  ],
  [
    'sealed copies without a key to seal to',
    'connections:\n  x: { url: "http://127.0.0.1:1/mcp", sealedCopy: true }\n',
    'holdpoint.yaml:2: connections.x.sealedCopy: needs a key to seal to; set `keys.breakGlass.publicKey`',
  ],
  [
    'break-glass where people are not told apart',
    `keys:\n  breakGlass: { publicKey: ${'A'.repeat(43)} }\n`,
    'holdpoint.yaml:2: keys.breakGlass: takes two people who are told apart; set `console.login`',
  ],
  [
    "a break-glass key that is another one's",
    `keys:\n  breakGlass: { publicKey: ${'A'.repeat(43)}, privateKey: ${'B'.repeat(43)} }\n`,
    'holdpoint.yaml:2: keys.breakGlass: `privateKey` is not the private half of `publicKey`',
  ],
  [
    'two listeners on one address',
    'agents: { listen: "127.0.0.1:9" }\nconsole: { listen: "127.0.0.1:9" }\n',
    'holdpoint.yaml:2: console.listen: is the address of agents.listen too; each listener needs its own',
  ],
  [
    'agents from anywhere without identity',
    'agents:\n  listen: 0.0.0.0:8470\n',
    'holdpoint.yaml:2: agents.listen: reaches beyond this machine, but nothing says who may call; set `identity.issuers`, or use a loopback address such as 127.0.0.1',
  ],
  [
    'agents behind a public URL without identity',
    'agents:\n  publicUrl: https://gw.example\n',
    'holdpoint.yaml:2: agents.publicUrl: reaches beyond this machine, but nothing says who may call; set `identity.issuers`, or use a loopback address such as 127.0.0.1',
  ],
  [
    'anonymous callers from anywhere',
    'agents: { listen: "[::]:8470" }\nidentity:\n  anonymous: {}\n',
    'holdpoint.yaml:3: identity.anonymous: callers without a token are accepted only where every listener is on loopback, and agents.listen is not; remove `anonymous`, or use a loopback address',
  ],
  [
    'anonymous callers with metrics for anyone',
    'metrics: { listen: "10.0.0.1:9" }\nidentity: { anonymous: {} }\n',
    'holdpoint.yaml:2: identity.anonymous: callers without a token are accepted only where every listener is on loopback, and metrics.listen is not; remove `anonymous`, or use a loopback address',
  ],
  [
    'an identity that lets nobody in',
    'identity: {}\n',
    'holdpoint.yaml:1: identity: names none of `issuers`, `workloads`, `authorizationServer`, `accessTokens` and `anonymous`, so nobody could call',
  ],
  [
    'a console for anyone without login',
    'console:\n  listen: 0.0.0.0:8471\n',
    'holdpoint.yaml:2: console.listen: reaches beyond this machine, but `console.login` does not say how people log in; set it, or use a loopback address',
  ],
  [
    'Slack in no mode',
    'slack: { botToken: xoxb-1 }\n',
    'holdpoint.yaml:1: slack: needs either `appToken` (Socket Mode) or `signingSecret` with `listen` (HTTP mode), not both',
  ],
  [
    'Slack in HTTP mode without listener',
    'slack: { botToken: xoxb-1, signingSecret: s }\n',
    'holdpoint.yaml:1: slack: `signingSecret` and `listen` go together (HTTP mode); Socket Mode needs neither',
  ],
  [
    'half a client certificate',
    'temporal: { address: "t:7233", tls: { cert: x } }\n',
    'holdpoint.yaml:1: temporal: `tls.cert` and `tls.key` go together',
  ],
  [
    "a UI port for a server of one's own",
    'temporal: { address: "t:7233", uiPort: 1 }\n',
    'holdpoint.yaml:1: temporal: `uiPort` is for the embedded server only; remove it',
  ],
  [
    'an issuer named twice',
    'identity:\n  issuers: [{ issuer: https://a }, { issuer: https://a }]\n',
    'holdpoint.yaml:2: identity: names an issuer twice',
  ],
  [
    'an unsigned algorithm',
    'identity: { issuers: [{ issuer: https://a, algorithms: [none] }] }\n',
    'holdpoint.yaml:1: identity.issuers[0].algorithms[0]: must be `RS256`, `RS384`, `RS512`, `PS256`, `PS384`, `PS512`, `ES256`, `ES384`, `ES512`, `EdDSA` or `Ed25519`',
  ],
  [
    'a symmetric algorithm',
    'identity: { issuers: [{ issuer: https://a, algorithms: [HS256] }] }\n',
    'holdpoint.yaml:1: identity.issuers[0].algorithms[0]: must be `RS256`, `RS384`, `RS512`, `PS256`, `PS384`, `PS512`, `ES256`, `ES384`, `ES512`, `EdDSA` or `Ed25519`',
  ],
  [
    'a client of a connection that there is not, for which holding is set,',
    'connections: { db: { url: "https://db" } }\nhold:\n  clients:\n    - { connections: [db, dv], replyBudget: 10s }\n',
    'holdpoint.yaml:4: hold.clients[0].connections: names "dv", which is no connection of this file',
  ],
  ['YAML that is none', 'a: b: c\n', 'holdpoint.yaml:1: Nested mappings are not allowed in compact mappings'],
  ['a file that is a list', '- a\n', 'holdpoint.yaml:1: must be a map'],
];
for (const [what, text, message] of refused)
  test(`${what} is refused with file, line and remedy`, async () => {
    assert.equal(await refusal(text), message);
  });

test('a variable or file that is not there is named, and where it was asked for', async () => {
  assert.equal(
    await refusal('database:\n  url: "postgres://u:${DB_PASSWORD}@db/x"\n'),
    'holdpoint.yaml:2: database.url: the environment variable DB_PASSWORD is not set; set it, or remove this setting',
  );
  assert.equal(
    await refusal('database:\n  url: "${file:secrets/url}"\n'),
    'holdpoint.yaml:2: database.url: the file /srv/secrets/url cannot be read (ENOENT); create it, or let this user read it',
  );
  assert.match(await refusal('policy: "${not closed"\n'), /without `\}`/);
  assert.match(await refusal('policy: "${a-b}"\n'), /neither `\$\{NAME\}` nor/);
});

test('what is put in for a reference is not looked at again, and a doubled dollar is a dollar', async () => {
  const config = await load('policy: "$${x}-${A}"\n', { A: '${B}' });
  assert.equal(config.policy, '/srv/${x}-${B}');
});

test('no value of a secret is repeated in an error', async () => {
  const canary = 'canary-4711';
  const message = await refusal(
    `slack: { botToken: "\${T}", appToken: "\${T}" }\nkeys: { encryption: "\${T}" }\ndatabase: { url: "\${T}" }\nconnections: { x: { url: "\${T}", headers: { A: "\${U}" } } }\n`,
    { T: canary, U: `${canary}\n` },
  );
  assert.ok(message.split('\n').length >= 5);
  assert.ok(!message.includes(canary), message);
});

test('a secret that trips the YAML parser is not repeated either', async () => {
  for (const written of [
    '!canary4711',
    '*canary4711',
    '"\\canary4711"',
    '@canary4711',
    'a "canary4711',
    '"a" canary4711',
    '{canary4711',
    '[a: canary4711]]',
    '&canary4711 &b c',
    '|canary4711',
    '`canary4711',
    '%canary4711',
  ]) {
    const message = await refusal(`slack:\n  botToken: ${written}\n`);
    assert.match(message, /^holdpoint\.yaml:\d+: /, written);
    assert.ok(!message.replace('slack.botToken', '').includes('canary'), message);
  }
});

test('the environment wins over the file, and is named where it is wrong', async () => {
  const file = 'agents: { listen: "127.0.0.1:1" }\nlog: { level: warn }\n';
  const config = await load(
    file,
    {
      HOLDPOINT_AGENTS_LISTEN: '127.0.0.1:2',
      HOLDPOINT_AGENTS_ALLOWED_ORIGINS: 'https://a.example, https://b.example',
      HOLDPOINT_AGENTS_LIMITS_HELD_CALLS_PER_CALLER: '7',
      HOLDPOINT_TEMPORAL_TLS: 'true',
      HOLDPOINT_CONNECTIONS: '{ x: { command: [run, me] } }',
      HOLDPOINT_IDENTITY_ISSUERS: '[{ "issuer": "https://idp.example" }]',
      HOLDPOINT_DATABASE_URL: '${file:db-url}',
      HOLDPOINT_CONFIG: '',
    },
    { 'db-url': 'postgres://db/x\n' },
  );
  assert.deepEqual(config.agents.listen, { host: '127.0.0.1', port: 2 });
  assert.deepEqual(config.agents.allowedOrigins, ['https://a.example', 'https://b.example']);
  assert.equal(config.agents.limits.heldCallsPerCaller, 7);
  assert.deepEqual(config.temporal.tls, { ca: null, cert: null, key: null, serverName: null });
  assert.deepEqual(Object.keys(config.connections), ['x']);
  assert.equal(config.identity.issuers[0]?.issuer, 'https://idp.example');
  assert.equal(config.database.url, 'postgres://db/x');
  assert.equal(config.log.level, 'warn');
  assert.equal(
    await refusal(file, {
      HOLDPOINT_AGENTS_LISTEN: 'x',
      HOLDPOINT_CONNECTIONS: '{ a: { command: [x], b: 1 } }',
    }),
    'environment: HOLDPOINT_AGENTS_LISTEN: must be `HOST:PORT`, such as `127.0.0.1:8470` or `[::1]:8470`\nenvironment: HOLDPOINT_CONNECTIONS: a.b: unknown key; remove it or correct it',
  );
});

test('a variable that is not quite YAML is refused without a word of its value anywhere', async (t) => {
  const warnings: Error[] = [];
  const listener = (warning: Error): void => void warnings.push(warning);
  process.on('warning', listener);
  t.after(() => process.off('warning', listener));
  assert.equal(
    await refusal(null, { HOLDPOINT_KEYS_VOTES_PUBLIC_KEYS: '!canary-4711 x' }),
    'environment: HOLDPOINT_KEYS_VOTES_PUBLIC_KEYS: is not valid YAML or JSON',
  );
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(warnings, []);
});

test('a reference that cannot be filled in does not matter where a variable sets the value', async () => {
  const config = await load('database: { url: "${NOT_SET}" }\n', {
    HOLDPOINT_DATABASE_URL: 'postgres://db/x',
  });
  assert.equal(config.database.url, 'postgres://db/x');
});

test('checkpoints go where the file says, and into the data directory when it says nothing', async () => {
  const fallback = await load(null);
  assert.deepEqual(fallback.recording, {
    origin: 'holdpoint.local/log',
    signingKey: null,
    checkpoints: [{ kind: 'file', path: '/srv/.holdpoint/checkpoint' }],
    witnesses: [],
    retention: [],
    purgeEveryMs: 3_600_000,
  });
  const config = await load(
    `
recording:
  origin: holdpoint.example.com/log
  checkpoints:
    - file: out/checkpoint
    - { webhook: https://hooks.example/x, secret: "\${HOOK}" }
    - s3: { bucketUrl: https://b.s3.example, key: checkpoint, region: eu, accessKeyId: a, secretAccessKey: s }
  witnesses: [{ url: https://witness.example, key: witness.example+1a2b3c4d+AAAA }]
`,
    { HOOK: `whsec_${Buffer.alloc(24, 1).toString('base64')}` },
  );
  assert.deepEqual(
    config.recording.checkpoints.map(({ kind }) => kind),
    ['file', 'webhook', 's3'],
  );
  assert.deepEqual(config.recording.checkpoints[0], { kind: 'file', path: '/srv/out/checkpoint' });
  assert.equal(
    await refusal('recording:\n  checkpoints:\n    - { file: a, webhook: https://b }\n'),
    'holdpoint.yaml:3: recording.checkpoints[0]: needs exactly one of `file`, `webhook`, `s3`, `slack`',
  );
});

test('how long recordings are kept is read in order, and a rule that can never apply is refused', async () => {
  const config = await load(`
recording:
  retention:
    - { connection: postgres, risk: [high, critical], keep: 400d }
    - { risk: low, keep: 12h }
    - { keep: forever }
`);
  assert.deepEqual(config.recording.retention, [
    { connection: 'postgres', risks: ['high', 'critical'], keepMs: 400 * 86_400_000 },
    { connection: null, risks: ['low'], keepMs: 12 * 3_600_000 },
    { connection: null, risks: null, keepMs: null },
  ]);
  assert.equal(
    await refusal('recording:\n  retention:\n    - { keep: 30d }\n    - { connection: a, keep: 90d }\n'),
    'holdpoint.yaml:4: recording.retention[1]: never applies: the rule before it takes every session',
  );
});

test('a key service is one of four kinds, with one way of logging in', async () => {
  const config = await load(
    `
keys:
  kms:
    - vault: { address: https://vault.example:8200, key: holdpoint, tokenFile: run/token }
    - aws: { keyId: alias/holdpoint, region: eu-central-1 }
    - azure: { vaultUrl: https://v.vault.azure.net, key: hp, tenantId: t, clientId: c, clientSecret: "\${S}" }
`,
    { S: 's' },
  );
  assert.deepEqual(
    config.keys.kms.map(({ kind }) => kind),
    ['vault', 'aws', 'azure'],
  );
  assert.deepEqual(config.keys.kms[0]?.kind === 'vault' && config.keys.kms[0].settings.login, {
    kind: 'tokenFile',
    path: '/srv/run/token',
  });
  assert.equal(
    await refusal('keys:\n  kms: { vault: { address: "https://v", key: k } }\n'),
    'holdpoint.yaml:2: keys.kms.vault: needs exactly one of `token`, `tokenFile`, `appRole`, `kubernetes`',
  );
  assert.match(
    (await refusal('keys:\n  kms: { pkcs11: {} }\n')) ?? '',
    /^holdpoint\.yaml:2: keys\.kms: needs exactly one of `vault`, `aws`, `gcp`, `azure`/,
  );
});

test('checkpoints go to Slack only where Slack is configured', async () => {
  const text = 'recording:\n  checkpoints:\n    - slack: { channel: C0AUDIT, every: 6h }\n';
  assert.equal(
    await refusal(text),
    'holdpoint.yaml:3: recording.checkpoints[0].slack: needs `slack.botToken`: checkpoints are posted by the app that is configured there',
  );
  const config = await load(`${text}slack: { botToken: xoxb-1, appToken: xapp-1 }\n`);
  assert.deepEqual(config.recording.checkpoints, [
    { kind: 'slack', channel: 'C0AUDIT', everyMs: 6 * 3_600_000 },
  ]);
});

test('a HOLDPOINT_ variable that sets nothing is refused', async () => {
  assert.equal(
    await refusal(null, { HOLDPOINT_AGENT_LISTEN: 'x' }),
    'environment: HOLDPOINT_AGENT_LISTEN: sets nothing that Holdpoint knows; unset it or correct its name (docs/configuration.md lists all)',
  );
  await load(null, { HOLDPOINT_TEMPORAL_CLI: '/x', HOLDPOINT_TEST_ANYTHING: '1' });
});

test('Slack tokens are understood under their usual names, and anything said explicitly wins', async () => {
  const plain = await load(null, { SLACK_BOT_TOKEN: 'xoxb-plain', SLACK_APP_TOKEN: 'xapp-plain' });
  assert.deepEqual([plain.slack?.botToken, plain.slack?.appToken], ['xoxb-plain', 'xapp-plain']);
  const explicit = await load('slack: { botToken: xoxb-file, appToken: xapp-file }\n', {
    SLACK_BOT_TOKEN: 'xoxb-plain',
    HOLDPOINT_SLACK_APP_TOKEN: 'xapp-env',
  });
  assert.deepEqual([explicit.slack?.botToken, explicit.slack?.appToken], ['xoxb-file', 'xapp-env']);
});

test('a file that was asked for must exist', async () => {
  assert.equal(
    await refusal(null, { HOLDPOINT_CONFIG: 'nowhere.yaml' }),
    'nowhere.yaml: cannot be read (ENOENT); check --config',
  );
});
