import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { run } from '../../cli/commands/break-glass.ts';
import { createRecordAct } from '../../console/acts.ts';
import type { BreakGlassDesk } from '../../console/break-glass.ts';
import { digest, statementType } from '../../console/break-glass-request.ts';
import { signStatement } from '../../workflows/signed-statement.ts';
import type { ConsoleDeps } from '../../console/deps.ts';
import { type Identity, localApprover } from '../../console/identity.ts';
import type { Pool } from '../../db/pool.ts';
import { createRecordReader } from '../../db/records-read.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { loadMaskingConfig } from '../../masking/check-config.ts';
import { copyPublicKey } from '../../recording/sealed-copy.ts';
import { facts, keyRing, message, readAll, recorderOn } from '../recording/support.ts';
import { accessibilityProblems, noBrowser, testBrowser } from '../support/browser.ts';
import { type ProviderUser, testProvider } from '../support/oidc-provider.ts';
import { commandApi } from '../support/command-api.ts';
import type { Masked } from '../../masking/masked.ts';
import { testDatabase } from '../support/postgres.ts';
import { fieldsOf, testConsole, type TestConsole, type Visitor, visitor } from './support.ts';

const copyKey = generateKeyPairSync('x25519').privateKey;
const copies = { publicKey: copyPublicKey(copyKey), connections: new Set(['postgres']) };
const votes = generateKeyPairSync('ed25519');
const voteKey = { id: 'k', privateKey: votes.privateKey };
const votePublicKeys = { k: votes.publicKey.export({ format: 'jwk' }).x ?? '' };
const masker = createMaskingEngine(loadMaskingConfig({})).masker('default');
const canary = '4111 1111 1111 1111';
const roles = {
  auditor: { people: ['ann@example.com', 'both@example.com'], groups: [] },
  owner: { people: ['olga@example.com', 'both@example.com'], groups: [] },
};

function somebody(email: string): Identity {
  const person = { keys: [`oidc:https://idp.example#${email}`, `email:${email}`], name: email };
  return { ...localApprover(), person, subject: email, email, local: false };
}
const [ann, olga, both, eve] = ['ann', 'olga', 'both', 'eve'].map((name) =>
  somebody(`${name}@example.com`),
) as [Identity, Identity, Identity, Identity];

/** A session in which masking took something out of two calls, kept as sealed copies. */
async function recorded(pool: Pool): Promise<void> {
  const recorder = recorderOn(pool, { copies });
  const call = (callId: string, unmasked: string) => message('{"card":"[card]"}', { callId, unmasked });
  await recorder.append(facts('s1'), call('c1', `{"card":"${canary}","note":"<script>alert(1)</script>"}`));
  await recorder.append(facts('s1'), call('c2', '{"card":"5500 0000 0000 0004"}'));
  await recorder.close();
}

/** The command line of whoever it is; `at` sets the clock on. */
function commands(pool: Pool) {
  const acts: Record<string, unknown>[] = [];
  const set = { laterMs: 0, refuse: false };
  const desk: BreakGlassDesk = {
    pool,
    roles,
    voteKey,
    votePublicKeys,
    reader: createRecordReader(pool),
    keyRing,
    maskText: (text) => masker.text(text).text,
    now: () => new Date(Date.now() + set.laterMs),
    recordAct: async (act, details) => {
      if (set.refuse) throw new Error('the recording cannot be written now');
      acts.push({ act, ...details });
    },
  };
  const as = async (identity: Identity, ...argv: string[]) => {
    let out = '';
    const write = (text: string): void => void (out += text);
    const { roles, maskText, now, recordAct, reader, keyRing: ring, voteKey, votePublicKeys } = desk;
    const api = commandApi(pool, {
      roles,
      now,
      identity: async () => identity,
      maskText: (text) => maskText(text) as Masked<string>,
      recordings: { reader, keyRing: ring, recordAct },
      breakGlass: { voteKey, votePublicKeys, privateKey: copyKey },
    });
    return { code: await run(argv, { api, out: write, err: write }), out };
  };
  const ask = async (identity: Identity, ...more: string[]): Promise<string> => {
    const argv = ['request', 's1', '--reason', 'incident 7', '--json', ...more];
    const { code, out } = await as(identity, ...argv);
    assert.equal(code, 0, out);
    return (JSON.parse(out) as { id: string }).id;
  };
  return { acts, set, as, ask };
}

test('two people open what was masked, for one of them, one call and a while; each act and each look is recorded', async () => {
  await using db = await testDatabase();
  await recorded(db.pool);
  const { acts, set, as, ask } = commands(db.pool);
  const id = await ask(ann, '--call', 'c1', '--minutes', '30');
  assert.match((await as(ann, 'view', id)).out, /does not open: it waits for a second person/);
  assert.equal((await as(olga, 'approve', id)).code, 0);
  const seen = await as(ann, 'view', id);
  assert.equal(seen.code, 0);
  assert.match(seen.out, new RegExp(canary));
  assert.doesNotMatch(seen.out, /5500/, 'no other call is opened');
  assert.equal((await as(ann, 'view', id, '--json')).code, 0);
  assert.match((await as(olga, 'view', id)).out, /none of the roles auditor|opens for who asked/);
  set.laterMs = 31 * 60_000;
  assert.match((await as(ann, 'view', id)).out, /its time is over/);
  assert.deepEqual(
    acts.map(({ act, session, call, name }) => [act, session, call, name]),
    [
      ['break-glass.request', 's1', 'c1', 'ann@example.com'],
      ['break-glass.agree', 's1', 'c1', 'olga@example.com'],
      ['break-glass.view', 's1', 'c1', 'ann@example.com'],
      ['break-glass.view', 's1', 'c1', 'ann@example.com'],
    ],
  );
  assert.ok(!JSON.stringify(acts).includes(canary));
});

test('nobody opens anything alone, without a role, after a refusal, or once it was revoked', async () => {
  await using db = await testDatabase();
  await recorded(db.pool);
  const { acts, set, as, ask } = commands(db.pool);
  const alone = await ask(both);
  assert.match((await as(both, 'approve', alone)).out, /asked for it yourself/);
  assert.match(
    (await as({ ...both, person: { keys: ['x', 'email:both@example.com'], name: 'B' } }, 'approve', alone))
      .out,
    /asked for it yourself/,
    'not under another account either',
  );
  assert.match((await as(both, 'view', alone)).out, /waits for a second person/);
  assert.match((await as(eve, 'request', 's1', '--reason', 'curious')).out, /none of the roles/);
  assert.match((await as(ann, 'approve', alone)).out, /none of the roles owner/);
  assert.match((await as(eve, 'revoke', alone)).out, /none of the roles auditor, operator, owner/);

  const why = await ask(ann, '--reason', 'incident 7, with ghp_16C7e42F292c6912E7710c838347Ae178B4a');
  assert.match(JSON.stringify(acts.at(-1)), /incident 7, with \[masked/);
  const { rows } = await db.pool.query<{ asked: string }>(
    'select asked from break_glass where request_id = $1',
    [why],
  );
  assert.doesNotMatch(Buffer.from(rows[0]?.asked.split('.')[1] ?? '', 'base64url').toString(), /ghp_/);

  const refused = await ask(ann);
  assert.equal((await as(olga, 'refuse', refused)).code, 0);
  assert.match((await as(both, 'approve', refused)).out, /refused/, 'the first answer stands');
  assert.match((await as(ann, 'view', refused)).out, /refused/);

  const revoked = await ask(ann);
  await as(olga, 'approve', revoked);
  assert.equal((await as(ann, 'revoke', revoked)).code, 0);
  assert.match((await as(ann, 'view', revoked)).out, /revoked/);

  const unanswered = await ask(ann);
  set.laterMs = 25 * 3_600_000;
  assert.match((await as(olga, 'approve', unanswered)).out, /time is over/);
  set.laterMs = 0;

  const unrecorded = await ask(ann);
  await as(olga, 'approve', unrecorded);
  set.refuse = true;
  const before = acts.length;
  await assert.rejects(
    as(ann, 'view', unrecorded),
    /cannot be written/,
    'what cannot be recorded is not opened',
  );
  assert.equal(acts.length, before);

  for (const argv of [['request', 's1'], ['view'], ['open', 'x'], ['view', 'a', 'b']])
    assert.equal((await as(ann, ...argv)).code, 2, argv.join(' '));
  set.refuse = false;
  assert.match((await as(ann, 'request', 'nosuch', '--reason', 'x')).out, /no session of this id/);
  assert.match((await as(ann, 'request', 's1', '--reason', 'x', '--minutes', '0')).out, /1 to 480 minutes/);
});

test('what is written into the database opens nothing: only what two people signed does', async () => {
  await using db = await testDatabase();
  await recorded(db.pool);
  const { as, ask } = commands(db.pool);
  const [agreed, other] = [await ask(ann), await ask(ann)];
  await as(olga, 'approve', agreed);
  await assert.rejects(
    db.pool.query("update break_glass set asked = 'x' where request_id = $1", [agreed]),
    /does not change/,
  );
  // As somebody who may drop the trigger.
  await db.pool.query('drop trigger break_glass_guard on break_glass');
  await db.pool.query(
    'update break_glass set answered = (select answered from break_glass where request_id = $1) where request_id = $2',
    [agreed, other],
  );
  assert.match((await as(ann, 'view', other)).out, /refused/, "another request's agreement is none");
  await db.pool.query(
    `update break_glass set asked = (select asked from break_glass where request_id = $1),
    answered = (select answered from break_glass where request_id = $1) where request_id = $2`,
    [agreed, other],
  );
  assert.match((await as(ann, 'view', other)).out, /no such request/);
  await db.pool.query(
    "insert into break_glass (request_id, session_id, asked) values ('bg_made_up', 's1', 'e30.e30.x')",
  );
  assert.match((await as(ann, 'view', 'bg_made_up')).out, /no such request/);
  // Signed by a key known here, and by one person alone.
  const own = await ask(ann);
  const { rows } = await db.pool.query<{ asked: string }>(
    'select asked from break_glass where request_id = $1',
    [own],
  );
  const { person } = ann;
  const agreeing = { act: 'agree', person, via: 'cli', atMs: Date.now(), requestId: own };
  const statement = await signStatement(
    statementType,
    { ...agreeing, asked: digest(rows[0]?.asked ?? '') },
    voteKey,
  );
  await db.pool.query('update break_glass set answered = $2 where request_id = $1', [own, statement]);
  assert.match((await as(ann, 'view', own)).out, /refused/, 'who asked agrees to nothing, signed or not');
  assert.equal((await as(ann, 'view', agreed)).code, 0);
  await db.pool.query("update break_glass set revoked = '' where request_id = $1", [agreed]);
  assert.match((await as(ann, 'view', agreed)).out, /revoked/, 'anything closes it');
});

async function signIn(console: TestConsole): Promise<Visitor> {
  const person = visitor(console.address);
  const start = await person.get('/login/start?to=/');
  const provider = await fetch(start.headers.get('location') ?? '', { redirect: 'manual' });
  const back = new URL(provider.headers.get('location') ?? '');
  assert.equal((await person.get(back.pathname + back.search)).status, 303);
  return person;
}

function user(name: string): ProviderUser {
  return { sub: `u-${name}`, email: `${name}@example.com`, email_verified: true, name };
}

test('on the console one person asks, another agrees, the first looks; no link opens anything, and the tamper-evident log has it all', {
  skip: noBrowser,
}, async () => {
  await using db = await testDatabase();
  await recorded(db.pool);
  await using provider = await testProvider();
  const { issuer, clientId, clientSecret } = provider;
  const recorder = recorderOn(db.pool);
  const more: Partial<ConsoleDeps> = {
    login: { mode: 'oidc', issuer, clientId, clientSecret },
    roles,
    breakGlass: { voteKey, votePublicKeys, privateKey: copyKey },
    recordings: {
      reader: createRecordReader(db.pool),
      keyRing,
      recordAct: createRecordAct({ recorder, masker }),
    },
  };
  await using console = await testConsole(db.pool, more);
  provider.user = user('eve');
  const stranger = await signIn(console);
  assert.equal((await stranger.get('/break-glass')).status, 403);

  await using browser = await testBrowser();
  provider.user = user('ann');
  const page = await browser.page();
  await page.goto(`${console.address}/login/start?to=/break-glass`);
  await page.getByLabel('Session', { exact: true }).fill('s1');
  await page.getByLabel('Why').fill('incident 7 <b>');
  await page.getByRole('button', { name: 'Ask' }).click();
  await page.getByText('waits for a second person').first().waitFor();
  const address = page.url();
  assert.equal(
    await page.getByRole('button', { name: 'Agree' }).count(),
    0,
    'who asked is offered no agreeing',
  );
  assert.deepEqual(await accessibilityProblems(page), []);

  provider.user = user('olga');
  const owner = await signIn(console);
  const path = new URL(address).pathname;
  const request = await (await owner.get(path)).text();
  assert.match(request, /incident 7 &lt;b&gt;/);
  const { csrf } = fieldsOf(request);
  assert.equal((await owner.post(path, { act: 'agree' })).status, 403, 'not without the form');
  assert.equal((await owner.post(path, { csrf, act: 'agree' })).status, 303);
  assert.equal((await owner.post(path, { csrf, act: 'view' })).status, 403, 'it opens for who asked alone');

  provider.user = user('ann');
  await page.goto(address);
  assert.doesNotMatch(await page.content(), /4111/);
  await page.getByRole('button', { name: 'Show what was masked' }).click();
  await page.getByText(canary).waitFor();
  await page.getByText('<script>alert(1)</script>').waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.goto(`${console.address}/break-glass`);
  assert.deepEqual(await accessibilityProblems(page), []);
  await recorder.close();

  const day = new Date().toISOString().slice(0, 10);
  const events = await readAll(db.pool, `admin/${day}`);
  assert.deepEqual(
    events.flatMap(({ method }) => (method?.startsWith('break-glass') ? [method] : [])),
    ['break-glass.request', 'break-glass.agree', 'break-glass.view'],
  );
  assert.ok(events.every(({ bytes }) => !bytes?.includes('4111')));
});
