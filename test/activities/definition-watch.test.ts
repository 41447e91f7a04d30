import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDefinitionWatch } from '../../activities/definition-watch.ts';
import type { Pool } from '../../db/pool.ts';
import { definitionNotice } from '../../slack-app/definition-notice.ts';
import { createSlackClient } from '../../slack-app/web-client.ts';
import { testDatabase } from '../support/postgres.ts';
import { startSlack } from '../support/slack.ts';

const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, fatal() {} };

async function waits(pool: Pool, tool: string, slackChannel: string | null): Promise<void> {
  const group = { name: 'security', slackChannel, slackUserGroup: null, people: [], groups: ['security'] };
  await pool.query(
    `insert into tool_definitions (definition_id, connection, context, tool_key, tool, hash, definition, version,
       state, current, approvers)
     values ($1, 'github', '', $2, $3, 'sha256:x', '{}', 1, 'quarantined', true, $4)`,
    [`d_${tool}`, Buffer.from(tool), tool, JSON.stringify([group])],
  );
}

test('approvers are told once in their channel that tools wait, by one of all workers; hostile names stay text', async () => {
  await using db = await testDatabase();
  await using slack = await startSlack();
  const channel = slack.addChannel({ name: 'security' });
  const client = createSlackClient({ botToken: slack.botToken, apiUrl: slack.apiUrl, log: quiet });
  const deps = {
    pool: db.pool,
    client,
    notice: (untold: Parameters<typeof definitionNotice>[0]) =>
      definitionNotice(untold, 'https://hp.example'),
    log: quiet,
  };
  const watches = [startDefinitionWatch(deps), startDefinitionWatch(deps)];
  try {
    await waits(db.pool, 'delete_repo', channel);
    await waits(db.pool, '<!channel> *read* me', channel);
    await waits(db.pool, 'nobody_is_told', null);
    // A channel that Slack does not know keeps nobody else from being told.
    await waits(db.pool, 'a_first', 'C0GONE');
    for (let round = 0; round < 3; round++) await Promise.all(watches.map(async ({ look }) => look()));
    const messages = slack.messages(channel);
    assert.equal(messages.length, 1);
    const { text, blocks } = messages[0] ?? {};
    assert.equal(text, '2 tools of github wait for somebody to look at');
    const named = JSON.stringify(blocks);
    assert.match(named, /"type":"text","text":"<!channel> \*read\* me"/);
    assert.match(named, /"type":"link","url":"https:\/\/hp\.example\/definitions"/);
    assert.doesNotMatch(named, /mrkdwn|nobody_is_told|a_first/);
    const { rows } = await db.pool.query('select tool from tool_definitions where told_at is null');
    assert.deepEqual(rows, [{ tool: 'a_first' }]);
  } finally {
    for (const { stop } of watches) stop();
  }
});
