import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { revokeGrant, shownGrant, shownGrants } from '../../../db/grants.ts';
import type { HoldVerdict } from '../../../policy/verdict.ts';
import { definitionHashOf } from '../../../gateway/hold/canonical.ts';
import { grantIdOf } from '../../../gateway/hold/grants.ts';
import type { GrantTerms } from '../../../workflows/contract.ts';
import { policyOf } from '../../support/gateway.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';
import {
  type Replica,
  type RequestChange,
  startReplica,
  type TestApprovals,
  testApprovals,
} from './support.ts';
import { countedVote, type VoteOptions } from './votes.ts';

let db: TestDatabase;
before(async () => {
  db = await testDatabase();
});
after(async () => {
  await db[Symbol.asyncDispose]();
});

const definition = '{"name":"query","description":"Runs SQL."}';
const where = ['call.args.env == "staging"', 'call.args.table == approved.args.table'];
const text = (calls: number, more = ''): string => `
default: deny
approvers: { dba: { people: [ann@example.com, ben@example.com] } }
rules:
  - name: writes
    match: { connection: db, tool: query }
    then: hold
    approvers: [dba]
    grants: { calls: ${calls}, for: 30m, where: ['${where.join(`', '`)}'] }
${more}`;

interface Place {
  readonly one: Replica;
  readonly approvals: TestApprovals;
  change(more?: Partial<RequestChange> & { env?: string; table?: string; n?: number }): RequestChange;
  /** Approves the first call with a grant and waits for its result. */
  approve(terms?: Partial<GrantTerms>, people?: Partial<VoteOptions>[]): Promise<string>;
  /** Asks for one more call. @returns whether it ran by itself */
  again(change?: Parameters<Place['change']>[0], replica?: Replica): Promise<boolean>;
}

async function place(
  work: (place: Place) => Promise<void>,
  { yaml = text(3), needed = 1 }: { yaml?: string; needed?: number } = {},
): Promise<void> {
  await db.pool.query('truncate held_calls cascade');
  const policy = policyOf(yaml, ['db']);
  const approvals = testApprovals(db.pool);
  const one = await startReplica(db, approvals, { policy });
  one.upstream.tools.push(definition);
  const rule = policy.rules[0]?.ending as Extract<HoldVerdict, { kind: 'hold' }>;
  const definitionHash = definitionHashOf(definition);
  const quorum = { kind: 'together', approvals: needed } as const;
  const verdict = { policyVersion: policy.version, offers: rule.offers, approvalsNeeded: needed, quorum };
  let ids = 10;
  const waiting: Promise<void>[] = [];
  const self: Place = {
    one,
    approvals,
    change: ({ env = 'staging', table = 'orders', n = ids, ...more } = {}) => ({
      args: JSON.stringify({ env, table, n }),
      idJson: String((ids += 1)),
      definitionHash,
      ...more,
      verdict: { ...verdict, ...more.verdict },
    }),
    async approve(terms = {}, people = [{}]) {
      const asked = approvals.opened.length;
      const request = one.request(self.change());
      waiting.push(one.hold.hold(request));
      const input = await approvals.next(asked + 1);
      const grant = { calls: 3, untilMs: Date.now() + 60_000, sessionId: 'session-1', where, ...terms };
      const votes = people.map((person) => countedVote({ ...input, grant, ...person }));
      await one.execute({ ...input, votes });
      await request.stream.response();
      return grantIdOf(input.callId);
    },
    async again(change = {}, replica = one) {
      const asked = approvals.opened.length;
      const request = replica.request(self.change(change));
      const holding = replica.hold.hold(request).catch(() => {});
      waiting.push(holding);
      const opened = approvals.next(asked + 1).then(
        () => false,
        () => false,
      );
      return Promise.race([request.stream.response().then(() => true), opened]);
    },
  };
  try {
    await work(self);
  } finally {
    await one.stop();
    await Promise.all(waiting);
  }
}

test('a grant lets as many further calls run as were approved, each recorded under it, and then people are asked again', () =>
  place(async ({ approve, again, one }) => {
    const grantId = await approve();
    const ran: boolean[] = [];
    for (let n = 0; n < 4; n++) ran.push(await again());
    assert.deepEqual(ran, [true, true, true, false]);
    const grant = await shownGrant(db.pool, grantId);
    assert.deepEqual([grant?.used, grant?.calls, grant?.open], [3, 3, false]);
    assert.deepEqual(grant?.givenBy, ['Ann']);
    const { rows } = await db.pool.query<{ state: string; decisions: unknown[]; number: number }>(
      `select h.state, h.decisions, u.number from held_calls h join approval_grant_uses u using (call_id)
       where h.grant_id = $1 order by u.number`,
      [grantId],
    );
    assert.deepEqual(
      rows.map(({ state, number, decisions }) => [state, number, decisions.length]),
      [
        ['succeeded', 1, 0],
        ['succeeded', 2, 0],
        ['succeeded', 3, 0],
      ],
    );
    assert.equal(one.upstream.calls().length, 4);
    const sealed = await db.pool.query('select 1 from approval_grants where sealed_args is not null');
    assert.equal(sealed.rowCount, 0, 'the arguments it compared with are destroyed when it is used up');
  }));

test('many calls at once through two replicas never use a grant beyond its number', () =>
  place(
    async ({ approve, change, one, approvals }) => {
      const grantId = await approve({ calls: 5 });
      const two = await startReplica(db, approvals, { policy: one.deps.policy(), name: 'two' });
      two.upstream.tools.push(definition);
      Object.assign(two.deps, { keyRing: one.deps.keyRing });
      const requests = Array.from({ length: 12 }, (_, n) =>
        (n % 2 ? one : two).request(change({ n: 1000 + n })),
      );
      const held = requests.map((request, n) => (n % 2 ? one : two).hold.hold(request).catch(() => {}));
      await approvals.next(1 + 7);
      assert.equal((await shownGrant(db.pool, grantId))?.used, 5);
      await two.stop();
      await one.hold.close();
      await Promise.all(held);
      assert.equal(one.upstream.calls().length + two.upstream.calls().length, 1 + 5);
    },
    { yaml: text(5) },
  ));

test('a grant covers nothing but what its predicates and everything it is bound to say', () =>
  place(async ({ approve, again }) => {
    await approve();
    const other = `${text(3)}\n# a comment changes nothing`;
    assert.equal(policyOf(other, ['db']).version, policyOf(text(3), ['db']).version);
    const cases: [string, Parameters<typeof again>[0]][] = [
      ['another environment', { env: 'production' }],
      ['another table than the approved one', { table: 'customers' }],
      ['another session', { sessionId: 'session-2' }],
      ['another caller', { caller: { key: 'local:other' } }],
      ['another definition of the tool', { definitionHash: definitionHashOf('{"name":"query"}') }],
      ['another policy', { verdict: { policyVersion: 'sha256:2' } }],
      [
        'a call with more than arguments',
        {
          json: `{"jsonrpc":"2.0","id":77,"method":"tools/call","params":{"name":"query","arguments":{"env":"staging","table":"orders"},"inputResponses":{"a":1}}}`,
        },
      ],
    ];
    for (const [what, change] of cases) assert.equal(await again(change), false, what);
    assert.equal(await again(), true, 'and the call that it does cover runs');
  }));

test('a revoked grant covers nothing from that moment on', () =>
  place(async ({ approve, again }) => {
    const grantId = await approve();
    assert.equal(await again(), true);
    const by = { person: { keys: ['oidc:https://idp#ben'], name: 'Ben' }, via: 'slack' };
    assert.equal(await revokeGrant(db.pool, grantId, by), true);
    assert.equal(await revokeGrant(db.pool, grantId, by), false, 'once');
    assert.equal(await again(), false);
    const [grant] = await shownGrants(db.pool, { open: false, limit: 10 });
    assert.deepEqual(grant?.revokedBy, { name: 'Ben', via: 'slack' });
    const { rows } = await db.pool.query('select act, facts from approval_acts');
    assert.deepEqual(rows, [{ act: 'grant-revoked', facts: { grantId, used: 1, calls: 3, ...by } }]);
  }));

test('a grant whose time is over covers nothing, and its arguments are destroyed', () =>
  place(async ({ approve, again }) => {
    await approve({ untilMs: Date.now() + 700 });
    await new Promise((done) => setTimeout(done, 750));
    assert.equal(await again(), false);
  }));

test('a vote that offers more than policy does gives no grant; its own call runs', () =>
  place(async ({ approve, one }) => {
    const terms: Partial<GrantTerms>[] = [
      { calls: 4 },
      { untilMs: Date.now() + 3_600_000 },
      { sessionId: null },
      { sessionId: 'session-9' },
      { where: [] },
      { where: [where[0] ?? ''] },
      { where: [...where, 'true == true'] },
    ];
    for (const [index, wrong] of terms.entries()) {
      await approve(wrong);
      assert.equal(one.upstream.calls().length, index + 1);
      assert.deepEqual(await shownGrants(db.pool, { open: false, limit: 10 }), [], JSON.stringify(wrong));
    }
  }));

test('nobody grants alone what two have to approve, and nobody grants to themselves', async () => {
  await place(
    async ({ approve }) => {
      const ben = { keys: ['oidc:https://idp#ben'], name: 'Ben' };
      await approve({}, [{}, { person: ben, grant: undefined as never }]);
      assert.deepEqual(await shownGrants(db.pool, { open: false, limit: 10 }), []);
    },
    { needed: 2 },
  );
  await place(
    async ({ approve, again }) => {
      const ben = { keys: ['oidc:https://idp#ben'], name: 'Ben' };
      const narrow = { calls: 1, untilMs: Date.now() + 60_000, sessionId: 'session-1', where };
      const grantId = await approve({}, [{}, { person: ben, grant: narrow }]);
      assert.deepEqual((await shownGrant(db.pool, grantId))?.terms.calls, 1, 'the narrower offer counts');
      assert.deepEqual([await again(), await again()], [true, false]);
    },
    { needed: 2 },
  );
});

test('what the database says of a grant is not believed: only what the votes sign is', () =>
  place(async ({ approve, again }) => {
    await approve();
    await db.pool.query('alter table approval_grants disable trigger all');
    try {
      await db.pool.query(`update approval_grants set calls = 1000, terms = terms || '{"calls": 1000}'`);
      for (let n = 0; n < 3; n++) assert.equal(await again(), true);
      assert.equal(await again(), false, 'the fourth is not covered, whatever the row says');
      await db.pool.query(
        `update approval_grants set used = 0, bound = bound || '{"callerKey": "local:other"}'`,
      );
      assert.equal(await again({ caller: { key: 'local:other' } }), false, 'a grant cannot be moved');
    } finally {
      await db.pool.query('alter table approval_grants enable trigger all');
    }
  }));

test('a grant never becomes wider in the database', () =>
  place(async ({ approve }) => {
    await approve();
    for (const change of [
      `calls = 9`,
      `used = used - 0, expires_at = now() + interval '9 days'`,
      `terms = '{}'`,
    ])
      await assert.rejects(
        db.pool.query(`update approval_grants set ${change}`),
        /never becomes wider/,
        change,
      );
    await assert.rejects(db.pool.query('update approval_grants set used = 99'), /never_beyond|never becomes/);
  }));
