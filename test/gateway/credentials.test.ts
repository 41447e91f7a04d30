import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { pino } from 'pino';
import { createBearers } from '../../gateway/credentials/bearers.ts';
import { keepSecrets } from '../../gateway/credentials/kept-secrets.ts';
import { secretStore } from '../../gateway/credentials/secret-stores.ts';
import type {
  CredentialSource,
  SecretStoreSettings,
  TokenClient,
} from '../../gateway/credentials/settings.ts';
import { upstreamTokens } from '../../gateway/credentials/tokens.ts';
import { httpConnection, stdioConnection, type TestGateway, testGateway } from '../support/gateway.ts';
import { namedCallers } from './containment-scene.ts';
import { type Asked, echoingUpstream, type StandIn, standIn } from './credential-servers.ts';
import { handshake, wire, type WireReply } from './wire.ts';

const noMachine = (): Promise<never> => Promise.reject(new Error('no machine credentials here'));
const alice = { authorization: 'Bearer alice' };

interface Setting {
  readonly stores?: Readonly<Record<string, SecretStoreSettings>>;
  readonly source?: CredentialSource;
  readonly query?: string;
  readonly replicaOf?: TestGateway;
  readonly env?: Readonly<Record<string, { store: string; path: string; field: string }>>;
}

async function gatewayWith(upstream: StandIn, setting: Setting): Promise<TestGateway> {
  const bearers = createBearers();
  bearers.saw('oidc:https://idp.test#alice', 'token-of-alice-herself', Date.now() + 60_000);
  const { source, query, env } = setting;
  return testGateway({
    connections: {
      box: {
        ...httpConnection(`${upstream.url}/mcp`),
        ...(source && {
          credentials: {
            in: query === undefined ? 'header' : 'query',
            name: query ?? 'Authorization',
            prefix: query === undefined ? 'Bearer ' : '',
            source,
          },
        }),
      } as never,
      ...(env && {
        local: { ...stdioConnection(['node', 'test/gateway/echo-env.mjs']), secretEnv: env } as never,
      }),
    },
    identifier: namedCallers,
    ...(setting.replicaOf && { replicaOf: setting.replicaOf }),
    injecting: (parts) => ({
      secrets: keepSecrets(
        new Map(
          Object.entries(setting.stores ?? {}).map(([name, one]) => [name, secretStore(one, noMachine)]),
        ),
        pino({ level: 'silent' }),
      ),
      tokens: upstreamTokens(parts),
      bearers,
    }),
  });
}

async function call(
  gateway: TestGateway,
  connection = 'box',
  headers: Record<string, string> = alice,
): Promise<WireReply> {
  const session = await handshake(gateway.url(connection), '2025-06-18', headers);
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo' } });
  return wire(gateway.url(connection), body, session);
}

/** Begins a session; the answer may be a refusal. */
function begin(gateway: TestGateway, headers: Record<string, string>): Promise<WireReply> {
  const clientInfo = { name: 'w', version: '1' };
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
  return wire(gateway.url('box'), body, headers);
}

/** Nothing that was injected may be seen in an answer, a log line, or any table. */
async function assertUnseen(gateway: TestGateway, reply: WireReply, secret: string): Promise<void> {
  const forms = [
    secret,
    Buffer.from(secret).toString('base64').replaceAll('=', ''),
    Buffer.from(secret).toString('hex'),
  ];
  const { rows } = await gateway.db.pool.query<{ all: string }>(
    `select string_agg(query_to_xml(format('select * from %I', table_name), true, false, '')::text, '') as all
     from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
  );
  for (const form of forms)
    for (const [where, text] of [
      ['answer', reply.text],
      ['log', gateway.log.join('\n')],
      ['database', rows[0]?.all ?? ''],
    ])
      assert.ok(!text?.includes(form), `${form} is in the ${where}`);
}

const vaultToken = { kind: 'token', token: 'vault-token' } as const;

test('a secret of Vault (KV version 2, by AppRole) is injected, and never seen in an answer, a record or a log, however upstream echoes it', async () => {
  const secret = 'kv+secret/of "the" gateway';
  await using vault = await standIn(({ path, body, headers }) => {
    if (path === '/v1/auth/approle/login')
      return body.includes('the-secret-id')
        ? [200, { auth: { client_token: 'issued', lease_duration: 3600 } }]
        : [400, { errors: ['invalid role or secret ID'] }];
    if (headers['x-vault-token'] !== 'issued') return [403, { errors: ['permission denied'] }];
    if (path === '/v1/secret/data/box')
      return [
        200,
        { lease_id: '', lease_duration: 0, data: { data: { key: secret }, metadata: { version: 3 } } },
      ];
    return [404, { errors: [] }];
  });
  await using upstream = await echoingUpstream();
  const login = { kind: 'appRole', mount: 'approle', roleId: 'r', secretId: 'the-secret-id' } as const;
  await using gateway = await gatewayWith(upstream, {
    stores: { vault: { kind: 'vault', address: vault.url, namespace: null, login } },
    source: { kind: 'secret', secret: { store: 'vault', path: 'secret/data/box', field: 'key' } },
  });
  const reply = await call(gateway);
  assert.equal(upstream.asked.at(-1)?.headers.authorization, `Bearer ${secret}`);
  assert.equal(reply.status, 200, reply.text);
  assert.match(reply.text, /credential removed by Holdpoint/);
  await assertUnseen(gateway, reply, secret);
  await call(gateway);
  assert.equal(vault.asked.filter(({ path }) => path.includes('/data/')).length, 1, 'read once');
});

test('without Vault nothing is sent, and the client is told that it may try again', async () => {
  const vault = await standIn(() => [503, { errors: ['sealed with token hvs.abc'] }]);
  await using upstream = await echoingUpstream();
  await using gateway = await gatewayWith(upstream, {
    stores: { vault: { kind: 'vault', address: vault.url, namespace: null, login: vaultToken } },
    source: { kind: 'secret', secret: { store: 'vault', path: 'secret/data/box', field: 'key' } },
  });
  for (const state of ['sealed', 'gone']) {
    if (state === 'gone') await vault[Symbol.asyncDispose]();
    const reply = await begin(gateway, alice);
    assert.equal(reply.json?.error?.data?.['code'], 'credentials_unavailable', reply.text);
    assert.equal(reply.json?.error?.data?.['retryable'], true);
    assert.match(reply.json?.error?.message ?? '', /nothing was sent/);
    assert.doesNotMatch(reply.text, /hvs/);
  }
  assert.equal(upstream.asked.length, 0);
});

test('database credentials of Vault go into the environment of a process, both of one lease, which is renewed', async () => {
  await using vault = await standIn(({ path, method }) => {
    if (path === '/v1/database/creds/app' && method === 'GET')
      return [
        200,
        {
          lease_id: 'database/creds/app/1',
          lease_duration: 1,
          renewable: true,
          data: { username: 'v-app-user-1', password: 'dynamic-password-1' },
        },
      ];
    if (path === '/v1/sys/leases/renew')
      return [200, { lease_id: 'database/creds/app/1', lease_duration: 1 }];
    return [404, { errors: [] }];
  });
  await using upstream = await echoingUpstream();
  await using gateway = await gatewayWith(upstream, {
    stores: { vault: { kind: 'vault', address: vault.url, namespace: null, login: vaultToken } },
    env: {
      PGUSER: { store: 'vault', path: 'database/creds/app', field: 'username' },
      PGPASSWORD: { store: 'vault', path: 'database/creds/app', field: 'password' },
    },
  });
  const reply = await call(gateway, 'local');
  assert.match(reply.text, /credential removed by Holdpoint/, reply.text);
  await assertUnseen(gateway, reply, 'dynamic-password-1');
  assert.match(reply.text, /"got":2/, 'both were there');
  const renewed = (): number => vault.asked.filter(({ path }) => path.endsWith('/renew')).length;
  for (const late = Date.now() + 10_000; renewed() < 2 && Date.now() < late; )
    await new Promise((done) => setTimeout(done, 50));
  assert.ok(renewed() >= 2, 'the lease is renewed, and again');
  assert.equal(vault.asked.filter(({ path }) => path.includes('/creds/')).length, 1);
});

test('secrets of AWS, Google and Azure are read as their APIs say', async () => {
  const secret = 'cloud-secret-value';
  const seen: Asked[] = [];
  await using cloud = await standIn((asked) => {
    seen.push(asked);
    if (asked.headers['x-amz-target'] === 'secretsmanager.GetSecretValue')
      return asked.body === '{"SecretId":"prod/box"}'
        ? [200, { Name: 'prod/box', SecretString: JSON.stringify({ key: secret }) }]
        : [400, { __type: 'ResourceNotFoundException' }];
    if (asked.path === '/v1/projects/p/secrets/box/versions/latest:access')
      return [200, { name: 'x', payload: { data: Buffer.from(secret).toString('base64') } }];
    if (asked.path === '/secrets/box?api-version=7.4') return [200, { value: secret, id: 'x' }];
    if (asked.path.endsWith('/token')) return [200, { access_token: 'cloud-access-token', expires_in: 3600 }];
    return [404, {}];
  });
  const { privateKey } = await (await import('jose')).generateKeyPair('RS256', { extractable: true });
  const account = {
    client_email: 'a@p.example',
    private_key: await (await import('jose')).exportPKCS8(privateKey),
    token_uri: `${cloud.url}/token`,
  };
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'aws-secret-access-key' };
  const client = { tenantId: 't', clientId: 'c', clientSecret: 's', authority: cloud.url };
  const stores: Record<string, SecretStoreSettings> = {
    aws: { kind: 'aws', region: 'eu-north-1', endpoint: `${cloud.url}/`, credentials },
    gcp: { kind: 'gcp', endpoint: cloud.url, serviceAccount: account },
    azure: { kind: 'azure', vaultUrl: cloud.url, client },
  };
  const kept = keepSecrets(
    new Map(Object.entries(stores).map(([name, one]) => [name, secretStore(one, noMachine)])),
    pino({ level: 'silent' }),
  );
  assert.equal(await kept.value('box', { store: 'aws', path: 'prod/box', field: 'key' }), secret);
  const path = 'projects/p/secrets/box/versions/latest';
  assert.equal(await kept.value('box', { store: 'gcp', path, field: null }), secret);
  assert.equal(await kept.value('box', { store: 'azure', path: 'box', field: null }), secret);
  assert.match(
    seen.find(({ headers }) => headers['x-amz-target'])?.headers.authorization ?? '',
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-north-1\/secretsmanager\/aws4_request/,
  );
  await assert.rejects(kept.value('box', { store: 'aws', path: 'prod/other', field: null }), {
    code: 'credentials_unavailable',
  });
  await assert.rejects(kept.value('box', { store: 'aws', path: 'prod/box', field: 'absent' }), {
    code: 'credentials_unavailable',
  });
  kept.close();
});

const client = (tokenUrl: string): TokenClient => ({
  tokenUrl,
  clientId: 'holdpoint',
  clientSecret: 'client-secret-of-holdpoint',
  scope: 'tools',
  audience: null,
  resource: 'https://box.example/mcp',
});

test('a token by client credentials is fetched once for all replicas, anew before it expires, and anew when upstream refuses it', async () => {
  let issued = 0;
  let livesSeconds = 3600;
  await using idp = await standIn(({ headers, body }) => {
    const wanted = `Basic ${Buffer.from('holdpoint:client-secret-of-holdpoint').toString('base64')}`;
    if (headers.authorization !== wanted) return [401, { error: 'invalid_client' }];
    assert.deepEqual(Object.fromEntries(new URLSearchParams(body)), {
      grant_type: 'client_credentials',
      scope: 'tools',
      resource: 'https://box.example/mcp',
    });
    return [
      200,
      { access_token: `machine-token-${++issued}`, token_type: 'Bearer', expires_in: livesSeconds },
    ];
  });
  await using upstream = await echoingUpstream();
  const source = { kind: 'clientCredentials', client: client(`${idp.url}/token`) } as const;
  await using one = await gatewayWith(upstream, { source });
  await using two = await gatewayWith(upstream, { source, replicaOf: one });
  const replies = await Promise.all([call(one), call(two), call(one), call(two)]);
  assert.equal(issued, 1, 'once for both');
  for (const reply of replies) await assertUnseen(one, reply, 'machine-token-1');
  // Refused: before anything was done, so another one is fetched, once for both, and the request goes once more.
  const { answer } = upstream;
  upstream.answer = (asked) => (asked.headers.authorization?.endsWith('-1') ? [401, {}] : answer(asked));
  livesSeconds = 100;
  const again = await Promise.all([call(one), call(two), call(one), call(two)]);
  for (const reply of again) assert.equal(reply.status, 200, reply.text);
  assert.equal(issued, 2, 'once for both');
  await call(one);
  assert.equal(issued, 2);
  // Four fifths of its life are over.
  const { now } = Date;
  const later = mock.method(Date, 'now', () => now() + 81_000);
  await call(one);
  later.mock.restore();
  assert.equal(issued, 3);
  // One that refuses whatever it is given is asked twice, and no more.
  upstream.answer = () => [401, {}];
  const before = upstream.asked.length;
  assert.equal((await begin(one, alice)).json?.error?.data?.['code'], 'upstream_unauthorized');
  assert.equal(upstream.asked.length - before, 2);
});

test('a token on behalf of whoever calls is exchanged for their own; of whom none is known, nothing is sent', async () => {
  await using idp = await standIn(({ body }) => {
    const asked = new URLSearchParams(body);
    assert.equal(asked.get('grant_type'), 'urn:ietf:params:oauth:grant-type:token-exchange');
    return asked.get('subject_token') === 'token-of-alice-herself'
      ? [
          200,
          {
            access_token: 'exchanged-for-alice',
            token_type: 'Bearer',
            issued_token_type: 'x',
            expires_in: 60,
          },
        ]
      : [400, { error: 'invalid_grant', error_description: 'token-of-alice-herself' }];
  });
  await using upstream = await echoingUpstream();
  const source = { kind: 'tokenExchange', client: client(`${idp.url}/token`) } as const;
  await using gateway = await gatewayWith(upstream, { source, query: 'api_key' });
  const reply = await call(gateway);
  assert.match(upstream.asked.at(-1)?.path ?? '', /\?api_key=exchanged-for-alice$/);
  await assertUnseen(gateway, reply, 'exchanged-for-alice');
  await assertUnseen(gateway, reply, 'token-of-alice-herself');
  const sent = upstream.asked.length;
  const refused = await begin(gateway, { authorization: 'Bearer bob' });
  assert.equal(refused.json?.error?.data?.['code'], 'credentials_unavailable');
  assert.equal(upstream.asked.length, sent, 'nothing was sent for bob');
});
