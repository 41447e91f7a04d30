import { createRecordAct } from '../../console/acts.ts';
import { createPurgeStore } from '../../db/records-purge.ts';
import type { Recorder } from '../../recording/event.ts';
import type { NoteSigner } from '../../recording/log/note.ts';
import { startRetention } from '../../recording/retain.ts';
import { defaultMasker } from '../masking.ts';
import type { Stoppable } from '../stopping.ts';
import type { RoleContext } from './context.ts';

/** Purges what `recording.retention` says need not be kept any more. Any number of workers may; one does. */
export function startPurging(
  { config, pool, log }: RoleContext,
  parts: { readonly recorder: Recorder; readonly signer: NoteSigner },
): Stoppable {
  const { retention, purgeEveryMs } = config.recording;
  const running = startRetention({
    store: createPurgeStore(pool),
    signer: parts.signer,
    now: () => new Date(),
    rules: retention,
    everyMs: purgeEveryMs,
    recordAct: createRecordAct({ recorder: parts.recorder, masker: defaultMasker() }),
    onDone: ({ purged, freed }) => log.info({ purged, ...freed }, 'recordings purged'),
    onError: (error) =>
      log.error({ err: error }, 'recordings that are due could not be purged; it is tried again'),
  });
  return { name: 'retention', stop: running.stop };
}
