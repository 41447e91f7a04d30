import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { createBearers } from '../../gateway/credentials/bearers.ts';
import { keepSecrets } from '../../gateway/credentials/kept-secrets.ts';
import { upstreamTokens } from '../../gateway/credentials/tokens.ts';
import { createIdentifier } from '../../gateway/identify/identify.ts';
import type { ConnectionSettings, HttpTls } from '../../gateway/settings.ts';
import { httpConnection, testGateway } from '../support/gateway.ts';
import { testIssuer } from '../support/issuer.ts';
import { echoingUpstream, standIn } from './credential-servers.ts';
import { handshake, wire, type WireReply } from './wire.ts';

const run = promisify(execFile);

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Makes a certificate and its key, signed by `by` or by itself. */
async function certificate(folder: string, name: string, by: string | null): Promise<Pair> {
  const at = (end: string): string => join(folder, `${name}.${end}`);
  const args = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '1',
  ];
  args.push('-keyout', at('key'), '-out', at('pem'), '-subj', `/CN=${name}`);
  if (by !== null) args.push('-CA', join(folder, `${by}.pem`), '-CAkey', join(folder, `${by}.key`));
  if (by !== null)
    args.push('-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'basicConstraints=CA:false');
  await run('openssl', args);
  return { cert: await readFile(at('pem'), 'utf8'), key: await readFile(at('key'), 'utf8') };
}

const initialize = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'w', version: '1' } },
});

test('a server that demands a client certificate gets the configured one, and nothing goes to a server that is not trusted', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-certs-'));
  try {
    const [ca, otherCa] = [
      await certificate(folder, 'ca', null),
      await certificate(folder, 'other-ca', null),
    ];
    const server = await certificate(folder, 'server', 'ca');
    const client = await certificate(folder, 'holdpoint', 'ca');
    const stranger = await certificate(folder, 'stranger', 'other-ca');
    const seen: unknown[] = [];
    const upstream = createServer(
      { ...server, ca: ca.cert, requestCert: true, rejectUnauthorized: true },
      (request, response) => {
        seen.push((request.socket as TLSSocket).getPeerCertificate().subject.CN);
        const result = {
          protocolVersion: '2025-06-18',
          capabilities: {},
          serverInfo: { name: 'tls', version: '1' },
        };
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result }));
      },
    );
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const url = `https://127.0.0.1:${(upstream.address() as AddressInfo).port}/mcp`;
    const withTls = (tls: Partial<HttpTls>): ConnectionSettings =>
      ({
        ...httpConnection(url),
        tls: { ca: ca.cert, cert: null, key: null, serverName: null, ...tls },
      }) as ConnectionSettings;
    await using gateway = await testGateway({
      connections: {
        right: withTls(client),
        none: withTls({}),
        stranger: withTls(stranger),
        untrusted: withTls({ ...client, ca: otherCa.cert }),
      },
    });
    assert.equal((await wire(gateway.url('right'), initialize)).status, 200);
    assert.deepEqual(seen, ['holdpoint']);
    for (const name of ['none', 'stranger', 'untrusted']) {
      const reply = await wire(gateway.url(name), initialize);
      assert.match(String(reply.json?.error?.data?.['code']), /^upstream_(unreachable|closed)$/, name);
    }
    assert.equal(seen.length, 1, 'no other request reached it');
    assert.ok(!gateway.log.join('').includes('PRIVATE KEY'));
    upstream.closeAllConnections();
    upstream.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('the token that a caller really presented is exchanged, anew when upstream refuses what it gave, and goes no further itself', async () => {
  await using issuer = await testIssuer();
  let given = 0;
  const exchanged: string[] = [];
  await using idp = await standIn(({ body }) => {
    exchanged.push(new URLSearchParams(body).get('subject_token') ?? '');
    return [
      200,
      {
        access_token: `on-behalf-${++given}`,
        token_type: 'Bearer',
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        expires_in: 600,
      },
    ];
  });
  await using upstream = await echoingUpstream();
  const bearers = createBearers();
  const client = { clientId: 'holdpoint', clientSecret: 's', scope: null, audience: null, resource: null };
  const source = { kind: 'tokenExchange', client: { ...client, tokenUrl: `${idp.url}/token` } } as const;
  await using gateway = await testGateway({
    connections: {
      box: {
        ...httpConnection(`${upstream.url}/mcp`),
        credentials: { in: 'header', name: 'Authorization', prefix: 'Bearer ', source },
      } as ConnectionSettings,
    },
    identifier: createIdentifier({ issuers: [issuer.settings], anonymous: null }, { onBearer: bearers.saw }),
    injecting: (parts) => ({
      secrets: keepSecrets(new Map(), pino({ level: 'silent' })),
      tokens: upstreamTokens(parts),
      bearers,
    }),
  });
  const token = await issuer.sign({ aud: 'http://gateway.test/mcp/box' });
  const authorization = { authorization: `Bearer ${token}` };
  const session = await handshake(gateway.url('box'), '2025-06-18', authorization);
  const call = (): Promise<WireReply> =>
    wire(
      gateway.url('box'),
      JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'echo' } }),
      session,
    );
  assert.equal((await call()).status, 200);
  assert.deepEqual(exchanged, [token]);
  const { answer } = upstream;
  upstream.answer = (asked) => (asked.headers.authorization?.endsWith('-1') ? [401, {}] : answer(asked));
  const reply = await call();
  assert.equal(reply.status, 200, reply.text);
  assert.equal(upstream.asked.at(-1)?.headers.authorization, 'Bearer on-behalf-2');
  assert.deepEqual(exchanged, [token, token]);
  for (const { headers, body, path } of upstream.asked)
    assert.ok(!JSON.stringify([headers, body, path]).includes(token), 'the client’s own token stays here');
});
