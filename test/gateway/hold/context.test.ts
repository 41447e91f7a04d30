import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { contextOf } from '../../../gateway/hold/context.ts';
import type { HeldRequest } from '../../../gateway/hold-port.ts';
import type { Masked } from '../../../masking/masked.ts';
import { localKeyRing, newDataKey } from '../../../recording/key-ring.ts';
import { facts, keyRing, message, recorderOn } from '../../recording/support.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';

/** A request of session `s` that is about to be held, as far as what helps to decide on it looks at it. */
function heldNow(recent: HeldRequest['recent']): HeldRequest {
  const text = (value: string) => ({ text: value.replace('hunter2', '[masked:secret]') });
  return {
    session: facts('s'),
    caller: { key: 'oidc:https://idp.example#alice' },
    tool: 'drop',
    verdict: { rule: 'writes' },
    correlationId: 'call-now',
    masker: { text },
    recent,
  } as unknown as HeldRequest;
}

async function recentOf(db: TestDatabase, own: HeldRequest['recent'], ring = keyRing) {
  const warned: string[] = [];
  const log = { warn: (_: object, what: string) => void warned.push(what) };
  const call = { attachKey: randomBytes(16), shownArgs: '{}' as Masked<string>, preview: null };
  const { recent } = await contextOf({ pool: db.pool, keyRing: ring, log }, heldNow(own), call);
  return { tools: recent.map(({ tool, verdict }) => `${tool} ${verdict}`), warned };
}

const own = [{ tool: 'mine', verdict: 'pass', atMs: 1 }];

test('approvers see the session’s last calls whichever gateways saw them, without the call itself, masked', async () => {
  await using db = await testDatabase();
  const [one, other] = [recorderOn(db.pool), recorderOn(db.pool)];
  for (let n = 1; n <= 8; n++)
    await (n % 2 ? one : other).append(
      facts('s'),
      message('{}', {
        callId: `c${n}`,
        tool: n === 8 ? 'say hunter2' : `tool-${n}`,
        verdict: n === 7 ? 'deny' : 'pass',
      }),
    );
  // What upstream answers is no call, and is not opened.
  await other.append(facts('s'), message('{}', { direction: 'upstream-to-client', tool: 'answer' }));
  await one.append(facts('elsewhere'), message('{}', { tool: 'of another session' }));
  await one.append(facts('s'), message('{}', { callId: 'call-now', tool: 'drop', verdict: 'hold' }));
  await Promise.all([one.close(), other.close()]);
  const { tools } = await recentOf(db, own);
  assert.deepEqual(tools, [
    'say [masked:secret] pass',
    'tool-7 deny',
    'tool-6 pass',
    'tool-5 pass',
    'tool-4 pass',
    'tool-3 pass',
  ]);
});

test('where one gateway has seen all of the session, it knows; where the recording cannot be read, it says what it knows', async () => {
  await using db = await testDatabase();
  const one = recorderOn(db.pool);
  await one.append(facts('s'), message('{}', { callId: 'c1', tool: 'recorded' }));
  await one.close();
  assert.deepEqual((await recentOf(db, own)).tools, ['mine pass']);
  const other = recorderOn(db.pool);
  await other.append(facts('s'), message('{}', { callId: 'c2', tool: 'recorded' }));
  await other.close();
  const { tools, warned } = await recentOf(db, own, localKeyRing([newDataKey()]));
  assert.deepEqual(tools, ['mine pass']);
  assert.equal(warned.length, 1);
});
