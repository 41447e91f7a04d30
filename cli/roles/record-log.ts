import { givePostingTurnBack, takePostingTurn } from '../../db/checkpoint-posts.ts';
import { createLogStore } from '../../db/records-log.ts';
import { type NoteSigner, noteVerifier } from '../../recording/log/note.ts';
import { filePublisher } from '../../recording/log/publish-file.ts';
import { s3Publisher, webhookPublisher } from '../../recording/log/publish-http.ts';
import { slackPublisher } from '../../recording/log/publish-slack.ts';
import { type CheckpointPublisher, startLog } from '../../recording/log/run.ts';
import { httpWitness } from '../../recording/log/witness.ts';
import type { CheckpointTarget, Config } from '../config/config.ts';
import type { Stoppable } from '../stopping.ts';
import type { RoleContext } from './context.ts';

/** Keeps the Merkle log over all recordings going. Any number of workers may; one leads. */
export function startRecordLog(context: RoleContext, signer: NoteSigner): Stoppable {
  const { config, pool, log } = context;
  const running = startLog({
    store: createLogStore(pool),
    signer,
    publishers: config.recording.checkpoints.map((target) => publisher(target, context)),
    witnesses: config.recording.witnesses.map(({ url, key }) => httpWitness(url, noteVerifier(key))),
    onError: (error, doing) => log.error({ err: error, doing }, 'the log of recordings is behind'),
  });
  return { name: 'record log', stop: running.stop };
}

function publisher(target: CheckpointTarget, { config, pool }: RoleContext): CheckpointPublisher {
  switch (target.kind) {
    case 'file':
      return filePublisher(target.path);
    case 'webhook':
      return webhookPublisher(target.url, target.secret);
    case 's3':
      return s3Publisher(target);
    default: {
      const { channel, everyMs } = target;
      const { botToken: token, apiUrl } = slackOf(config);
      const place = `slack ${channel}`;
      return slackPublisher(
        { apiUrl, token, channel },
        {
          take: () => takePostingTurn(pool, place, everyMs),
          giveBack: () => givePostingTurnBack(pool, place),
        },
      );
    }
  }
}

function slackOf({ slack }: Config): NonNullable<Config['slack']> {
  if (slack) return slack;
  throw new Error('recording.checkpoints names a Slack channel, but `slack` is not configured here');
}
