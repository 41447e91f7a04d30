import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt, type JWTPayload } from 'jose';
import type { Page } from 'playwright-core';
import type { LoginSettings } from '../../../console/deps.ts';
import { type TestBrowser, testBrowser } from '../../support/browser.ts';
import { type CountingUpstream, startCountingUpstream } from '../../support/counting-upstream.ts';
import { connectAs, program } from '../../support/oauth-program.ts';
import { selfSigned } from '../../support/saml-provider.ts';
import { type SignInScene, signInScene } from '../../support/sign-in-scene.ts';
import { keycloakAdmin, type Representation } from '../admin.ts';
import { company } from '../company.ts';
import { atKeycloak, letIn } from '../person.ts';

const admin = keycloakAdmin(process.env['HOLDPOINT_TEST_KEYCLOAK'] ?? '');
let upstream: CountingUpstream;
let browser: TestBrowser;

before(async () => {
  upstream = await startCountingUpstream();
  browser = await testBrowser();
});
after(async () => {
  await browser?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
});

/** What Keycloak publishes of itself, as an administrator copies it into holdpoint.yaml. */
async function metadataOf(realm: string): Promise<{ entityId: string; entryPoint: string; certs: string[] }> {
  const xml = await (await fetch(`${admin.url}/realms/${realm}/protocol/saml/descriptor`)).text();
  return {
    entityId: /entityID="([^"]+)"/.exec(xml)?.[1] ?? '',
    entryPoint:
      /SingleSignOnService Binding="urn:oasis:names:tc:SAML:2\.0:bindings:HTTP-Redirect" Location="([^"]+)"/.exec(
        xml,
      )?.[1] ?? '',
    certs: [...xml.matchAll(/<ds:X509Certificate>([^<]+)</g)].map(
      ([, body = '']) =>
        `-----BEGIN CERTIFICATE-----\n${body.replace(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----`,
    ),
  };
}

async function samlScene(more: Partial<Extract<LoginSettings, { mode: 'saml' }>> = {}): Promise<SignInScene> {
  return signInScene({
    upstreamUrl: upstream.url,
    login: async (consoleUrl) => {
      await admin.makeRealm(company(consoleUrl, 'http://gateway.example'));
      const { entityId, entryPoint, certs } = await metadataOf('company');
      return {
        mode: 'saml',
        idpEntityId: entityId,
        entryPoint,
        idpCerts: certs,
        entityId: `${consoleUrl}/login/saml/metadata`,
        groupsAttribute: 'groups',
        emailAttribute: 'email',
        nameAttribute: 'name',
        subjectAttribute: null,
        clockSkewMs: 30_000,
        privateKey: null,
        publicCert: null,
        ...more,
      };
    },
  });
}

/** *Import client* with the console's metadata, then what docs/identity.md says. */
async function makeClient(
  scene: SignInScene,
  attributes: Readonly<Record<string, string>> = {},
  single = 'false',
): Promise<void> {
  const metadata = await (await fetch(new URL('login/saml/metadata', scene.console.publicUrl))).text();
  const client = (await admin.call(
    'POST',
    '/company/client-description-converter',
    metadata,
  )) as Representation;
  const attribute = (name: string, user: string) => ({
    name,
    protocol: 'saml',
    protocolMapper: 'saml-user-property-mapper',
    config: { 'attribute.name': name, 'user.attribute': user, 'attribute.nameformat': 'Basic' },
  });
  const made = {
    ...client,
    attributes: {
      ...(client['attributes'] as object),
      'saml.server.signature': 'true',
      'saml.assertion.signature': 'true',
      saml_name_id_format: 'persistent',
      ...attributes,
    },
    protocolMappers: [
      attribute('email', 'email'),
      attribute('name', 'username'),
      {
        name: 'groups',
        protocol: 'saml',
        protocolMapper: 'saml-group-membership-mapper',
        config: {
          'attribute.name': 'groups',
          single,
          'full.path': 'false',
          'attribute.nameformat': 'Basic',
        },
      },
    ],
  };
  await admin.call('POST', '/company/clients', made);
}

/** Signs in with a program, in a browser of its own. @returns the claims of its access token */
async function signIn(scene: SignInScene, page: Page): Promise<JWTPayload> {
  await using own = await program();
  const agent = await connectAs(own, scene.resource('everything'), async (url) => {
    await letIn(page, url, 'alice');
  });
  await agent.close();
  return decodeJwt(own.kept.tokens?.access_token ?? '');
}

test('a client signs in through Keycloak by SAML, with the groups of its person, in one attribute or in several', async () => {
  await using scene = await samlScene();
  await makeClient(scene, { 'saml.client.signature': 'false' });
  const page = await browser.page();
  const first = await signIn(scene, page);
  assert.deepEqual(first['groups'], ['deployers', 'leads']);
  assert.equal(first['email'], 'alice@example.com');
  // Keycloak signs in whoever it knows without a word, and calls that the time of the proof.
  const provenAt = async (): Promise<unknown> => {
    const sql = 'select proven_at from console_sessions order by signed_in_at desc limit 1';
    return (await scene.db.pool.query<{ proven_at: Date | null }>(sql)).rows[0]?.proven_at;
  };
  await page.goto(new URL('login/start', scene.console.publicUrl).href);
  await page.getByRole('heading', { name: 'Approvals' }).waitFor();
  assert.equal(await provenAt(), null);
  await page.goto(new URL('login/start?fresh=yes', scene.console.publicUrl).href);
  await atKeycloak(page, 'alice');
  await page.getByRole('heading', { name: 'Approvals' }).waitFor();
  assert.ok((await provenAt()) instanceof Date);
});

test('Keycloak takes the console’s metadata as it is where requests are signed; groups come in one attribute, too', async () => {
  const { key, cert } = selfSigned();
  await using scene = await samlScene({ privateKey: key, publicCert: cert });
  await makeClient(scene, {}, 'true');
  const first = await signIn(scene, await browser.page());
  assert.deepEqual(first['groups'], ['deployers', 'leads']);
});

test('while a certificate of Keycloak’s next key is configured beside the present one, it rotates without anybody noticing', async () => {
  const certs: string[] = [];
  await using scene = await samlScene({ idpCerts: certs });
  const { id } = (await admin.call('GET', '/company')) as { id: string };
  certs.push(...(await metadataOf('company')).certs);
  await admin.call('POST', '/company/components', {
    name: 'next',
    parentId: id,
    providerId: 'rsa-generated',
    providerType: 'org.keycloak.keys.KeyProvider',
    config: { priority: ['200'], enabled: ['true'], active: ['true'], algorithm: ['RS256'] },
  });
  const next = (await metadataOf('company')).certs;
  assert.equal(next.length, 2);
  certs.push(...next.filter((cert) => !certs.includes(cert)));
  await makeClient(scene, { 'saml.client.signature': 'false' });
  const claims = await signIn(scene, await browser.page());
  assert.deepEqual(claims['groups'], ['deployers', 'leads']);
});

test('encrypted assertions and name ids that do not last let nobody in, and the log says which it was', async () => {
  for (const [attributes, said] of [
    [{ 'saml.encrypt': 'true', 'saml.encryption.certificate': '' }, /algorithm|encrypt/],
    [{ saml_name_id_format: 'transient', saml_force_name_id_format: 'true' }, /changes with each sign-in/],
  ] as const) {
    const { cert } = selfSigned();
    await using scene = await samlScene();
    await makeClient(scene, {
      'saml.client.signature': 'false',
      ...attributes,
      ...('saml.encrypt' in attributes && {
        'saml.encryption.certificate': cert.replace(/-----[^-]+-----|\n/g, ''),
      }),
    });
    const page = await browser.page();
    await page.goto(new URL('login/start', scene.console.publicUrl).href);
    await atKeycloak(page, 'alice');
    await page.getByRole('heading', { name: 'You were not signed in' }).waitFor();
    assert.match(scene.log.join(''), said);
  }
});
