import { createRecordAct } from '../../console/acts.ts';
import type { ConsoleDeps, Recordings } from '../../console/deps.ts';
import { makeServiceToken } from '../../console/make-token.ts';
import { createLogView } from '../../db/records-log.ts';
import { createRecordReader } from '../../db/records-read.ts';
import { createRecordStore } from '../../db/records.ts';
import { defaultMasker } from '../../cli/masking.ts';
import type { MaskingEngine } from '../../masking/engine.ts';
import type { Recorder } from '../../recording/event.ts';
import { type KeyRing, localKeyRing, newDataKey } from '../../recording/key-ring.ts';
import { createRecorder } from '../../recording/recorder.ts';
import { signer } from '../recording/support.ts';
import { type TestConsole, testConsole } from '../console/support.ts';
import { reportParts } from './mask-reports.ts';
import type { TestDatabase } from './postgres.ts';

/** A console with all that the API needs, and a token for it. */
export interface ApiConsole extends AsyncDisposable {
  readonly console: TestConsole;
  /** Of the service `ci`, which is an owner. */
  readonly token: string;
  readonly cancelled: string[];
  readonly recorder: Recorder;
  readonly keyRing: KeyRing;
  /** Masks by the policy in force. */
  readonly engine: MaskingEngine;
}

/** The policy in force. */
const policy = 'default: pass\nmasking:\n  default: { except: [email] }\n';

/** Starts a console whose API works on a database, with real recordings. */
export async function apiConsole(
  db: TestDatabase,
  {
    reader = createRecordReader(db.pool),
    ...more
  }: Partial<ConsoleDeps> & { reader?: Recordings['reader'] } = {},
): Promise<ApiConsole> {
  const keyRing = localKeyRing([newDataKey()]);
  const recorder = createRecorder({ store: createRecordStore(db.pool), keyRing });
  const masker = defaultMasker();
  const recordAct = createRecordAct({ recorder, masker });
  const cancelled: string[] = [];
  const { engine, ...masking } = reportParts(db.pool, keyRing, policy);
  const console = await testConsole(db.pool, {
    roles: {
      owner: { people: ['service:ci'], groups: [] },
      viewer: { people: ['service:eyes'], groups: [] },
      approver: { people: ['service:ci'], groups: [] },
    },
    containment: {
      maskText: (text) => masker.text(text).text,
      cancelWorkflow: async (id) => void cancelled.push(id),
    },
    recordings: {
      reader,
      keyRing,
      recordAct,
      log: { view: createLogView(db.pool), vkey: signer.vkey },
    },
    tokens: { longestMs: 86_400_000, scopes: ['holdpoint:api', 'mcp:postgres'] },
    checkPolicy: () => [],
    ...masking,
    version: '0.1.0',
    ...more,
  });
  return {
    console,
    cancelled,
    recorder,
    keyRing,
    engine,
    token: await apiToken(db, 'ci', ['holdpoint:api']),
    async [Symbol.asyncDispose]() {
      await console[Symbol.asyncDispose]();
      await recorder.close();
    },
  };
}

/** A token of a service. */
export async function apiToken(
  db: TestDatabase,
  subject: string,
  scopes: readonly string[] | null,
): Promise<string> {
  const { secret } = await makeServiceToken(
    {
      db: db.pool,
      recordAct: async () => {},
      now: new Date(),
      longestMs: 86_400_000,
      scopes: ['holdpoint:api', 'mcp:postgres'],
    },
    { subject, by: 'test' },
    { name: subject, lifeMs: 3_600_000, scopes, groups: [] },
  );
  return secret;
}
