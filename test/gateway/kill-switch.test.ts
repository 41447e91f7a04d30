import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../cli/commands/freeze.ts';
import type { Identity } from '../../console/identity.ts';
import { askToLift, turnOn } from '../../console/kill-switch.ts';
import { claim } from '../../db/held-execution.ts';
import { freeze, freezeInForce, keepSwitchPeople, lift } from '../../db/kill-switch.ts';
import type { Masked } from '../../masking/masked.ts';
import { commandApi } from '../support/command-api.ts';
import { startCountingUpstream } from '../support/counting-upstream.ts';
import { httpConnection, testGateway } from '../support/gateway.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { prepareHeld } from '../workflows/held-rows.ts';

const ann = { keys: ['oidc:https://idp#ann', 'slack:T1/UANN'], name: 'Ann' };
const annInSlack = { keys: ['slack:T1/UANN'], name: 'Ann in Slack' };
const bob = { keys: ['oidc:https://idp#bob'], name: 'Bob' };

async function call(url: string, tool: string): Promise<{ isError?: boolean; text: string }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': tool,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name: tool,
        arguments: { text: 'hello' },
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
  });
  const body = await response.text();
  return { isError: body.includes('"isError":true') || body.includes('"error"'), text: body };
}

test('frozen, nothing passes on any replica within a second; lifted by two people, calls run again', async () => {
  await using upstream = await startCountingUpstream();
  await using one = await testGateway({ connections: { tools: httpConnection(upstream.url) } });
  await using two = await testGateway({
    connections: { tools: httpConnection(upstream.url) },
    replicaOf: one,
  });
  const both = [one, two];
  for (const gateway of both) assert.match((await call(gateway.url('tools'), 'echo')).text, /hello/);
  const before = upstream.calls('echo').length;
  await freeze(one.db.pool, { person: ann, via: 'test', because: null });
  await sleep(1000);
  for (const gateway of both) {
    const answer = await call(gateway.url('tools'), 'echo');
    assert.equal(answer.isError, true);
    assert.match(answer.text, /FROZEN\. The call was not executed/);
  }
  assert.equal(upstream.calls('echo').length, before, 'nothing reached the server');
  await lift(one.db.pool, { person: ann, via: 'test', peopleNeeded: 2 });
  await sleep(1000);
  assert.match((await call(one.url('tools'), 'echo')).text, /FROZEN/, 'one person is not enough');
  await lift(one.db.pool, { person: bob, via: 'test', peopleNeeded: 2 });
  await sleep(1000);
  for (const gateway of both) assert.match((await call(gateway.url('tools'), 'echo')).text, /hello/);
});

describe('the kill switch in the database', () => {
  let db: TestDatabase;
  before(async () => {
    db = await testDatabase();
  });
  after(() => db[Symbol.asyncDispose]());
  const held = () => prepareHeld(db, { id: 'k', publicRaw: 'x' }, Date.now(), {});
  const claimOf = async ({ callId, digest }: { callId: string; digest: string }): Promise<boolean> =>
    claim(db.pool, { callId, digest, execToken: `token-${callId}`, votes: [], handles: [] });
  const liftNow = async (): Promise<void> => {
    for (const person of [ann, bob]) await lift(db.pool, { person, via: 'test', peopleNeeded: 2 });
  };

  test('no approved call is claimed while it is on, and none that raced it is claimed afterwards', async () => {
    const calls = await Promise.all(Array.from({ length: 12 }, held));
    const claims = calls.map((one) => claimOf(one));
    const frozen = freeze(db.pool, { person: ann, via: 'test', because: null });
    const done = (await Promise.all(claims)).filter(Boolean).length;
    assert.equal(await frozen, true);
    const claimed = async (): Promise<number> => {
      const { rows } = await db.pool.query(`select 1 from held_calls where state = 'executing'`);
      return rows.length;
    };
    assert.equal(await claimed(), done);
    for (const one of calls) assert.equal(await claimOf(one), false);
    assert.equal(await claimed(), done);
    await liftNow();
    assert.equal(await claimOf(await held()), true);
  });

  test('nobody is asked about a new call while it is on', async () => {
    await freeze(db.pool, { person: ann, via: 'test', because: null });
    await assert.rejects(held(), /frozen/);
    await liftNow();
  });

  test('deadlines stand still, and move by as long as it lasted', async () => {
    const { callId, expiresAtMs } = await held();
    await freeze(db.pool, { person: ann, via: 'test', because: null });
    await db.pool.query(
      `update clock_stops set began_at = now() - interval '2 hours' where ended_at is null`,
    );
    await db.pool.query(`update held_calls set created_at = now() - interval '3 hours' where call_id = $1`, [
      callId,
    ]);
    await liftNow();
    const { rows } = await db.pool.query<{ at: Date }>(
      'select expires_at as at from held_calls where call_id = $1',
      [callId],
    );
    const movedMs = (rows[0]?.at.getTime() ?? 0) - expiresAtMs;
    assert.ok(Math.abs(movedMs - 2 * 3_600_000) < 60_000, `moved by ${movedMs} ms`);
  });

  test('it is lifted by two distinct people: two accounts of one person are one', async () => {
    await freeze(db.pool, { person: bob, via: 'test', because: null });
    const asked = async (person: typeof ann) =>
      (await lift(db.pool, { person, via: 'test', peopleNeeded: 2 })).kind;
    assert.equal(await asked(ann), 'waits');
    assert.equal(await asked(annInSlack), 'waits');
    assert.equal(await asked(ann), 'waits');
    assert.notEqual(await freezeInForce(db.pool), null);
    assert.equal(await asked(bob), 'lifted');
    assert.equal(await freezeInForce(db.pool), null);
  });

  test('members of an approver group and operators turn it, two of them lift it, nobody else; what they write is masked', async () => {
    const group = { name: 'dba', slackChannel: null, slackUserGroup: null, people: ['ann'], groups: [] };
    await keepSwitchPeople(db.pool, [group]);
    const deps = {
      pool: db.pool,
      roles: { operator: { people: ['olga'], groups: [] } },
      maskText: (text: string) => text.replace('hunter2', '[masked]') as Masked<string>,
    };
    const who = (subject: string): Identity => ({
      person: { keys: [`oidc:https://idp#${subject}`], name: subject },
      subject,
      email: null,
      groups: [],
      local: false,
    });
    const eve = await turnOn(deps, { identity: who('eve'), via: 'console' }, 'for fun');
    assert.equal(eve.done, false);
    assert.equal(await freezeInForce(db.pool), null);
    assert.equal(
      (await turnOn(deps, { identity: who('ann'), via: 'console' }, 'leak of hunter2')).done,
      true,
    );
    assert.equal((await freezeInForce(db.pool))?.because, 'leak of [masked]');
    const lifting = async (subject: string): Promise<string> =>
      (await askToLift(deps, { identity: who(subject), via: 'console' })).text;
    assert.match(await lifting('ann'), /another person/);
    assert.match(await lifting('ann'), /You have asked already/);
    assert.match(await lifting('eve'), /Only members of an approver group, operators and owners/);
    assert.notEqual(await freezeInForce(db.pool), null, 'one person is not two, and a stranger is nobody');
    assert.match(await lifting('olga'), /^Lifted, as asked for by ann and olga/);
    assert.equal((await turnOn(deps, { identity: who('olga'), via: 'console' }, '')).done, true);
    await lifting('ann');
    assert.match(await lifting('olga'), /^Lifted/);
  });

  test('on a machine of one person the command line freezes, tells how it stands, and lifts', async () => {
    const local: Identity = {
      person: { keys: ['local:approver'], name: 'local-approver' },
      subject: 'local-approver',
      email: null,
      groups: [],
      local: true,
    };
    const freezeCommand = async (command: 'freeze' | 'unfreeze', ...argv: string[]) => {
      let out = '';
      const code = await run(command, argv, {
        api: commandApi(db.pool, { identity: async () => local }),
        out: (text) => void (out += text),
        err: (text) => void (out += text),
      });
      return { code, out };
    };
    assert.deepEqual(await freezeCommand('freeze', '--status'), { code: 1, out: 'Not frozen.\n' });
    assert.match((await freezeCommand('freeze', '--reason', 'drill')).out, /^Frozen/);
    assert.match((await freezeCommand('freeze', '--status')).out, /Frozen by local-approver \(cli\).*drill/);
    assert.match((await freezeCommand('unfreeze')).out, /^Lifted/);
    assert.equal((await freezeCommand('unfreeze', '--reason', 'x')).code, 2);
  });
});
