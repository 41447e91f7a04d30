import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { run as proof } from '../../cli/commands/proof.ts';
import type { Pool } from '../../db/pool.ts';
import { createLogView } from '../../db/records-log.ts';
import { createRecordReader } from '../../db/records-read.ts';
import type { Masked } from '../../masking/masked.ts';
import { jwsHash } from '../../recording/jws-hash.ts';
import { type ProofFile, writeProofFile } from '../../recording/export/proof-file.ts';
import { commandApi, recordingsOn } from '../support/command-api.ts';
import { testDatabase } from '../support/postgres.ts';
import { verified } from './verified.ts';
import { facts, keyRing, message, recorderOn, sequenceAll, sequencing, signer } from './support.ts';

const digest = 'sha256:1234';

function voter(kid: string): { publicKey: string; vote(changes?: Record<string, unknown>): string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return {
    publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(12).toString('base64url'),
    vote(changes = {}) {
      const claims = {
        voteId: 'v1',
        callId: 'held-1',
        digest,
        person: { keys: ['slack:T1/U1'], name: 'Bob' },
        decision: 'approve',
        reason: null,
        groups: ['dba'],
        via: 'slack',
        exp: 1_795_000_600,
        decidedAtMs: 1_795_000_000_000,
        ...changes,
      };
      const signed = `${part({ alg: 'EdDSA', typ: 'holdpoint-vote+jwt', kid })}.${part(claims)}`;
      return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`;
    },
  };
}

/** A held call as it is recorded from the agent's message to the response. */
async function recordHeldCall(pool: Pool, votes: readonly string[] = []): Promise<void> {
  const recorder = recorderOn(pool);
  const about = { callId: 'held-1', verdict: 'hold', rule: 'writes' } as const;
  const said = (value: object): Masked<string> => JSON.stringify(value) as Masked<string>;
  await recorder.append(facts('s'), message('{"of":"another call"}', { callId: 'other' }));
  await recorder.append(facts('s'), message('{"the":"request"}', { ...about, callId: 'corr-1' }));
  const hold = { callId: 'held-1', how: 'opened', digest, approvalsNeeded: 2 };
  const none = { direction: 'none', ...about } as const;
  await recorder.append(facts('s'), message('', { ...none, kind: 'hold', bytes: said(hold) }));
  for (const jws of votes) {
    const decision = said({ callId: 'held-1', jwsHash: jwsHash(jws) });
    await recorder.append(facts('s'), message('', { ...none, kind: 'decision', bytes: decision }));
  }
  await recorder.append(
    facts('s'),
    message('', { ...none, kind: 'claim', bytes: said({ callId: 'held-1' }) }),
  );
  await recorder.append(
    facts('run-held-1'),
    message('{"the":"response"}', { ...about, direction: 'upstream-to-client' }),
  );
  await recorder.close();
  await sequenceAll(pool);
}

async function proofOf(pool: Pool, votes: string[], voteKeys: Record<string, string>): Promise<ProofFile> {
  return writeProofFile(
    { reader: createRecordReader(pool), keyRing, log: createLogView(pool), vkey: signer.vkey },
    {
      callId: 'held-1',
      callIds: ['held-1', 'corr-1'],
      sessionIds: ['s', 'run-held-1'],
      approval: { votes: votes.map((jws) => ({ jws })), voteKeys },
    },
  );
}

test('one file proves from card to wire what ran and who approved it, and discloses no other call', async () => {
  await using db = await testDatabase();
  const [one, two] = [voter('k1'), voter('k2')];
  const first = one.vote();
  const second = two.vote({ voteId: 'v2', person: { keys: ['slack:T1/U2'], name: 'Eve\u001b[31m' } });
  const again = one.vote({ voteId: 'v3', person: { keys: ['oidc:x#bob', 'slack:T1/U1'], name: 'Robert' } });
  await recordHeldCall(db.pool, [first, second, again]);
  const keys = { k1: one.publicKey, k2: two.publicKey };
  const file = await proofOf(db.pool, [first, second], keys);
  const { code, out } = await verified(file);
  assert.equal(code, 0, out);
  assert.match(out, /\{"the":"request"\}[^]*"digest"[^]*\{"the":"response"\}/);
  assert.match(out, /approve signed by Bob \(slack:T1\/U1\)/);
  assert.ok(!out.includes('\u001b'), 'a name cannot colour the terminal');
  assert.ok(!JSON.stringify(file).includes('another call'));

  const wrong: [string, unknown, RegExp][] = [
    ['one person twice', await proofOf(db.pool, [first, again], keys), /only 1 people/],
    [
      'a vote on another digest',
      await proofOf(db.pool, [one.vote(), two.vote({ digest: 'x' })], keys),
      /something else/,
    ],
    [
      'a vote signed afterwards',
      await proofOf(
        db.pool,
        [first, two.vote({ voteId: 'v4', person: { keys: ['slack:T1/U9'], name: 'Zoe' } })],
        keys,
      ),
      /vote 2 is not among the decisions in the log/,
    ],
    [
      'an unknown key',
      await proofOf(db.pool, [one.vote(), second], { k1: one.publicKey }),
      /not signed by any/,
    ],
    [
      'another text',
      {
        ...file,
        records: file.records.map((record) => ({ ...record, line: record.line.replace('the\\"', 'thy\\"') })),
      },
      /not what was recorded/,
    ],
    [
      'another proof',
      { ...file, records: file.records.map((record) => ({ ...record, proof: record.proof.toReversed() })) },
      /does not lead/,
    ],
    [
      'the hold left out',
      { ...file, records: file.records.filter(({ line }) => !line.includes('"kind":"hold"')) },
      /record of it is not here/,
    ],
  ];
  for (const [name, forged, expected] of wrong) {
    const found = await verified(forged);
    assert.equal(found.code, 1, name);
    assert.match(found.out, expected, name);
  }
});

test('a long message is told short, and whole when that is asked for', async () => {
  await using db = await testDatabase();
  const recorder = recorderOn(db.pool);
  await recorder.append(facts('s'), message(`{"long":"${'x'.repeat(5000)}"}`, { callId: 'held-1' }));
  await recorder.close();
  await sequenceAll(db.pool);
  const file = { ...(await proofOf(db.pool, [], {})), approval: null };
  const short = await verified(file);
  assert.match(short.out, /x… \(3011 more characters; --full prints them\)/);
  assert.match((await verified(file, ['--full'])).out, /x{5000}"\}/);
});

test('a proof asked for before the log has taken the call in waits for it', async () => {
  await using db = await testDatabase();
  await recordHeldCall(db.pool);
  const recorder = recorderOn(db.pool);
  await recorder.append(facts('s'), message('{"of":"a later call"}', { callId: 'later' }));
  await recorder.close();
  let out = '';
  const asked = proof(['later', '--session', 's'], {
    api: commandApi(db.pool, {
      recordings: recordingsOn(db.pool, keyRing, { vkey: signer.vkey }),
      votePublicKeys: {},
    }),
    out: (text) => (out += text),
    err: (text) => assert.fail(text),
  });
  const first = await Promise.race([asked, new Promise((none) => setTimeout(none, 300, 'waits'))]);
  assert.equal(first, 'waits');
  assert.equal(await sequencing(db.pool, () => asked), 0);
  assert.match((await verified(JSON.parse(out))).out, /of":"a later call/);
});

test('the command finds a call that passed by its session, and says what it cannot find', async () => {
  await using db = await testDatabase();
  await recordHeldCall(db.pool);
  let out = '';
  let err = '';
  const deps = {
    api: commandApi(db.pool, {
      recordings: recordingsOn(db.pool, keyRing, { vkey: signer.vkey }),
      votePublicKeys: {},
    }),
    out: (text: string) => (out += text),
    err: (text: string) => (err += text),
  };
  assert.equal(await proof(['other', '--session', 's'], deps), 0);
  const { code, out: shown } = await verified(JSON.parse(out));
  assert.equal(code, 0);
  assert.match(shown, /of":"another call/);
  assert.equal(await proof(['nothing'], deps), 1);
  assert.match(err, /--session/);
  assert.equal(await proof([], deps), 2);
});
