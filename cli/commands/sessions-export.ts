import { filterOf } from '../../console/api/recorded.ts';
import { createLogView } from '../../db/records-log.ts';
import { createRecordReader } from '../../db/records-read.ts';
import type { SessionSummary } from '../../recording/reader.ts';
import { chosenSessions, NothingChosenError } from '../../recording/chosen.ts';
import { exportPackage } from '../../recording/export/write.ts';
import { visible } from '../../recording/transcript.ts';
import type { RecordingDeps } from './recording-deps.ts';
import { exportAsked } from './sessions-chosen.ts';
import { choiceOf } from './sessions-filter.ts';

/** `holdpoint sessions export`: the chosen sessions and the whole log as a package for an auditor. */
export async function exportSessions(
  argv: string[],
  deps: RecordingDeps & { readonly logKey: string },
): Promise<number> {
  const { values, out, words } = exportAsked(argv, new Date());
  const reader = createRecordReader(deps.pool);
  let sessions: SessionSummary[];
  try {
    const { chosen, span } = words;
    sessions = await Array.fromAsync(
      await chosenSessions(reader, chosen, { ...filterOf(choiceOf(values)), ...span }),
    );
  } catch (error) {
    if (!(error instanceof NothingChosenError)) throw error;
    deps.err(`${visible(error.message)}; see holdpoint sessions list\n`);
    return 1;
  }
  await deps.recordAct('sessions.export', {
    sessions: sessions.length,
    first: sessions[0]?.facts.sessionId ?? null,
  });
  const records = await exportPackage(
    {
      reader,
      keyRing: deps.keyRing,
      log: createLogView(deps.pool),
      vkey: deps.logKey,
      onProgress: ({ sessionId, records, skipped }) =>
        deps.err(`${visible(sessionId)}: ${skipped ? 'there already' : `${records} records`}\n`),
    },
    out,
    sessions,
  );
  deps.out(`${sessions.length} sessions, ${records} records written to ${out}\n`);
  return 0;
}
