import assert from 'node:assert/strict';
import { createRecordReader } from '../../../db/records-read.ts';
import { openSession } from '../../../recording/read.ts';
import { sessionsOf } from '../../../recording/search.ts';
import type { TestDatabase } from '../../support/postgres.ts';
import { canary } from './ends.ts';
import { type Replica } from './support.ts';

/** Every event that was recorded, opened: its kind, its tool and its bytes; of one session, or of all. */
export async function recordedIn(
  db: TestDatabase,
  { deps: { keyRing } }: Pick<Replica, 'deps'>,
  only?: string,
): Promise<string[]> {
  const reading = { reader: createRecordReader(db.pool), keyRing };
  const texts: string[] = [];
  for await (const { facts } of sessionsOf(reading, {})) {
    if (only !== undefined && facts.sessionId !== only) continue;
    const opened = await openSession(reading, facts.sessionId);
    for await (const event of opened?.events() ?? [])
      texts.push(`${event.kind} ${event.method} ${event.tool} ${event.bytes?.toString()}`);
  }
  return texts;
}

/** Whatever a test of a held call did: what is recorded of it holds no secret. */
export async function assertRecordedMasked(db: TestDatabase, one: Replica): Promise<void> {
  for (const text of await recordedIn(db, one)) assert.ok(!text.includes(canary), text.slice(0, 500));
}
