import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { withVerifySource } from '../../db/records-verify.ts';
import { createLogStore } from '../../db/records-log.ts';
import { createRecordReader } from '../../db/records-read.ts';
import { createRecordStore } from '../../db/records.ts';
import type { Pool } from '../../db/pool.ts';
import { answering } from '../../cli/commands/answering.ts';
import { exportSessions } from '../../cli/commands/sessions-export.ts';
import { purge, type PurgeDeps } from '../../cli/commands/sessions-purge.ts';
import { run, usage } from '../../cli/commands/sessions.ts';
import type { Masked } from '../../masking/masked.ts';
import type { RecordEvent, Recorder, SessionFacts } from '../../recording/event.ts';
import { type KeyRing, localKeyRing, newDataKey } from '../../recording/key-ring.ts';
import { noteSigner, noteVerifier } from '../../recording/log/note.ts';
import { verifyLog, type VerifyReport } from '../../recording/log/verify.ts';
import { sequence } from '../../recording/log/sequence.ts';
import { commandApi, recordingsOn } from '../support/command-api.ts';
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

export const signer = noteSigner('holdpoint.test/log', randomBytes(32));

/** Takes everything into the log. @returns its checkpoint */
export async function sequenceAll(pool: Pool, seen: string | null = null): Promise<string> {
  const store = createLogStore(pool);
  for (;;) {
    const done = await sequence(store, signer, { maxRecords: 1000, seen });
    assert.ok(done);
    if (done.added === 0) return done.checkpoint.note;
  }
}

/** Takes everything into the log again and again, as a worker does, as long as `during` runs. */
export async function sequencing<T>(pool: Pool, during: () => Promise<T>): Promise<T> {
  const done = new AbortController();
  const taking = (async () => {
    while (!done.signal.aborted) {
      await sequenceAll(pool);
      await new Promise((next) => setTimeout(next, 20));
    }
  })();
  try {
    return await during();
  } finally {
    done.abort();
    await taking;
  }
}

/** Verifies a database, by default every payload of it. */
export async function verifyPool(
  pool: Pool,
  kept: string[] = [],
  ring: KeyRing = keyRing,
): Promise<VerifyReport> {
  const options = { verifier: noteVerifier(signer.vkey), keptCheckpoints: kept, keyRing: ring, deep: true };
  return withVerifySource(pool, (source) => verifyLog(source, options));
}

/** A recording of `sessions` sessions over two recorders, taken into the log in several steps. */
export async function record(pool: Pool, sessions: number): Promise<string[]> {
  const recorders = [recorderOn(pool), recorderOn(pool)];
  const kept: string[] = [];
  for (let n = 0; n < sessions; n += 1) {
    const who = facts(`session-${n}`, { subject: `person ${n % 7}` });
    const appending = Array.from({ length: 6 }, async (_, k) =>
      recorders[(n + k) % 2]?.append(who, message(`{"n":${n},"k":${k}}`)),
    );
    await Promise.all(appending);
    if (n % 3 === 0) await recorders[0]?.end(who.sessionId, 'done');
    if (n % Math.ceil(sessions / 4) === 0) kept.push(await sequenceAll(pool));
  }
  await Promise.all(recorders.map((recorder) => recorder.close()));
  kept.push(await sequenceAll(pool));
  return kept;
}

/** What the sessions command is given. */
export interface SessionsDeps extends PurgeDeps {
  readonly keyRing: KeyRing;
  readonly logKey: string;
}

/** What the sessions command is given, with everything it prints thrown away unless a test says otherwise. */
export function sessionsDeps(pool: Pool, changes: Partial<SessionsDeps> = {}): SessionsDeps {
  return {
    pool,
    keyRing,
    logKey: signer.vkey,
    signer: async () => signer,
    person: 'local:approver',
    retention: [],
    out: () => {},
    err: () => {},
    recordAct: async () => {},
    ...changes,
  };
}

/** Runs `holdpoint sessions …` beside a database, as the local approver; acts are told without who did them. */
export async function sessions(argv: readonly string[], deps: SessionsDeps): Promise<number> {
  const [act, ...rest] = argv;
  const { out, err, pool, keyRing: ring, logKey: vkey } = deps;
  if (act === 'purge') return answering({ argv, usage, out, err }, () => purge(rest, deps));
  if (act === 'export') return answering({ argv, usage, out, err }, () => exportSessions(rest, deps));
  const who = new Set(['person', 'name', 'via']);
  const recordAct: SessionsDeps['recordAct'] = async (name, details) =>
    deps.recordAct(name, Object.fromEntries(Object.entries(details).filter(([key]) => !who.has(key))));
  const api = commandApi(pool, { recordings: recordingsOn(pool, ring, { vkey, recordAct }) });
  return run(argv, { api, out, err });
}
