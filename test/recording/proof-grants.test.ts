import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepVotes } from '../../activities/decision-record.ts';
import { run as proof } from '../../cli/commands/proof.ts';
import { definitionHashOf } from '../../gateway/hold/canonical.ts';
import type { Masked } from '../../masking/masked.ts';
import type { HoldVerdict } from '../../policy/verdict.ts';
import type { ProofFile } from '../../recording/export/proof-file.ts';
import type { ApprovalInput, CountedVote, GrantTerms } from '../../workflows/contract.ts';
import { type Replica, startReplica, testApprovals } from '../gateway/hold/support.ts';
import { countedVote, voteKeys } from '../gateway/hold/votes.ts';
import { commandApi, recordingsOn } from '../support/command-api.ts';
import { policyOf } from '../support/gateway.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { sequencing, signer } from './support.ts';
import { verified } from './verified.ts';

const definition = '{"name":"query","description":"Runs SQL."}';
const where = ['call.args.table == approved.args.table'];
const policy = policyOf(
  `
default: deny
approvers: { dba: { people: [ann@example.com, ben@example.com] } }
rules:
  - name: writes
    match: { connection: db, tool: query }
    then: hold
    approvers: [dba]
    grants: { calls: 3, for: 30m, where: ['${where[0]}'] }
`,
  ['db'],
);
const terms: GrantTerms = { calls: 3, untilMs: Date.now() + 1_200_000, sessionId: 'session-1', where };

/** A call that was approved with a grant, and one that runs under it. */
interface Scene extends AsyncDisposable {
  readonly db: TestDatabase;
  readonly one: Replica;
  readonly approved: ApprovalInput;
  /** What the votes of the approved call could have said as well; all are in the log. */
  readonly otherVotes: Readonly<Record<string, readonly CountedVote[]>>;
  /** Makes one more call. @returns its id */
  again(n: number): Promise<string>;
  /** What `holdpoint proof` writes. */
  proofOf(callId: string): Promise<ProofFile>;
}

async function scene(): Promise<Scene> {
  const db = await testDatabase();
  const approvals = testApprovals(db.pool);
  const one = await startReplica(db, approvals, { policy });
  one.upstream.tools.push(definition);
  const rule = policy.rules[0]?.ending as Extract<HoldVerdict, { kind: 'hold' }>;
  const request = (n: number) =>
    one.request({
      args: JSON.stringify({ table: 'orders', n }),
      idJson: String(n),
      definitionHash: definitionHashOf(definition),
      verdict: { policyVersion: policy.version, offers: rule.offers },
    });
  const first = request(1);
  const holding = one.hold.hold(first);
  const approved = await approvals.next();
  const vote = (more: Partial<GrantTerms>): CountedVote =>
    countedVote({ ...approved, grant: { ...terms, ...more } });
  const votes = [vote({})];
  const otherVotes = {
    plain: [countedVote({ ...approved })],
    over: [vote({ untilMs: Date.now() - 60_000 })],
    fewer: [vote({ calls: 1 })],
    elsewhere: [vote({ sessionId: 'session-2' })],
    apart: [votes[0] as CountedVote, countedVote({ ...approved, grant: { ...terms, where: ['true'] } })],
  };
  const recording = {
    recorder: one.deps.recorder,
    maskJson: (json: string) => json as Masked<string>,
    maskText: (text: string) => text as Masked<string>,
  };
  const all = [...votes, ...Object.values(otherVotes).flat()];
  await keepVotes(
    { pool: db.pool, recording, log: { info: () => {}, warn: () => {} } },
    approved.callId,
    all,
  );
  await one.execute({ ...approved, votes });
  await first.stream.response();
  await holding;
  await db.pool.query('update held_calls set decisions = $2 where call_id = $1', [
    approved.callId,
    JSON.stringify(votes),
  ]);
  return {
    db,
    one,
    approved,
    otherVotes,
    async again(n) {
      const more = request(n);
      await one.hold.hold(more);
      assert.equal((await more.stream.response()).result?.content[0]?.text, 'done');
      const { rows } = await db.pool.query<{ callId: string }>(
        `select call_id as "callId" from held_calls where (shown_args::jsonb ->> 'n')::int = $1`,
        [n],
      );
      return rows[0]?.callId ?? '';
    },
    async proofOf(callId) {
      let text = '';
      const deps = {
        api: commandApi(db.pool, {
          recordings: recordingsOn(db.pool, one.deps.keyRing, { vkey: signer.vkey }),
          votePublicKeys: { [voteKeys.good.kid]: voteKeys.good.publicKey },
        }),
        out: (more: string) => (text += more),
        err: (more: string) => assert.fail(more),
      };
      assert.equal(await sequencing(db.pool, () => proof([callId], deps)), 0);
      return JSON.parse(text) as ProofFile;
    },
    async [Symbol.asyncDispose]() {
      await one.stop();
      await db[Symbol.asyncDispose]();
    },
  };
}

test('the proof of a call that ran under a grant proves who gave it, for what, and which use it was', async () => {
  await using at = await scene();
  const callId = await at.again(2);
  const file = await at.proofOf(callId);
  const { code, out } = await verified(file);
  assert.equal(code, 0, out);
  assert.match(out, /ran under the grant gr_\w+: use 1 of 3, until [^]* in the same session/);
  assert.match(out, /where call\.args\.table == approved\.args\.table\n +given by Ann\n/);
  assert.match(out, new RegExp(`which was given with this call:\\ncall ${at.approved.callId}\\n`));
  assert.match(out, /approve signed by Ann/);
});

test('a proof under a grant is refused when anything that gave the grant is missing, other, or over', async () => {
  await using at = await scene();
  await at.again(2);
  const callId = await at.again(3);
  const file = await at.proofOf(callId);
  const approved = file.grant as ProofFile;
  const withVotes = (votes: readonly CountedVote[] | undefined): ProofFile => ({
    ...file,
    grant: {
      ...approved,
      approval: {
        voteKeys: approved.approval?.voteKeys ?? {},
        votes: (votes ?? []).map(({ jws }) => ({ jws })),
      },
    },
  });
  const without = (kind: string): ProofFile['records'] =>
    approved.records.filter(({ line }) => !line.includes(`"kind":"${kind}"`));
  const foreign = countedVote({ ...at.approved, grant: { ...terms, calls: 2 } });
  const { otherVotes } = at;
  const forgeries: [string, ProofFile, RegExp][] = [
    ['left out', { ...file, grant: null }, /the approval that gave it is not here/],
    ['the call itself', { ...file, grant: { ...file, grant: null } }, /another grant|is not here/],
    ['no votes', withVotes([]), /only 0 people signed for the grant/],
    ['a plain approval', withVotes(otherVotes['plain']), /only 0 people signed for the grant/],
    ['a vote that was never counted', withVotes([foreign]), /not among the decisions in the log/],
    ['its time is over', withVotes(otherVotes['over']), /after the time of its grant/],
    ['fewer calls', withVotes(otherVotes['fewer']), /use 2 of a grant for 1/],
    ['another session', withVotes(otherVotes['elsewhere']), /for another session/],
    ['other predicates', withVotes(otherVotes['apart']), /different predicates/],
    [
      'its hold left out',
      { ...file, grant: { ...approved, records: without('hold') } },
      /record of it is not here/,
    ],
    [
      'its beginning left out',
      { ...file, grant: { ...approved, records: without('open') } },
      /another caller/,
    ],
    [
      'an altered number',
      {
        ...file,
        records: file.records.map((one) => ({
          ...one,
          line: one.line.replace('\\"use\\":2', '\\"use\\":1'),
        })),
      },
      /not what was recorded/,
    ],
  ];
  for (const [what, forged, expected] of forgeries) {
    assert.notDeepEqual(forged, file, `${what}: nothing was changed`);
    const found = await verified(forged);
    assert.equal(found.code, 1, what);
    assert.match(found.out, expected, what);
  }
});

test('a use that is recorded after the grant was revoked does not verify', async () => {
  await using at = await scene();
  const before = await at.again(2);
  const { recorder } = at.one.deps;
  const { session } = at.one.request();
  const facts = { grantId: at.approved.callId.replace(/^hp_/, 'gr_'), act: 'grant-revoked' };
  await recorder.append(session, {
    kind: 'admin',
    direction: 'none',
    callId: at.approved.callId,
    method: null,
    tool: null,
    verdict: null,
    rule: null,
    policyVersion: null,
    bytes: JSON.stringify(facts) as Masked<string>,
  });
  const after = await at.again(3);
  assert.equal((await verified(await at.proofOf(before))).code, 0);
  const { code, out } = await verified(await at.proofOf(after));
  assert.equal(code, 1);
  assert.match(out, /revoked before the call ran/);
});

test('the proof of a call whose client came back in another session has what happened there', async () => {
  await using db = await testDatabase();
  const approvals = testApprovals(db.pool);
  const one = await startReplica(db, approvals, {});
  try {
    const first = one.request({ sessionId: 'before' });
    const holding = one.hold.hold(first);
    const input = await approvals.next();
    first.stream.disconnect();
    await holding;
    const back = one.request({ sessionId: 'after', idJson: '2' });
    const waiting = one.hold.hold(back);
    const other = one.request({ sessionId: 'other', idJson: '3', args: '{"sql":"of another call"}' });
    const others = one.hold.hold(other).catch(() => {});
    while (!one.log.some((line) => line.includes('"how":"attached"')))
      await new Promise((done) => setTimeout(done, 5));
    await one.execute({ ...input, votes: [countedVote(input)] });
    await waiting;
    let text = '';
    const deps = {
      api: commandApi(db.pool, {
        recordings: recordingsOn(db.pool, one.deps.keyRing, { vkey: signer.vkey }),
        votePublicKeys: {},
      }),
      out: (more: string) => (text += more),
      err: (more: string) => assert.fail(more),
    };
    assert.equal(await sequencing(db.pool, () => proof([input.callId], deps)), 0);
    const file = JSON.parse(text) as ProofFile;
    assert.deepEqual([...new Set(file.records.map(({ sessionId }) => sessionId))], ['before', 'after']);
    assert.match(text, /\\"kind\\":\\"claim\\"/);
    assert.match(text, /done/);
    other.stream.disconnect();
    await others;
  } finally {
    await one.stop();
  }
});
