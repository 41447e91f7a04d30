import assert from 'node:assert/strict';
import { test } from 'node:test';
import { givePostingTurnBack, takePostingTurn } from '../../db/checkpoint-posts.ts';
import { openCheckpoint } from '../../recording/log/checkpoint.ts';
import { noteVerifier } from '../../recording/log/note.ts';
import { slackPublisher } from '../../recording/log/publish-slack.ts';
import { testDatabase } from '../support/postgres.ts';
import { startSlack } from '../support/slack.ts';
import { record, signer } from './support.ts';

test('a checkpoint is posted to Slack once in a while, by one of all workers, and can be copied out of it', async () => {
  await using db = await testDatabase();
  await using slack = await startSlack();
  const channel = slack.addChannel({ name: 'audit', isMember: true });
  const [note = ''] = (await record(db.pool, 3)).slice(-1);
  const { size } = openCheckpoint(note, noteVerifier(signer.vkey));
  const publisher = (channelId: string, everyMs: number) =>
    slackPublisher(
      { apiUrl: slack.apiUrl, token: slack.botToken, channel: channelId },
      {
        take: () => takePostingTurn(db.pool, channelId, everyMs),
        giveBack: () => givePostingTurnBack(db.pool, channelId),
      },
    );
  const workers = Array.from({ length: 4 }, () => publisher(channel, 60_000));
  await Promise.all(workers.map((worker) => worker.publish({ size, note })));
  await Promise.all(workers.map((worker) => worker.publish({ size, note })));
  assert.equal(slack.messages(channel).length, 1);
  const [, copied = ''] = /```\n([^]*)```/.exec(slack.messages(channel)[0]?.text ?? '') ?? [];
  assert.equal(openCheckpoint(copied, noteVerifier(signer.vkey)).size, size);

  const wrong = publisher('C0NOWHERE', 60_000);
  await assert.rejects(
    wrong.publish({ size, note }),
    /did not take the checkpoint for C0NOWHERE: channel_not_found/,
  );
  await assert.rejects(
    wrong.publish({ size, note }),
    /channel_not_found/,
    'a turn that came to nothing is free again',
  );
  await publisher(channel, 0).publish({ size, note });
  assert.equal(slack.messages(channel).length, 2, 'the time was over');
});
