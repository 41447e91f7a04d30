import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../../cli/commands/approvals.ts';
import { commandLineIdentity } from '../../cli/commands/identity.ts';
import { localApprover } from '../../console/identity.ts';
import type { Pool } from '../../db/pool.ts';
import type { DecideRequest } from '../../workflows/client.ts';
import { commandApi } from '../support/command-api.ts';
import { testDatabase } from '../support/postgres.ts';
import { contextSaying } from '../slack-app/samples.ts';
import { credential, decideInDatabase, holdCall } from './support.ts';

interface Ran {
  code: number;
  out: string;
  err: string;
  acts: DecideRequest[];
}

async function approvals(pool: Pool, argv: string[], identity = async () => localApprover()): Promise<Ran> {
  const ran: Ran = { code: -1, out: '', err: '', acts: [] };
  ran.code = await run(argv, {
    api: commandApi(pool, { approvals: decideInDatabase(pool, ran.acts), identity }),
    out: (text) => void (ran.out += text),
    err: (text) => void (ran.err += text),
  });
  return ran;
}

test('approvals list --json prints what is agreed on, soonest expiry first', async () => {
  await using db = await testDatabase();
  const later = await holdCall(db.pool, { seconds: 500 });
  const sooner = await holdCall(db.pool, { seconds: 50 });
  const { code, out } = await approvals(db.pool, ['list', '--json']);
  const list = JSON.parse(out) as Record<string, unknown>[];
  assert.equal(code, 0);
  assert.deepEqual(
    list.map((call) => call['id']),
    [sooner, later],
  );
  assert.deepEqual(Object.keys(list[0] ?? {}), [
    'id',
    'state',
    'connection',
    'tool',
    'subject',
    'rule',
    'createdAt',
    'expiresAt',
  ]);
});

test('approve and deny send one vote each, bound to the digest of the request', async () => {
  await using db = await testDatabase();
  const [first, second] = [await holdCall(db.pool), await holdCall(db.pool)];
  const approved = await approvals(db.pool, ['approve', first]);
  assert.deepEqual([approved.code, approved.acts[0]?.decision, approved.acts[0]?.via], [0, 'approve', 'cli']);
  const denied = await approvals(db.pool, ['deny', second, '--reason', 'not today']);
  assert.deepEqual([denied.code, denied.acts[0]?.decision, denied.acts[0]?.reason], [0, 'deny', 'not today']);
  const again = await approvals(db.pool, ['approve', second]);
  assert.equal(again.code, 1);
  assert.match(again.err, /local-approver has decided/);
});

test('wrong usage is told apart from failure', async () => {
  await using db = await testDatabase();
  const id = await holdCall(db.pool);
  const critical = await holdCall(db.pool, { risk: 'critical' });
  for (const argv of [
    ['deny', id],
    ['approve'],
    ['frobnicate', id],
    ['show', id, 'x'],
    ['list', '--nope'],
    ['approve', critical],
  ])
    assert.equal((await approvals(db.pool, argv)).code, 2, argv.join(' '));
  for (const argv of [
    ['show', 'nothing'],
    ['approve', 'nothing'],
  ])
    assert.equal((await approvals(db.pool, argv)).code, 1, argv.join(' '));
  assert.equal((await approvals(db.pool, ['approve', critical, '--tool', 'query'])).code, 0);
});

test('nobody decides at the command line without having proven who they are', async () => {
  await using db = await testDatabase();
  const id = await holdCall(db.pool);
  const ran = await approvals(db.pool, ['approve', id], async () => {
    throw new Error('deciding needs a verified identity');
  });
  assert.deepEqual([ran.code, ran.acts.length], [1, 0]);
  assert.match(ran.err, /Nothing was done: deciding needs a verified identity/);
});

test('what an agent wrote cannot steer the terminal', async () => {
  await using db = await testDatabase();
  const id = await holdCall(db.pool, {
    tool: 'a\u001b[2Jb',
    subject: 'x\u202ey',
    shownArgs: '{"a":"\u009b1m"}',
  });
  for (const argv of [['list'], ['show', id]]) {
    const { out } = await approvals(db.pool, argv);
    for (const character of ['\u001b', '\u009b', '\u202e']) assert.ok(!out.includes(character));
    assert.match(out, /⟨U\+001B⟩/);
  }
});

test('cancel withdraws a request that waits, and says so when there is nothing to withdraw', async () => {
  await using db = await testDatabase();
  const id = await holdCall(db.pool);
  assert.deepEqual((await approvals(db.pool, ['cancel', id])).out, 'Cancelled.\n');
  const again = await approvals(db.pool, ['cancel', id]);
  assert.deepEqual([again.code, again.err], [1, 'Nothing to cancel: the request is cancelled.\n']);
});

test('the credential of the data directory proves its owner only while nobody else may read it', async () => {
  await using db = await testDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-cli-'));
  const credentialFile = join(folder, 'console-credential');
  const proof = { login: null, credentialFile, idToken: undefined, pool: db.pool };
  await assert.rejects(commandLineIdentity(proof), /needs a verified identity/);
  await writeFile(credentialFile, `${credential}\n`, { mode: 0o600 });
  assert.deepEqual(await commandLineIdentity(proof), localApprover());
  await chmod(credentialFile, 0o640);
  await assert.rejects(commandLineIdentity(proof), /others than its owner may read/);
  await rm(folder, { recursive: true });
  const login = { mode: 'oidc', issuer: 'https://idp.example', clientId: 'c', clientSecret: 's' } as const;
  await assert.rejects(commandLineIdentity({ ...proof, login }), /HOLDPOINT_ID_TOKEN/);
});

test('approvals approve ID ID decides on each by a vote of its own, and says what became of each', async () => {
  await using db = await testDatabase();
  const [one, two, over] = [await holdCall(db.pool), await holdCall(db.pool), await holdCall(db.pool)];
  await db.pool.query(`update held_calls set state = 'denied', ended_at = now() where call_id = $1`, [over]);
  const both = await approvals(db.pool, ['approve', one, two, one]);
  assert.equal(both.code, 0, both.err);
  assert.deepEqual(
    both.acts.map(({ callId }) => callId),
    [one, two],
  );
  assert.equal(new Set(both.acts.map(({ digest }) => digest)).size, 2);
  assert.match(both.out, new RegExp(`${one}: Your decision counted.*\n${two}: Your decision counted`));
  const three = await holdCall(db.pool);
  const mixed = await approvals(db.pool, ['deny', three, over, '--reason', 'no']);
  assert.equal(mixed.code, 1);
  assert.match(mixed.out, new RegExp(`${three}: Your decision counted`));
  assert.match(mixed.err, new RegExp(`${over}: Your decision did not count`));
});

test('approvals approve ID ID decides on none when one is unknown, critical or asked for too much', async () => {
  await using db = await testDatabase();
  const [one, critical] = [await holdCall(db.pool), await holdCall(db.pool, { risk: 'critical' })];
  for (const argv of [
    ['approve', one, 'call_none'],
    ['approve', one, critical],
    ['approve', one, await holdCall(db.pool), '--calls', '3'],
    ['deny', one, critical],
    ['show', one, critical],
  ]) {
    const ran = await approvals(db.pool, argv);
    assert.notEqual(ran.code, 0, argv.join(' '));
    assert.equal(ran.acts.length, 0, argv.join(' '));
  }
});

test('approvals show prints what helps to decide, as the card has it, with hostile text made visible', async () => {
  await using db = await testDatabase();
  const context = contextSaying('x\u202Ey');
  const id = await holdCall(db.pool, { context, intent: 'cleaning up' });
  const { out } = await approvals(db.pool, ['show', id]);
  for (const line of [
    /^Beware +it may have happened already: the identical call hp_unclear/m,
    /^Follows +the denied call hp_denied: x⟨U\+202E⟩y: x⟨U\+202E⟩y/m,
    /^Bounds +x⟨U\+202E⟩y/m,
    /^Changed +x⟨U\+202E⟩y: x⟨U\+202E⟩y → x⟨U\+202E⟩y/m,
    /^Changed +and 3 more/m,
    /^Preview +by x/m,
    /^Before +such calls of this caller: 12 approved, 1 denied in 30 days/m,
    /^Session +x⟨U\+202E⟩y \(pass\), query \(hold\)/m,
    /^Says +cleaning up/m,
  ])
    assert.match(out, line);
  const json = JSON.parse((await approvals(db.pool, ['show', id, '--json'])).out) as { context: unknown };
  assert.deepEqual(json.context, context);
  const previous = await holdCall(db.pool, { context: { ...context, resubmits: null } });
  assert.match(
    (await approvals(db.pool, ['show', previous])).out,
    /^Compared +with the last approved call, hp_previous/m,
  );
});
