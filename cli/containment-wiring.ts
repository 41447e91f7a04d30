import { createRecordAct } from '../console/acts.ts';
import { createRecordStore } from '../db/records.ts';
import { createRecorder } from '../recording/recorder.ts';
import { createApprovals } from '../workflows/client.ts';
import { atCommandLine, opened } from './command-wiring.ts';
import { createLog } from './log.ts';
import type { Invocation } from './main.ts';
import { defaultMasker } from './masking.ts';
import { temporalLink } from './roles/temporal.ts';

/** `holdpoint revoke …`, `holdpoint unrevoke …`, `holdpoint revocations` */
export function containment(
  act: 'revoke' | 'unrevoke' | 'revocations',
): (invocation: Invocation) => Promise<number> {
  return async (invocation) => {
    const { run } = await import('./commands/revoke.ts');
    const { argv, env, out, err } = invocation;
    return opened(invocation, async (parts) => {
      const { config, pool, keys } = parts;
      const link = temporalLink({ ...parts, log: createLog('error', 'cli'), env, together: false });
      const recorder = createRecorder({ store: createRecordStore(pool), keyRing: keys.keyRing });
      const masker = defaultMasker();
      try {
        return await run(act, argv, {
          pool,
          roles: config.roles,
          recordAct: createRecordAct({ recorder, masker }),
          maskText: (text) => masker.text(text).text,
          cancelWorkflow: createApprovals(link.client, null).cancel,
          identity: () => atCommandLine(config, pool, invocation),
          out,
          err,
        });
      } finally {
        await recorder.close();
        await link.close();
      }
    });
  };
}
