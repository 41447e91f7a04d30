import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pino } from 'pino';
import { freePort } from '../../cli/embedded/postgres.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { type SamlAnswer, type SamlProvider, samlProvider, selfSigned } from '../support/saml-provider.ts';
import { fieldsOf, holdCall, type TestConsole, testConsole, type Visitor, visitor } from './support.ts';

let db: TestDatabase;
let idp: SamlProvider;
let console: TestConsole;
/** By how much the console's clock is ahead. */
let later = 0;
/** Why sign-ins were refused, as the console's log says it. */
const refused: string[] = [];
const log = pino({ level: 'warn' }, { write: (line) => void refused.push(String(JSON.parse(line).because)) });

before(async () => {
  db = await testDatabase();
  idp = await samlProvider();
  idp.groups.set('erin', ['dba', 'dev']);
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  console = await testConsole(db.pool, {
    listen: { host: '127.0.0.1', port },
    publicUrl,
    login: idp.login(publicUrl),
    log,
    now: () => new Date(Date.now() + later),
  });
});
after(async () => {
  await console?.[Symbol.asyncDispose]();
  await idp?.[Symbol.asyncDispose]();
  await db?.[Symbol.asyncDispose]();
});

const elsewhere = { origin: 'https://idp.test', 'sec-fetch-site': 'cross-site' };

async function begin(person: Visitor): Promise<string> {
  return (await person.get('/login/start?to=/tokens')).headers.get('location') ?? assert.fail();
}

/** The provider's page posts from another site: without cookies, under its own origin. */
async function arrive(response: string): Promise<Response> {
  return visitor(console.address).post('/login/saml', { SAMLResponse: response }, elsewhere);
}

const text = (response: string): string => Buffer.from(response, 'base64').toString();
const coded = (xml: string): string => Buffer.from(xml).toString('base64');

describe('a SAML provider', () => {
  test('signs a person in, under a key of its own, with the groups that it says', async () => {
    const person = visitor(console.address);
    const arrived = await arrive(await idp.answer(await begin(person)));
    assert.equal(arrived.status, 303, await arrived.text());
    const done = await person.get(arrived.headers.get('location') ?? '');
    assert.deepEqual([done.status, done.headers.get('location')], [303, '/tokens']);
    assert.equal((await person.get('/')).status, 200);
    const { rows } = await db.pool.query<Record<string, unknown>>(
      'select person_keys, subject, email, groups, acr, authenticated_at from console_sessions',
    );
    assert.deepEqual(
      [rows[0]?.['person_keys'], rows[0]?.['email'], rows[0]?.['groups'], rows[0]?.['acr']],
      [
        [`saml:${idp.entityId}#erin`, 'email:erin@example.com'],
        'erin@example.com',
        ['dba', 'dev'],
        'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
      ],
    );
    assert.ok(rows[0]?.['authenticated_at'] instanceof Date);
  });

  test('is believed about the time of a proof only where it was asked for one', async () => {
    for (const [start, proven] of [
      ['/login/start?to=/', false],
      ['/login/start?fresh=yes&to=/', true],
    ] as const) {
      const person = visitor(console.address);
      const asked = (await person.get(start)).headers.get('location') ?? assert.fail();
      const arrived = await arrive(await idp.answer(asked));
      await person.get(arrived.headers.get('location') ?? '');
      const page = await (await person.get('/passkeys')).text();
      assert.equal(page.includes('fresh=yes'), !proven, 'whether it wants another sign-in first');
    }
  });

  test('finds in the metadata where its answers go, and that they must be signed', async () => {
    const metadata = await (await visitor(console.address).get('/login/saml/metadata')).text();
    assert.match(metadata, /WantAssertionsSigned="true"/);
    assert.ok(metadata.includes(`Location="${console.address}/login/saml"`));
  });

  test('signs nobody in by an answer that was used before, or that answers nothing', async () => {
    const person = visitor(console.address);
    const answer = await idp.answer(await begin(person));
    const both = await Promise.all([arrive(answer), arrive(answer)]);
    assert.deepEqual(
      both.map(({ status }) => status).sort((a, b) => a - b),
      [303, 403],
    );
    assert.equal((await arrive(answer)).status, 403);
    const unasked = await idp.answer(await begin(person), { inResponseTo: '_made-up' });
    assert.equal((await arrive(unasked)).status, 403);
    const initiated = await idp.answer(await begin(person), { inResponseTo: '' });
    assert.equal((await arrive(initiated)).status, 403);
  });

  test('signs nobody in to a browser that did not begin', async () => {
    const [attacker, victim] = [visitor(console.address), visitor(console.address)];
    const arrived = await arrive(await idp.answer(await begin(attacker)));
    await begin(victim);
    assert.equal((await victim.get(arrived.headers.get('location') ?? '')).status, 403);
    assert.equal((await victim.get('/')).status, 303);
    assert.equal((await attacker.get(arrived.headers.get('location') ?? '')).status, 403, 'used up');
  });
});

const other = selfSigned();
const wrong: [string, Partial<SamlAnswer>][] = [
  ['for another audience', { audience: 'https://other.example' }],
  ['by another issuer', { issuer: 'https://evil.example' }],
  ['for another address', { recipient: 'https://evil.example/login/saml' }],
  ['signed by another key', other],
  ['whose response is not signed', { signResponse: false }],
  ['whose assertion is not signed', { signAssertion: false }],
  ['that is not signed at all', { signResponse: false, signAssertion: false }],
  ['that has expired', { lifetimeInSeconds: -10 }],
  ['signed with SHA-1', { signatureAlgorithm: 'rsa-sha1', digestAlgorithm: 'sha1' }],
  [
    'for a name that changes each time',
    { nameIdentifierFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient' },
  ],
  ['for nobody', { subject: ' ' }],
];
for (const [what, more] of wrong)
  test(`an answer ${what} signs nobody in`, async () => {
    const answer = await idp.answer(await begin(visitor(console.address)), more);
    assert.equal((await arrive(answer)).status, 403);
  });

const minutesFromNow = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString();
const confirmed = (xml: string, change: (data: string) => string): string =>
  xml.replace(/<saml:SubjectConfirmationData[^>]*>/, change);
/** Said by the provider itself, all of it signed: each is right but for one thing. */
const signedButWrong: [string, (xml: string, otherId: string) => string][] = [
  [
    'whose response answers no request',
    (xml) => xml.replace(/(<samlp:Response[^>]*) InResponseTo="[^"]*"/, '$1'),
  ],
  [
    'whose assertion answers no request',
    (xml) => confirmed(xml, (data) => data.replace(/ InResponseTo="[^"]*"/, '')),
  ],
  [
    'whose assertion answers another request that waits',
    (xml, otherId) =>
      confirmed(xml, (data) => data.replace(/ InResponseTo="[^"]*"/, ` InResponseTo="${otherId}"`)),
  ],
  [
    'whose assertion is vouched for by whoever sends it',
    (xml) => xml.replace('cm:bearer', 'cm:sender-vouches'),
  ],
  [
    'whose assertion is confirmed by nothing',
    (xml) => xml.replace(/<saml:SubjectConfirmation .*<\/saml:SubjectConfirmation>/, ''),
  ],
  [
    'whose assertion may be brought for ever',
    (xml) => confirmed(xml, (data) => data.replace(/ NotOnOrAfter="[^"]*"/, '')),
  ],
  [
    'whose assertion could be brought until a minute ago',
    (xml) =>
      confirmed(xml, (data) =>
        data.replace(/ NotOnOrAfter="[^"]*"/, ` NotOnOrAfter="${minutesFromNow(-1)}"`),
      ),
  ],
  [
    'that was made a quarter of an hour ago, though it would last for hours',
    (xml) =>
      xml
        .replace(/(<saml:Assertion[^>]*) IssueInstant="[^"]*"/, `$1 IssueInstant="${minutesFromNow(-15)}"`)
        .replaceAll(/ NotBefore="[^"]*"/g, ` NotBefore="${minutesFromNow(-15)}"`)
        .replaceAll(/ NotOnOrAfter="[^"]*"/g, ` NotOnOrAfter="${minutesFromNow(300)}"`),
  ],
  [
    'that is good from tomorrow on',
    (xml) => xml.replaceAll(/ NotBefore="[^"]*"/g, ` NotBefore="${minutesFromNow(1_440)}"`),
  ],
  [
    'for every audience',
    (xml) => xml.replace(/<saml:AudienceRestriction>.*<\/saml:AudienceRestriction>/, ''),
  ],
  ['for a name of no letters', (xml) => xml.replace('>erin</saml:NameID>', '></saml:NameID>')],
  [
    'for a name without end',
    (xml) => xml.replace('>erin</saml:NameID>', `>${'x'.repeat(501)}</saml:NameID>`),
  ],
];
for (const [what, change] of signedButWrong)
  test(`an answer ${what} signs nobody in, though its provider signed it`, async () => {
    const other = await begin(visitor(console.address));
    const asked = await begin(visitor(console.address));
    const right = await idp.answer(asked, { edit: (xml) => xml });
    const waiting = /InResponseTo="([^"]+)"/.exec(text(await idp.answer(other)))?.[1] ?? assert.fail();
    const answer = await idp.answer(asked, {
      edit: (xml) => {
        const changed = change(xml, waiting);
        assert.notEqual(changed, xml, 'something is changed');
        return changed;
      },
    });
    assert.equal((await arrive(answer)).status, 403);
    assert.equal((await arrive(right)).status, 303, 'the same without the change signs in');
  });

test('what a provider said of groups counts for deciding for a quarter of an hour, then one signs in again', async () => {
  const person = visitor(console.address);
  const arrived = await arrive(await idp.answer(await begin(person)));
  await person.get(arrived.headers.get('location') ?? '');
  const [first, second] = [await holdCall(db.pool, { people: [] }), await holdCall(db.pool, { people: [] })];
  const form = async (id: string) => ({
    ...fieldsOf(await (await person.get(`/approvals/${id}`)).text()),
    decision: 'approve',
  });
  assert.equal((await person.post(`/approvals/${first}`, await form(first))).status, 200);
  const old = await form(second);
  later = 16 * 60_000;
  try {
    assert.equal((await person.post(`/approvals/${second}`, old)).status, 401);
  } finally {
    later = 0;
  }
  assert.equal(console.acts.length, 1);
});

/** The parts of a signed response that wrapping moves around. */
function parts(xml: string) {
  const assertion = /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(xml)?.[0] ?? assert.fail(xml);
  const signatureOf = (element: string): string =>
    /<Signature[\s\S]*?<\/Signature>/.exec(element)?.[0] ?? assert.fail();
  const outside = xml.replace(assertion, '');
  const responseSignature = signatureOf(outside);
  const bare = assertion.replace(signatureOf(assertion), '');
  const evil = bare.replace(/ID="[^"]+"/, 'ID="_evil"').replaceAll('>erin<', '>root<');
  return { assertion, bare, evil, assertionSignature: signatureOf(assertion), responseSignature };
}

/** The published signature wrapping variants (Somorovsky et al., "On Breaking SAML"), as SAML Raider numbers them. */
const wrappings: [string, (xml: string) => string][] = [
  [
    'XSW1: the signed response inside the signature of a forged one',
    (xml) => {
      const { assertion, evil, responseSignature } = parts(xml);
      const original = xml.replace(responseSignature, '');
      const signature = responseSignature.replace('</Signature>', `<Object>${original}</Object></Signature>`);
      return xml
        .replace(/ID="[^"]+"/, 'ID="_forged"')
        .replace(responseSignature, signature)
        .replace(assertion, evil);
    },
  ],
  [
    'XSW2: the signed response beside a detached signature',
    (xml) => {
      const { assertion, evil, responseSignature } = parts(xml);
      const original = xml.replace(responseSignature, '');
      return xml
        .replace(/ID="[^"]+"/, 'ID="_forged"')
        .replace(assertion, evil)
        .replace(responseSignature, original + responseSignature);
    },
  ],
  [
    'XSW3: a forged assertion before the signed one',
    (xml) => xml.replace(parts(xml).assertion, parts(xml).evil + parts(xml).assertion),
  ],
  [
    'XSW4: a forged assertion around the signed one',
    (xml) => {
      const { assertion, evil } = parts(xml);
      return xml.replace(assertion, evil.replace('</saml:Assertion>', `${assertion}</saml:Assertion>`));
    },
  ],
  [
    'XSW5: the signature in the forged assertion, the signed one at the end',
    (xml) => {
      const { assertion, bare, evil, assertionSignature } = parts(xml);
      const forged = evil.replace('</saml:Issuer>', `</saml:Issuer>${assertionSignature}`);
      return xml.replace(assertion, forged + bare);
    },
  ],
  [
    'XSW6: the signed assertion inside the signature in the forged one',
    (xml) => {
      const { assertion, bare, evil, assertionSignature } = parts(xml);
      const holding = assertionSignature.replace('</Signature>', `<Object>${bare}</Object></Signature>`);
      return xml.replace(assertion, evil.replace('</saml:Issuer>', `</saml:Issuer>${holding}`));
    },
  ],
  [
    'XSW7: a forged assertion in extensions',
    (xml) => {
      const { assertion, evil } = parts(xml);
      return xml.replace(assertion, `<samlp:Extensions>${evil}</samlp:Extensions>${assertion}`);
    },
  ],
  [
    'XSW8: the signed assertion as an object of the signature',
    (xml) => {
      const { assertion, bare, evil, assertionSignature } = parts(xml);
      const holding = assertionSignature.replace('</Signature>', `<Object>${bare}</Object></Signature>`);
      return xml.replace(assertion, evil.replace('<saml:Subject>', `${holding}<saml:Subject>`));
    },
  ],
];
for (const [what, wrap] of wrappings)
  test(`${what} signs nobody in`, async () => {
    const genuine = text(await idp.answer(await begin(visitor(console.address))));
    const forged = wrap(genuine);
    assert.ok(forged.includes('>root<'));
    assert.equal((await arrive(coded(forged))).status, 403);
  });
for (const [what, wrap] of wrappings.slice(2))
  test(`${what} signs nobody in, nor where only the assertion was signed`, async () => {
    const genuine = text(await idp.answer(await begin(visitor(console.address))));
    const forged = wrap(genuine).replace(parts(genuine).responseSignature, '');
    assert.ok(forged.includes('>root<'));
    assert.equal((await arrive(coded(forged))).status, 403);
  });

test('a comment in a name does not cut it short', async () => {
  const subjects = async (): Promise<string[]> => {
    const sql = 'select subject from console_sessions order by signed_in_at';
    return (await db.pool.query<{ subject: string }>(sql)).rows.map(({ subject }) => subject);
  };
  const before = (await subjects()).length;
  const person = visitor(console.address);
  const genuine = text(await idp.answer(await begin(person), { subject: 'erin.evil' }));
  const arrived = await arrive(coded(genuine.replaceAll('>erin.evil<', '>erin<!-- -->.evil<')));
  // Canonical form has no comments, so the signature may hold: the name must then be the whole one.
  if (arrived.status === 303) await person.get(arrived.headers.get('location') ?? '');
  const since = (await subjects()).slice(before);
  assert.ok(!since.includes('erin'), since.join());
});

test('entities, document types and oversized answers are refused before they are parsed', async () => {
  const genuine = text(await idp.answer(await begin(visitor(console.address))));
  const bomb = `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>${genuine}`;
  const xxe = `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>${genuine.replace('>erin<', '>&a;<')}`;
  for (const [xml, why] of [
    [bomb, /^it has a document type/],
    [xxe, /^it has a document type/],
    [genuine + ' '.repeat(300_000), /^it is too long/],
  ] as const) {
    assert.equal((await arrive(coded(xml))).status, 403);
    assert.match(refused.at(-1) ?? '', why);
  }
  assert.equal((await arrive('%%%')).status, 403);
  assert.equal((await arrive('')).status, 403);
});

test('only the place for answers takes forms from other sites', async () => {
  const stranger = visitor(console.address);
  assert.equal((await stranger.post('/logout', {}, elsewhere)).status, 403);
  assert.equal((await stranger.post('/login/saml?x', { SAMLResponse: 'x' }, elsewhere)).status, 403);
});
