import { createRecordReader } from '../../db/records-read.ts';
import { createRecordStore } from '../../db/records.ts';
import type { Pool } from '../../db/pool.ts';
import type { Masked } from '../../masking/masked.ts';
import type { RecordEvent, Recorder, SessionFacts } from '../../recording/event.ts';
import { type KeyRing, localKeyRing, newDataKey } from '../../recording/key-ring.ts';
import { openSession, type RecordedEvent } from '../../recording/read.ts';
import { createRecorder, type RecorderDeps } from '../../recording/recorder.ts';

export const keyRing: KeyRing = localKeyRing([newDataKey()]);

export function facts(sessionId: string, changes: Partial<SessionFacts> = {}): SessionFacts {
  return {
    sessionId,
    connection: 'postgres',
    callerKey: 'oidc:https://idp.example#alice',
    subject: 'alice',
    client: 'mcp:claude-code',
    credentialId: 'jti-1',
    ...changes,
  };
}

/** A message as the gateway appends it. The text stands for what masking has left. */
export function message(text: string, changes: Partial<RecordEvent> = {}): RecordEvent {
  return {
    kind: 'message',
    direction: 'client-to-upstream',
    callId: 'call-1',
    method: 'tools/call',
    tool: 'query',
    verdict: 'pass',
    rule: 'reads',
    policyVersion: 'sha256:00',
    bytes: text as Masked<string>,
    ...changes,
  };
}

export function recorderOn(pool: Pool, changes: Partial<RecorderDeps> = {}): Recorder {
  return createRecorder({ store: createRecordStore(pool), keyRing, ...changes });
}

/** Everything of a session, read back. */
export async function readAll(pool: Pool, sessionId: string): Promise<RecordedEvent[]> {
  const session = await openSession({ reader: createRecordReader(pool), keyRing }, sessionId);
  const events: RecordedEvent[] = [];
  if (session) for await (const event of session.events()) events.push(event);
  return events;
}

export function texts(events: readonly RecordedEvent[]): string[] {
  return events.filter((event) => event.kind === 'message').map((event) => event.bytes?.toString() ?? '?');
}
