import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { Client } from 'pg';
import { pino } from 'pino';
import { freePort } from '../../cli/embedded/postgres.ts';
import { keyRingOf } from '../../cli/key-services.ts';
import { run as keys } from '../../cli/commands/keys.ts';
import { keepSecrets } from '../../gateway/credentials/kept-secrets.ts';
import { secretStore } from '../../gateway/credentials/secret-stores.ts';
import { newDataKey } from '../../recording/key-ring.ts';
import { vaultKeys, type VaultLogin } from '../../recording/keys/vault.ts';
import { facts, message, recorderOn, sequenceAll, verifyPool } from '../recording/support.ts';
import { cacheFolder, goProgram, serving } from '../support/fetched.ts';
import { testDatabase } from '../support/postgres.ts';

/** HashiCorp Vault in development mode: transit, KV version 2, and users of a PostgreSQL made for each lease. */
const version = 'v1.21.0';
const cache = await cacheFolder('counterparts');
const module = 'github.com/hashicorp/vault';
const program = await goProgram(cache, 'vault', { module, version, tags: 'minimal' });
const plugin = await goProgram(cache, 'vault-postgresql', {
  module,
  version,
  package: `${module}/plugins/database/postgresql/postgresql-database-plugin`,
});

const home = await mkdtemp(join(tmpdir(), 'holdpoint-vault-'));
const plugins = join(home, 'plugins');
const config = join(home, 'vault.json');
await mkdir(plugins);
await copyFile(plugin, join(plugins, basename(plugin)));
await writeFile(config, JSON.stringify({ plugin_directory: plugins }));
const listen = `127.0.0.1:${await freePort()}`;
const address = `http://${listen}`;
const root = 'root-token-of-this-test';
const vault = await serving(
  program,
  [
    'server',
    '-dev',
    '-dev-no-store-token',
    `-dev-root-token-id=${root}`,
    `-dev-listen-address=${listen}`,
    `-config=${config}`,
  ],
  async () => (await fetch(`${address}/v1/sys/health`)).ok,
  { env: { HOME: home } },
);
after(async () => {
  await vault[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

/** Asks Vault as its operator does. */
async function operator(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${address}/v1/${path}`, {
    method,
    headers: { 'x-vault-token': root },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${path}: ${answer.status} ${text}`);
  return (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
}

const put = (path: string, body: object): Promise<Record<string, unknown>> => operator('POST', path, body);
const data = (answer: Record<string, unknown>): Record<string, string> =>
  answer['data'] as Record<string, string>;

// What docs/recording.md and docs/credentials.md tell the operator to allow, and no more.
await put('sys/mounts/transit', { type: 'transit' });
await put('transit/keys/holdpoint', { type: 'aes256-gcm96' });
await put('sys/policies/acl/holdpoint', {
  policy: `path "transit/encrypt/holdpoint" { capabilities = ["update"] }
    path "transit/decrypt/holdpoint" { capabilities = ["update"] }
    path "secret/data/box" { capabilities = ["read"] }
    path "database/creds/app" { capabilities = ["read"] }
    path "sys/leases/renew" { capabilities = ["update"] }`,
});
await put('sys/auth/approle', { type: 'approle' });
await put('auth/approle/role/holdpoint', { token_policies: ['holdpoint'], token_ttl: '1h' });
const roleId = data(await operator('GET', 'auth/approle/role/holdpoint/role-id'))['role_id'] ?? '';
const secretId = data(await put('auth/approle/role/holdpoint/secret-id', {}))['secret_id'] ?? '';
const login: VaultLogin = { kind: 'appRole', mount: 'approle', roleId, secretId };

const settings = { address, mount: 'transit', key: 'holdpoint', namespace: null, login };

test('transit wraps and unwraps, for one owner only, and its rotation shows in the key id', async () => {
  const source = vaultKeys(settings);
  const dataKey = newDataKey();
  const first = await source.wrap(dataKey, 'session 1');
  assert.equal(first.kekId, 'vault:transit/holdpoint:v1');
  await put('transit/keys/holdpoint/rotate', {});
  const second = await source.wrap(dataKey, 'session 1');
  assert.equal(second.kekId, 'vault:transit/holdpoint:v2');
  for (const wrapped of [first, second])
    assert.deepEqual(Buffer.from(await source.unwrap(wrapped, 'session 1')), dataKey);
  await assert.rejects(source.unwrap(first, 'session 2'), { code: 'key_service_refused' });
});

test('a token that was revoked is fetched anew, and a wrong secret id is refused', async () => {
  const source = vaultKeys(settings);
  const wrapped = await source.wrap(newDataKey(), 'x');
  const { data: held } = await operator('LIST', 'auth/token/accessors');
  for (const accessor of (held as { keys: string[] }).keys) {
    const token = data(await put('auth/token/lookup-accessor', { accessor }));
    if (token['display_name'] === 'approle') await put('auth/token/revoke-accessor', { accessor });
  }
  await source.unwrap(wrapped, 'x');
  const stranger = vaultKeys({ ...settings, login: { ...login, secretId: 'another' } });
  await assert.rejects(stranger.wrap(newDataKey(), 'x'), { code: 'key_service_refused' });
});

test('a recording is sealed with Vault, wrapped anew after a rotation, and verifies without the old version', async () => {
  await using db = await testDatabase();
  const ring = keyRingOf([{ kind: 'vault', settings }], [newDataKey()]);
  const recorder = recorderOn(db.pool, { keyRing: ring });
  for (const id of ['a', 'b', 'c']) await recorder.append(facts(id), message('{"n":1}'));
  await recorder.close();
  const { latest_version: latest } = data(await operator('GET', 'transit/keys/holdpoint'));
  await put('transit/keys/holdpoint/rotate', {});
  let out = '';
  const opened = { pool: db.pool, keyRing: ring, recordAct: async () => {} };
  const said = { opened, err: (text: string) => (out += text), out: (text: string) => (out += text) };
  assert.equal(await keys(['rewrap'], said), 0);
  assert.match(
    out,
    new RegExp(`^3 keys wrapped anew with vault:transit/holdpoint:v${Number(latest) + 1}$`, 'm'),
  );
  await put('transit/keys/holdpoint/config', { min_decryption_version: Number(latest) + 1 });
  await sequenceAll(db.pool);
  const fresh = keyRingOf([{ kind: 'vault', settings }], [newDataKey()]);
  assert.deepEqual((await verifyPool(db.pool, [], fresh)).problems, []);
});

test('secrets of KV version 2 are read, and one that may not be read is refused', async () => {
  await put('secret/data/box', { data: { key: 'the first', port: 5432 } });
  const store = secretStore({ kind: 'vault', address, namespace: null, login }, async () => assert.fail());
  const kept = keepSecrets(new Map([['vault', store]]), pino({ level: 'silent' }));
  const at = (path: string, field: string): Promise<string> =>
    kept.value('box', { store: 'vault', path, field });
  assert.equal(await at('secret/data/box', 'key'), 'the first');
  assert.equal(await at('secret/data/box', 'port'), '5432');
  await put('secret/data/box', { data: { key: 'the second' } });
  kept.forget({ store: 'vault', path: 'secret/data/box', field: 'key' });
  assert.equal(await at('secret/data/box', 'key'), 'the second');
  await assert.rejects(at('secret/data/other', 'key'), { code: 'credentials_unavailable' });
  await assert.rejects(store.read('secret/data/other'), /Vault answered 403/);
  kept.close();
});

test('a database user is made for the lease, lives while it is renewed, and is gone with it', async () => {
  await using db = await testDatabase();
  const server = new URL(db.url);
  const sha256 = createHash('sha256')
    .update(await readFile(plugin))
    .digest('hex');
  const name = 'holdpoint-postgresql';
  await put(`sys/plugins/catalog/database/${name}`, { sha256, command: basename(plugin) });
  await put('sys/mounts/database', { type: 'database' });
  await put('database/config/pg', {
    plugin_name: name,
    allowed_roles: 'app',
    connection_url: `postgresql://{{username}}:{{password}}@${server.host}${server.pathname}?sslmode=disable`,
    username: decodeURIComponent(server.username),
    password: decodeURIComponent(server.password),
  });
  await put('database/roles/app', {
    db_name: 'pg',
    creation_statements: [
      `create role "{{name}}" with login password '{{password}}' valid until '{{expiration}}'`,
    ],
    default_ttl: '2s',
    max_ttl: '6s',
  });
  const store = secretStore({ kind: 'vault', address, namespace: null, login }, async () => assert.fail());
  const kept = keepSecrets(new Map([['vault', store]]), pino({ level: 'silent' }));
  const reference = (field: string) => ({ store: 'vault', path: 'database/creds/app', field });
  const user = await kept.value('box', reference('username'));
  const password = await kept.value('box', reference('password'));
  const signedIn = async (as: string, secret: string): Promise<boolean> => {
    const url = new URL(db.url);
    [url.username, url.password] = [as, secret];
    const client = new Client({ connectionString: url.href });
    try {
      await client.connect();
      const { rows } = await client.query<{ me: string }>('select current_user as me');
      return rows[0]?.me === as;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => {}); // never connected
    }
  };
  assert.equal(await signedIn(user, password), true);
  await new Promise((done) => setTimeout(done, 3500));
  assert.equal(await kept.value('box', reference('username')), user, 'renewed beyond its first two seconds');
  assert.equal(await signedIn(user, password), true);
  // At the end of its longest life a new one is taken.
  let next = user;
  for (const late = Date.now() + 20_000; next === user && Date.now() < late; ) {
    await new Promise((done) => setTimeout(done, 200));
    next = await kept.value('box', reference('username'));
  }
  assert.notEqual(next, user);
  assert.equal(await signedIn(next, await kept.value('box', reference('password'))), true);
  for (const late = Date.now() + 20_000; (await signedIn(user, password)) && Date.now() < late; )
    await new Promise((done) => setTimeout(done, 200));
  assert.equal(await signedIn(user, password), false, 'the first one is gone');
  kept.close();
  await put('sys/leases/revoke-prefix/database/creds/app', {});
});
