import assert from 'node:assert/strict';
import { defaultMasker } from '../../cli/masking.ts';
import { createRecordAct } from '../../console/acts.ts';
import { revoke, unrevoke } from '../../db/revoke.ts';
import { test } from 'node:test';
import { run } from '../../cli/commands/revoke.ts';
import type { ConsoleDeps } from '../../console/deps.ts';
import type { Roles } from '../../console/roles.ts';
import type { Pool } from '../../db/pool.ts';
import { keyRing, signer } from '../recording/support.ts';
import { commandApi, recordingsOn } from '../support/command-api.ts';
import { testProvider } from '../support/oidc-provider.ts';
import { testDatabase } from '../support/postgres.ts';
import { fieldsOf, holdCall, signedIn, testConsole, type Visitor, visitor } from './support.ts';

/** What the page needs, and what was done with it. */
function parts(): Partial<ConsoleDeps> & { acts: string[]; cancelled: string[] } {
  const acts: string[] = [];
  const cancelled: string[] = [];
  return {
    acts,
    cancelled,
    containment: { maskText: (text) => text, cancelWorkflow: async (id) => void cancelled.push(id) },
    recordings: {
      reader: {} as never,
      keyRing: {} as never,
      recordAct: async (act, details) => void acts.push(`${act} ${JSON.stringify(details)}`),
    },
  };
}

async function stateOf(pool: Pool, callId: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ state: string }>('select state from held_calls where call_id = $1', [
    callId,
  ]);
  return rows[0]?.state;
}

async function revokeOn(person: Visitor, form: Record<string, string>): Promise<Response> {
  const page = await (await person.get('/containment')).text();
  return person.post('/containment/revoke', { csrf: fieldsOf(page)['csrf'] ?? '', ...form });
}

test('on the console one act cancels the held calls of a person, names them, and is recorded; lifting is an act too', async () => {
  await using db = await testDatabase();
  const made = parts();
  await using console = await testConsole(db.pool, made);
  const person = await signedIn(console.address);
  const [hers, others] = [
    await holdCall(db.pool, { subject: 'mallory', callerKey: 'oidc:x#mallory' }),
    await holdCall(db.pool, { subject: 'bob', callerKey: 'oidc:x#bob' }),
  ];
  const reason = 'laptop <stolen>';
  const answer = await revokeOn(person, { kind: 'person', value: 'mallory', reason });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  assert.match(text, new RegExp(`held call cancelled, never sent.*${hers}`));
  assert.match(text, /laptop &lt;stolen&gt;/);
  assert.equal(await stateOf(db.pool, hers), 'cancelled');
  assert.equal(await stateOf(db.pool, others), 'pending');
  assert.equal(made.cancelled.length, 1);
  const again = await revokeOn(person, { kind: 'person', value: 'mallory', reason });
  assert.equal(again.status, 422);
  const { csrf } = fieldsOf(await (await person.get('/containment')).text());
  const lift = { csrf, kind: 'person', value: 'mallory', reason: 'found it' };
  assert.equal((await person.post('/containment/lift', lift)).status, 200);
  assert.deepEqual(
    made.acts.map((act) => act.split(' ', 1)[0]),
    ['revoke', 'unrevoke'],
  );
});

test('revoking takes a role, seeing takes another, and whoever is revoked sees and decides nothing on the console', async () => {
  await using db = await testDatabase();
  await using provider = await testProvider();
  const { issuer, clientId, clientSecret } = provider;
  const roles: Roles = {
    viewer: { people: ['vera@example.com'], groups: [] },
    operator: { people: [], groups: ['ops'] },
    approver: { people: ['dana@example.com'], groups: [] },
  };
  await using console = await testConsole(db.pool, {
    ...parts(),
    roles,
    login: { mode: 'oidc', issuer, clientId, clientSecret },
  });
  const signIn = async (name: string, groups: string[]): Promise<Visitor> => {
    provider.user = { sub: name, email: `${name}@example.com`, email_verified: true, name, groups };
    const person = visitor(console.address);
    const start = await person.get('/login/start?to=/');
    const there = await fetch(start.headers.get('location') ?? '', { redirect: 'manual' });
    const back = new URL(there.headers.get('location') ?? '');
    await person.get(back.pathname + back.search);
    return person;
  };
  const id = await holdCall(db.pool);
  const vera = await signIn('vera', []);
  assert.equal((await vera.get(`/approvals/${id}`)).status, 200, 'a viewer sees every request');
  assert.equal((await vera.get('/containment')).status, 403);
  const nobody = await signIn('nobody', []);
  assert.equal((await nobody.get(`/approvals/${id}`)).status, 404);
  const greta = await signIn('greta', ['dba']);
  const form = fieldsOf(await (await greta.get(`/approvals/${id}`)).text());
  const denied = await greta.post(`/approvals/${id}`, { ...form, decision: 'approve' });
  assert.equal(denied.status, 403, 'named by policy, but without the role approver');
  assert.match(await denied.text(), /none of the roles approver/);
  const olga = await signIn('olga', ['ops']);
  const done = await revokeOn(olga, { kind: 'person', value: 'vera@example.com', reason: 'left' });
  assert.equal(done.status, 200, await done.text());
  const after = await vera.get('/');
  assert.equal(after.status, 403);
  assert.match(await after.text(), /has been revoked/);
});

test('holdpoint revoke says what was cut off and what was under way; a wrong use changes nothing', async () => {
  await using db = await testDatabase();
  const id = await holdCall(db.pool, { connection: 'postgres' });
  let out = '';
  let err = '';
  const command = async (...argv: string[]): Promise<number> => {
    out = err = '';
    const [act = 'revoke', ...rest] = argv;
    return run(act as 'revoke', rest, {
      api: commandApi(db.pool, {
        recordings: recordingsOn(db.pool, keyRing, { vkey: signer.vkey }),
        containment: { maskText: (text) => text, cancelWorkflow: async () => {} },
      }),
      out: (text) => void (out += text),
      err: (text) => void (err += text),
    });
  };
  assert.equal(await command('revoke', 'connection', 'postgres'), 2);
  assert.equal(await command('revoke', 'database', 'postgres', '--reason', 'x'), 2);
  assert.equal(await command('revoke', 'connection', 'postgres', '--reason', ' '), 2);
  assert.equal(await stateOf(db.pool, id), 'pending');
  assert.equal(await command('revoke', 'connection', 'postgres', '--reason', 'leak', '--json'), 0, err);
  const told = JSON.parse(out) as { inFlight: { callId: string; kind: string }[] };
  assert.deepEqual(
    told.inFlight.map(({ callId, kind }) => [callId, kind]),
    [[id, 'waiting']],
  );
  assert.equal(await command('revoke', 'connection', 'postgres', '--reason', 'again'), 1);
  assert.match(err, /revoked already/);
  assert.equal(await command('revocations'), 0);
  assert.match(out, /connection postgres .*leak.*local-approver/);
  assert.equal(await command('unrevoke', 'connection', 'postgres', '--reason', 'rotated'), 0, err);
  assert.equal(await command('unrevoke', 'connection', 'postgres', '--reason', 'rotated'), 1);
});

test('why somebody is cut off, and why that is lifted, is masked before it is stored and recorded; so is whatever an act names', async () => {
  await using db = await testDatabase();
  const secret = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a';
  const masker = defaultMasker();
  const recorded: string[] = [];
  const append = async (_: unknown, { bytes }: { bytes: unknown }): Promise<never> =>
    recorded.push(String(bytes)) as never;
  const recordAct = createRecordAct({ recorder: { append }, masker });
  const deps = {
    recordAct,
    maskText: (text: string) => masker.text(text).text,
    cancelWorkflow: async () => {},
    confirmWaitMs: 0,
  };
  const by = { key: 'local:approver', name: 'x', via: 'cli' };
  const ask = { kind: 'client', value: 'bad-client', reason: `it has ${secret}`, by } as const;
  await revoke(db.pool, ask, deps);
  await unrevoke(db.pool, ask, deps);
  await recordAct('token.make', { name: `for ${secret}` });
  const { rows } = await db.pool.query<{ line: string }>('select t::text as line from revocations t');
  assert.equal(recorded.length, 3);
  assert.match(rows[0]?.line ?? '', /it has \[masked:github-token\].*it has \[masked:github-token\]/);
  for (const text of [...recorded, ...rows.map(({ line }) => line)]) {
    assert.match(text, /\[masked:github-token\]/);
    assert.ok(!text.includes(secret), text);
  }
});
