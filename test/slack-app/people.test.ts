import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  keyOfEmail,
  linkKeys,
  personOf,
  pinEmail,
  rememberedGroups,
  rememberGroups,
} from '../../db/people.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';

describe('the directory of people', () => {
  let db: TestDatabase;
  before(async () => {
    db = await testDatabase();
  });
  after(() => db?.[Symbol.asyncDispose]());

  it('knows a person by every key that was linked, from any of them', async () => {
    await personOf(db.pool, 'slack:T/U1', 'Alice');
    await personOf(db.pool, 'oidc:i#a', 'Alice A.');
    await personOf(db.pool, 'oidc:j#a', 'Alice B.');
    assert.equal(await linkKeys(db.pool, { key: 'slack:T/U1', to: 'oidc:i#a', by: 'test' }), 'linked');
    assert.equal(await linkKeys(db.pool, { key: 'slack:T/U1', to: 'oidc:i#a', by: 'test' }), 'already');
    assert.equal(await linkKeys(db.pool, { key: 'oidc:j#a', to: 'slack:T/U1', by: 'test' }), 'linked');
    const all = ['oidc:i#a', 'oidc:j#a', 'slack:T/U1'];
    for (const key of all) assert.deepEqual((await personOf(db.pool, key, 'Alice')).keys, all);
  });

  it('links keys that were never seen, and leaves others alone', async () => {
    await personOf(db.pool, 'slack:T/U9', 'Zoe');
    await linkKeys(db.pool, { key: 'slack:T/U2', to: 'oidc:i#b', by: 'test' });
    assert.deepEqual((await personOf(db.pool, 'oidc:i#b', 'Bob')).keys, ['oidc:i#b', 'slack:T/U2']);
    assert.deepEqual((await personOf(db.pool, 'slack:T/U9', 'Zoe')).keys, ['slack:T/U9']);
  });

  it('makes one person of links made at the same moment', async () => {
    const keys = Array.from({ length: 6 }, (_, index) => `oidc:i#c${index}`);
    await Promise.all(keys.slice(1).map((key) => linkKeys(db.pool, { key, to: 'oidc:i#c0', by: 'test' })));
    assert.deepEqual((await personOf(db.pool, 'oidc:i#c3', 'C')).keys, keys);
  });

  it('keeps what an e-mail meant first, in each realm, however it is written', async () => {
    const [one, two] = [
      { realm: 'slack:T', email: 'Dan@Example.com', key: 'slack:T/U4' },
      { realm: 'slack:T', email: 'dan@example.com', key: 'slack:T/U5' },
    ];
    assert.equal(await pinEmail(db.pool, one), 'slack:T/U4');
    assert.equal(await pinEmail(db.pool, two), 'slack:T/U4');
    assert.equal(await keyOfEmail(db.pool, { realm: 'oidc:i', email: 'dan@example.com' }), null);
    assert.equal(await keyOfEmail(db.pool, { realm: 'slack:T', email: 'DAN@example.com' }), 'slack:T/U4');
  });

  it('counts directory groups only as long as they are fresh, and never takes an older word for a newer', async () => {
    const key = 'oidc:i#e';
    const hourAgo = new Date(Date.now() - 3_600_000);
    await rememberGroups(db.pool, { key, groups: ['new'], seenAt: new Date() });
    await rememberGroups(db.pool, { key, groups: ['old'], seenAt: hourAgo });
    assert.deepEqual(await rememberedGroups(db.pool, { keys: [key], maxAgeMs: 60_000 }), ['new']);
    await db.pool.query('update people_groups set seen_at = $1', [hourAgo]);
    assert.deepEqual(await rememberedGroups(db.pool, { keys: [key], maxAgeMs: 60_000 }), []);
  });
});
