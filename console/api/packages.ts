import { chosenSessions, NothingChosenError } from '../../recording/chosen.ts';
import { packageArchive } from '../../recording/export/archive.ts';
import { ApiProblem, download } from './endpoint.ts';
import { filterOf, recordingsOf, whoLooks } from './recorded.ts';
import * as schema from './schemas-recordings.ts';
import { none } from './schemas.ts';

/** Made at the same time by one process; each as fast as it is taken. */
export const mostPackages = 2;

/** Recorded sessions as files. */
export const packages = {
  packageSessions: download({
    id: 'packageSessions',
    method: 'POST',
    path: '/sessions/package',
    summary:
      'Recorded sessions and the whole log as a package for an auditor (docs/recording-format.md, section 7), in one ZIP archive that is made while it is sent. Who takes it is recorded before its first byte.',
    permission: 'recordings.read',
    looks: true,
    params: none,
    query: none,
    body: schema.packageBody,
    type: 'application/zip',
    fileName: 'holdpoint-recording.zip',
    closes:
      'its last entry is `manifest.json`, with the SHA-256 of every other, and then the directory: an archive without them is not whole',
    async open({ body, identity, caller, context, signal }) {
      const { log, ...recordings } = recordingsOf(context);
      if (!log)
        throw new ApiProblem(
          'unavailable',
          "this console does not know the log's public key, against which a package is checked: set recording.signingKey for it, or make the package with holdpoint sessions export --database",
        );
      const { chosen = [], ...filter } = body;
      const sessions = await chosenSessions(recordings.reader, chosen, filterOf(filter)).catch(notChosen);
      if (!(await log.view.checkpoint()))
        throw new ApiProblem(
          'unavailable',
          'the log has no checkpoint yet, which workers make a second or so after the first record: start a worker, and try again a second later',
        );
      const giveBack = context.packageSlots.take();
      if (!giveBack)
        throw new ApiProblem(
          'too_many',
          `this console makes ${mostPackages} packages at the same time at most: try again when they are done`,
          { headers: { 'retry-after': '30' } },
        );
      signal.addEventListener('abort', giveBack, { once: true });
      const { subject = null, connection = null, tool = null, verdict = null, rule = null } = filter;
      await recordings.recordAct('sessions.export', {
        session: chosen[0] ?? null,
        chosen: chosen.length,
        subject,
        connection,
        tool,
        verdict,
        rule,
        from: filter.from ?? null,
        to: filter.to ?? null,
        ...whoLooks(identity, caller),
      });
      return packageArchive({ ...recordings, log: log.view, vkey: log.vkey }, sessions);
    },
  }),
};

function notChosen(error: unknown): never {
  if (!(error instanceof NothingChosenError)) throw error;
  throw new ApiProblem('not_found', error.message, { cause: error });
}
