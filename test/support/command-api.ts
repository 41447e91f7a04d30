import { pino } from 'pino';
import type { Api } from '../../cli/api/api.ts';
import { directApi } from '../../cli/api/direct.ts';
import { actContext } from '../../console/context.ts';
import type { ActDeps, Recordings } from '../../console/deps.ts';
import { type Identity, localApprover } from '../../console/identity.ts';
import { createLogView } from '../../db/records-log.ts';
import { createRecordReader } from '../../db/records-read.ts';
import type { Pool } from '../../db/pool.ts';
import type { Masked } from '../../masking/masked.ts';
import type { KeyRing } from '../../recording/key-ring.ts';

/** What a command is given beside a test's database: nothing is masked, and nobody's workflow answers. */
export function commandApi(
  pool: Pool,
  {
    identity = async () => localApprover(),
    ...deps
  }: Partial<ActDeps> & { identity?: () => Promise<Identity> } = {},
): Api {
  const context = actContext({
    pool,
    approvals: {
      decide: async () => ({ kind: 'ended' }),
      extend: async () => ({ kind: 'ended' }),
      cancel: async () => {},
    },
    maskText: (text) => text as Masked<string>,
    log: pino({ level: 'silent' }),
    ...deps,
  });
  return directApi(context, { operator: 'os:0', proven: identity });
}

/** Recordings of a test's database. */
export function recordingsOn(
  pool: Pool,
  keyRing: KeyRing,
  { vkey, recordAct = async () => {} }: { vkey: string; recordAct?: Recordings['recordAct'] },
): Recordings {
  return { reader: createRecordReader(pool), keyRing, recordAct, log: { view: createLogView(pool), vkey } };
}
