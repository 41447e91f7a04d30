import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { claim } from '../../../db/held-execution.ts';
import { freeze, lift } from '../../../db/kill-switch.ts';
import { revoke, unrevoke } from '../../../db/revoke.ts';
import type { ApprovalInput } from '../../../workflows/contract.ts';
import { verifyVote } from '../../../workflows/vote.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';
import { type Replica, rowOf } from './support.ts';
import { heldIn } from './together.ts';
import { countedVote, signVote, voteKeys } from './votes.ts';

let db: TestDatabase;
before(async () => {
  db = await testDatabase();
});
after(async () => {
  await db[Symbol.asyncDispose]();
});

const held = heldIn(() => db);

/** The execution is refused, nothing is sent, and the row is as it was. */
async function refuses(
  one: Replica,
  input: ApprovalInput,
  votes: ReturnType<typeof countedVote>[],
): Promise<void> {
  const result = await one.execute({ ...input, votes });
  assert.equal(result.execution, 'failed');
  assert.match(result.summary ?? '', /^Nothing was sent/);
  assert.equal(one.upstream.received.length, 0);
  assert.equal((await rowOf(db.pool, input.callId))?.state, 'pending');
}

const bea = { keys: ['oidc:https://idp#bea', 'slack:T1/U2'], name: 'Bea' };
const beaAgain = { keys: ['slack:T1/U2'], name: 'Someone else' };

test('a vote that no trusted key signed runs nothing', () =>
  held(async (one, input) => {
    await refuses(one, input, [countedVote({ ...input, key: voteKeys.foreign })]);
    const real = countedVote(input);
    await refuses(one, input, [{ ...real, jws: `${real.jws.slice(0, -4)}AAAA` }]);
    await refuses(one, input, [{ ...real, jws: 'not.a.vote' }]);
    // Nor beside one that is good: an honest workflow passes no such vote on.
    await refuses(one, input, [real, countedVote({ ...input, person: bea, key: voteKeys.foreign })]);
    await refuses(one, input, [
      countedVote({ ...input, key: { ...voteKeys.foreign, kid: voteKeys.good.kid } }),
    ]);
  }));

test('no votes, a denial, and a vote for another call or other content run nothing', () =>
  held(async (one, input) => {
    await refuses(one, input, []);
    await refuses(one, input, [countedVote({ ...input, decision: 'deny' })]);
    await refuses(one, input, [countedVote({ ...input, callId: 'hp_other' })]);
    await refuses(one, input, [countedVote({ ...input, digest: 'sha256:other' })]);
    await refuses(one, { ...input, digest: 'sha256:other' }, [
      countedVote({ ...input, digest: 'sha256:other' }),
    ]);
  }));

test('a vote that had expired when it was cast, or was cast when the request had expired, runs nothing', () =>
  held(async (one, input) => {
    const nowMs = Date.now();
    await refuses(one, input, [countedVote({ ...input, exp: Math.floor(nowMs / 1000) - 5 })]);
    const late = input.expiresAtMs + 1_000;
    await refuses(one, input, [countedVote({ ...input, decidedAtMs: late })]);
  }));

test('where policy asks approvers for a proof, a vote without it, or with an old one, runs nothing', () =>
  held(
    async (one, input) => {
      const nowMs = Date.now();
      await refuses(one, input, [countedVote(input)]);
      const proof = (method: 'login' | 'passkey', atMs: number) =>
        countedVote({ ...input, proof: { method, atMs } });
      await refuses(one, input, [proof('passkey', nowMs - 3_600_000)]);
      await refuses(one, input, [proof('login', nowMs)]);
      const { execution } = await one.execute({ ...input, votes: [proof('passkey', nowMs)] });
      assert.equal(execution, 'succeeded');
    },
    { verdict: { stepUp: 'passkey' } },
  ));

test('a vote is read only as what it says it is: algorithm, type, key and length', () => {
  const { kid, publicKey } = voteKeys.good;
  const keys = { [kid]: publicKey };
  const vote = { callId: 'hp_1', digest: 'sha256:1' };
  assert.ok(verifyVote(signVote(vote), keys));
  for (const header of [
    { alg: 'none' },
    { alg: 'HS256' },
    { alg: 'ES256' },
    { alg: undefined },
    { typ: 'JWT' },
    { typ: 'holdpoint-extension+jwt' },
    { typ: undefined },
    { crit: ['b64'], b64: false },
    { kid: 'another' },
    { kid: 'constructor' },
    { kid: '__proto__' },
    { kid: undefined },
  ])
    assert.equal(verifyVote(signVote({ ...vote, header }), keys), null, JSON.stringify(header));
  // What stands on the prototype is no key, also where it looks like one.
  const inherited = Object.create({ inherited: publicKey }) as Record<string, string>;
  assert.equal(verifyVote(signVote({ ...vote, header: { kid: 'inherited' } }), inherited), null);
  assert.equal(verifyVote(signVote({ ...vote, reason: 'x'.repeat(60_000) }), keys), null, 'too long');
});

test('the claim itself refuses other contents, what has expired, what is frozen or revoked, and a second one', () =>
  held(async (_one, input) => {
    const { callId, digest } = input;
    const { pool } = db;
    const ask = { callId, digest, execToken: randomUUID(), votes: [], handles: ['person:mallory'] };
    const claims = async (change: object = {}): Promise<boolean> => claim(pool, { ...ask, ...change });
    const by = { person: { keys: ['local:approver'], name: 'x' }, via: 'cli' };
    assert.equal(await claims({ digest: 'sha256:other' }), false, 'other contents');
    assert.equal(await claims({ callId: 'hp_other' }), false, 'another call');
    await pool.query(`update held_calls set expires_at = now() - interval '1 second' where call_id = $1`, [
      callId,
    ]);
    assert.equal(await claims(), false, 'expired');
    await pool.query(`update held_calls set expires_at = now() + interval '1 minute' where call_id = $1`, [
      callId,
    ]);
    await freeze(pool, { ...by, because: null });
    assert.equal(await claims(), false, 'frozen');
    await lift(pool, { ...by, peopleNeeded: 1 });
    const deps = {
      recordAct: async () => {},
      maskText: (text: string) => text,
      cancelWorkflow: async () => {},
    };
    const mallory = {
      kind: 'person',
      value: 'mallory',
      reason: 'r',
      by: { key: 'k', name: 'x', via: 'cli' },
    } as const;
    await revoke(pool, mallory, { ...deps, confirmWaitMs: 0 });
    assert.equal(await claims(), false, 'revoked');
    await unrevoke(pool, mallory, deps);
    const many = await Promise.all([claims(), claims({ execToken: randomUUID() }), claims()]);
    assert.equal(many.filter(Boolean).length, 1, 'of any number of claims one is told true');
    assert.equal(await claims({ execToken: randomUUID() }), false, 'and no later one');
  }));

test('a quorum needs distinct people, whatever name or surface they use', () =>
  held(
    async (one, input) => {
      await refuses(one, input, [countedVote({ ...input, person: bea })]);
      await refuses(one, input, [
        countedVote({ ...input, person: bea }),
        countedVote({ ...input, person: beaAgain }),
      ]);
      const result = await one.execute({
        ...input,
        votes: [countedVote({ ...input, person: bea }), countedVote(input)],
      });
      assert.equal(result.execution, 'succeeded');
    },
    { verdict: { approvalsNeeded: 2, quorum: { kind: 'together', approvals: 2 } } },
  ));

test('the requester, whoever they act for, and people who are no approvers cannot approve', () =>
  held(
    async (one, input) => {
      for (const key of ['oidc:https://idp#me', 'oidc:https://idp#boss', 'email:me@example.com'])
        await refuses(one, input, [countedVote({ ...input, person: { keys: [key], name: 'Me' } })]);
      await refuses(one, input, [countedVote({ ...input, groups: ['interns'] })]);
    },
    {
      caller: {
        key: 'oidc:https://idp#me',
        issuer: 'https://idp',
        email: 'Me@Example.com',
        actors: ['boss'],
      },
    },
  ));

for (const [what, sql] of [
  [
    'the sealed request',
    `update held_call_requests set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)`,
  ],
  [
    'the wrapped key',
    `update held_call_requests set wrapped_key = set_byte(wrapped_key, 20, get_byte(wrapped_key, 20) # 1)`,
  ],
  ['its absence', `delete from held_call_requests`],
] as const)
  test(`a stored request that was tampered with (${what}) is not sent`, () =>
    held(async (one, input) => {
      await db.pool.query(sql);
      await refuses(one, input, [countedVote(input)]);
    }));

test('a request moved from another row is not sent', () =>
  held(async (one, input) => {
    const other = one.request({ args: '{"sql":"harmless"}', idJson: '2' });
    void one.hold.hold(other).catch(() => {});
    let rows: { call_id: string }[] = [];
    while (rows.length === 0) {
      await sleep(10);
      ({ rows } = await db.pool.query('select call_id from held_call_requests where call_id <> $1', [
        input.callId,
      ]));
    }
    await db.pool.query(
      `update held_call_requests set (kek_id, wrapped_key, sealed) = (select kek_id, wrapped_key, sealed
         from held_call_requests where call_id = $2) where call_id = $1`,
      [input.callId, rows[0]?.call_id],
    );
    await refuses(one, input, [countedVote(input)]);
  }));

test('the digest of a row cannot be changed, and what its other columns say changes nothing that runs', () =>
  held(
    async (one, input, request) => {
      await assert.rejects(db.pool.query(`update held_calls set digest = 'sha256:other'`), /never changes/);
      await db.pool.query(
        `update held_calls set approvals_needed = 1, approvers = '[{"name":"interns"}]', connection = 'other',
           tool = 'drop', caller = '{"key":"nobody"}', expires_at = now() + interval '1 year'`,
      );
      await refuses(one, input, [countedVote(input)]);
      await refuses(one, input, [countedVote({ ...input, groups: ['interns'] })]);
      await one.execute({ ...input, votes: [countedVote(input), countedVote({ ...input, person: bea })] });
      assert.deepEqual(one.upstream.calls(), [request.json]);
    },
    { verdict: { approvalsNeeded: 2, quorum: { kind: 'together', approvals: 2 } } },
  ));

test('an approval that comes to be run after its expiry runs nothing', () =>
  held(
    async (one, input) => {
      const votes = [countedVote(input)];
      await sleep(400);
      assert.equal((await one.execute({ ...input, votes })).execution, 'failed');
      assert.equal(one.upstream.received.length, 0);
    },
    { verdict: { timeoutMs: 300 } },
  ));

test('what the last look before the claim objects to is not sent', () =>
  held(
    async (one, input) => refuses(one, input, [countedVote(input)]),
    {},
    { recheck: async ({ bound }) => `the credential of ${bound.callerKey} was revoked` },
  ));
