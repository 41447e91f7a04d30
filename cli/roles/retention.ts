import { createRecordAct } from '../../console/acts.ts';
import { abandonedSessions } from '../../db/abandoned-sessions.ts';
import { createPurgeStore } from '../../db/records-purge.ts';
import type { Recorder } from '../../recording/event.ts';
import type { NoteSigner } from '../../recording/log/note.ts';
import { startRetention } from '../../recording/retain.ts';
import { defaultMasker } from '../masking.ts';
import type { Stoppable } from '../stopping.ts';
import type { RoleContext } from './context.ts';

const abandonedAfterMs = 48 * 60 * 60_000;

/**
 * Purges what `recording.retention` says need not be kept any more. Seals what nobody
 * ends any more. Any number of workers may; one does.
 */
export function startPurging(
  { config, pool, log }: RoleContext,
  parts: { readonly recorder: Recorder; readonly signer: NoteSigner },
): Stoppable {
  const { retention, purgeEveryMs } = config.recording;
  const { recorder, signer } = parts;
  const running = startRetention({
    store: createPurgeStore(pool),
    signer,
    now: () => new Date(),
    rules: retention,
    everyMs: purgeEveryMs,
    recordAct: createRecordAct({ recorder, masker: defaultMasker() }),
    sealAbandoned: async () => {
      for (const sessionId of await abandonedSessions(pool, abandonedAfterMs, 1000))
        await recorder.end(sessionId, 'nothing happened for two days');
    },
    onDone: ({ purged, freed }) => log.info({ purged, ...freed }, 'recordings purged'),
    onError: (error) =>
      log.error({ err: error }, 'recordings that are due could not be purged; it is tried again'),
  });
  return { name: 'retention', stop: running.stop };
}
