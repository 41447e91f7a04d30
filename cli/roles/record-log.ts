import { createLogStore } from '../../db/records-log.ts';
import { type NoteSigner, noteVerifier } from '../../recording/log/note.ts';
import { filePublisher } from '../../recording/log/publish-file.ts';
import { s3Publisher, webhookPublisher } from '../../recording/log/publish-http.ts';
import { type CheckpointPublisher, startLog } from '../../recording/log/run.ts';
import { httpWitness } from '../../recording/log/witness.ts';
import type { CheckpointTarget } from '../config/config.ts';
import type { Stoppable } from '../stopping.ts';
import type { RoleContext } from './context.ts';

/** Keeps the Merkle log over all recordings going. Any number of workers may; one leads. */
export function startRecordLog({ config, pool, log }: RoleContext, signer: NoteSigner): Stoppable {
  const running = startLog({
    store: createLogStore(pool),
    signer,
    publishers: config.recording.checkpoints.map(publisher),
    witnesses: config.recording.witnesses.map(({ url, key }) => httpWitness(url, noteVerifier(key))),
    onError: (error, doing) => log.error({ err: error, doing }, 'the log of recordings is behind'),
  });
  return { name: 'record log', stop: running.stop };
}

function publisher(target: CheckpointTarget): CheckpointPublisher {
  if (target.kind === 'file') return filePublisher(target.path);
  return target.kind === 'webhook' ? webhookPublisher(target.url, target.secret) : s3Publisher(target);
}
