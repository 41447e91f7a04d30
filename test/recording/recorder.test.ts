import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRecordStore } from '../../db/records.ts';
import type { Masked } from '../../masking/masked.ts';
import type { RecordEvent, SessionFacts } from '../../recording/event.ts';
import { localKeyRing, newDataKey } from '../../recording/key-ring.ts';
import { createRecorder } from '../../recording/recorder.ts';
import { testDatabase } from '../support/postgres.ts';

test('x', async () => {
  await using db = await testDatabase();
  const ring = localKeyRing([newDataKey()]);
  const recorder = createRecorder({ store: createRecordStore(db.pool), keyRing: ring });
  const s: SessionFacts = { sessionId: 's1', connection: 'c', callerKey: 'k', subject: 'su\0b', client: null, credentialId: null };
  const e: RecordEvent = { kind: 'message', direction: 'client-to-upstream', callId: 'c1', method: 'tools/call', tool: 't\0', verdict: 'pass', rule: 'r', policyVersion: 'p', bytes: '{"a":1}' as Masked<string>, unmasked: 'x' };
  console.log(await Promise.all([1, 2, 3].map(() => recorder.append(s, e))));
  console.log(await recorder.append({ ...s, sessionId: 's2' }, e));
  await recorder.end('s1', 'done');
  await assert.rejects(recorder.append(s, e), { code: 'session_ended' });
  await recorder.close();
  console.log((await db.pool.query('select writer_no, position, strand, seq, at, length(header) h, length(sealed) s, tableoid::regclass from records order by position')).rows);
  console.log((await db.pool.query('select * from record_facets')).rows);
});
