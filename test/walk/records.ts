import assert from 'node:assert/strict';
import { join } from 'node:path';
import { localSecrets } from '../../cli/data-dir.ts';
import { createRecordReader } from '../../db/records-read.ts';
import { localKeyRing } from '../../recording/key-ring.ts';
import { openSession } from '../../recording/read.ts';
import { sessionsOf } from '../../recording/search.ts';
import type { Seen } from './cell.ts';
import type { Scene } from './scene.ts';

/** Every request's events are there, whatever died, and `holdpoint verify` finds nothing wrong. */
export async function checkRecords(scene: Scene, seen: readonly Seen[]): Promise<void> {
  const { site } = scene;
  const recorded = await kindsByCall(scene);
  for (const { command, rows } of seen)
    for (const { callId, state, voters } of rows) {
      const kinds = recorded.get(callId) ?? [];
      const has = (kind: string): boolean => kinds.includes(kind);
      const what = `${command} ${state}: ${kinds.join(', ')}`;
      if (voters > 0) assert.ok(has('hold') && has('decision'), what);
      if (state === 'succeeded') assert.ok(has('claim') && has('sent') && has('outcome'), what);
    }
  const { code, out, err } = await site.command('verify', '--deep');
  assert.equal(code, 0, out + err);
}

/** Kinds of what is recorded of each call; the message that goes upstream under an approval is `sent`. */
async function kindsByCall({ site }: Scene): Promise<Map<string, string[]>> {
  const { encryption } = await localSecrets(join(site.folder, 'data'));
  const deps = { reader: createRecordReader(site.pool), keyRing: localKeyRing([encryption]) };
  const found = new Map<string, string[]>();
  for await (const { facts } of sessionsOf(deps, {})) {
    const opened = await openSession(deps, facts.sessionId);
    for await (const { callId, kind, direction, bytes } of opened?.events() ?? []) {
      if (callId === null) continue;
      const isRun = direction === 'client-to-upstream' && String(bytes).includes('"name":"run"');
      found.set(callId, [...(found.get(callId) ?? []), isRun ? 'sent' : kind]);
    }
  }
  return found;
}
