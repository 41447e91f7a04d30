import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEmulator } from 'emulate';
import { freePort } from '../../cli/embedded/postgres.ts';
import { startCountingUpstream } from '../support/counting-upstream.ts';
import { createSite } from '../support/site.ts';

const botToken = 'xoxb-holdpoint';
const signingSecret = 'a-signing-secret';

interface Message {
  ts: string;
  blocks: { block_id?: string; elements?: { action_id?: string; value?: string }[] }[];
}

test('with a Slack server written by others: a card is posted, a signed click approves, the card says what became of it', async () => {
  const slack = await createEmulator({
    service: 'slack',
    port: await freePort(),
    seed: {
      slack: {
        users: [{ name: 'alice', real_name: 'Alice', email: 'alice@example.com' }],
        channels: [{ name: 'approvals' }],
        oauth_apps: [
          {
            app_id: 'A1',
            client_id: '1.2',
            client_secret: 's',
            name: 'Holdpoint',
            redirect_uris: ['http://127.0.0.1/'],
            bot_name: 'holdpoint',
          },
        ],
        tokens: [{ token: botToken, type: 'bot', app_id: 'A1', client_id: '1.2', user: 'holdpoint' }],
      },
    },
  });
  const api = async <T>(method: string, body: Record<string, string>): Promise<T> => {
    const answer = await fetch(`${slack.url}/api/${method}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${botToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return (await answer.json()) as T;
  };
  try {
    const { channels } = await api<{ channels: { id: string; name: string }[] }>('conversations.list', {});
    const channel = channels.find(({ name }) => name === 'approvals')?.id ?? '';
    const { members } = await api<{ members: { id: string; name: string }[] }>('users.list', {});
    const alice = members.find(({ name }) => name === 'alice')?.id ?? '';
    const { team } = await api<{ team: { id: string } }>('team.info', {});
    const listen = `127.0.0.1:${await freePort()}`;
    await using upstream = await startCountingUpstream();
    await using site = await createSite({
      connections: { box: { url: upstream.url } },
      policy: {
        default: { then: 'pass' },
        approvers: { ops: { slackChannel: channel, people: ['alice@example.com'] } },
        rules: [{ name: 'run', match: { tool: 'run' }, then: 'hold', approvers: ['ops'] }],
      },
      slack: { botToken, signingSecret, listen, apiUrl: `${slack.url}/api/` },
    });
    await Promise.all([site.start('worker'), site.start('slack'), site.start('gateway')]);
    const agent = await site.agent('box');
    const answer = agent.callTool({ name: 'run', arguments: { command: 'ls' } });
    answer.catch(() => {});
    const cards = async (holding: string): Promise<Message[]> => {
      for (let tries = 0; tries < 300; tries++) {
        const { messages } = await api<{ messages: Message[] }>('conversations.history', { channel });
        const found = messages.filter(({ blocks }) => JSON.stringify(blocks ?? []).includes(holding));
        if (found.length > 0) return found;
        await sleep(100);
      }
      throw new Error(`no card says ${holding}; the processes said:\n${site.outputs().slice(-2000)}`);
    };
    const [card] = await cards('hold_approve');
    assert.ok(card);
    const block = card.blocks.find(({ elements }) =>
      elements?.some((one) => one.action_id === 'hold_approve'),
    );
    const button = block?.elements?.find((one) => one.action_id === 'hold_approve');
    const { trigger_id } = await api<{ trigger_id: string }>('views.generateTriggerId', { user_id: alice });
    const payload = {
      type: 'block_actions',
      user: { id: alice, username: 'alice', name: 'alice', team_id: team.id },
      api_app_id: 'A1',
      container: { type: 'message', message_ts: card.ts, channel_id: channel, is_ephemeral: false },
      trigger_id,
      team: { id: team.id, domain: 'emulate' },
      enterprise: null,
      is_enterprise_install: false,
      channel: { id: channel, name: 'approvals' },
      message: { type: 'message', ...card },
      actions: [{ ...button, block_id: block?.block_id, action_ts: `${Date.now() / 1000}` }],
    };
    const unsigned = await post(listen, payload, 'another secret');
    assert.equal(unsigned, 401, 'a click that Slack did not sign decides nothing');
    assert.equal(upstream.calls('run').length, 0);
    assert.equal(await post(listen, payload, signingSecret), 200);
    assert.deepEqual(((await answer) as { content: unknown }).content, [{ type: 'text', text: 'ran ls' }]);
    assert.equal((await cards('It ran and succeeded')).length, 1);
    assert.equal(upstream.calls('run').length, 1);
  } finally {
    await slack.close();
  }
});

/** Posts an interaction as Slack does: form-encoded, signed (v0). @returns the status */
async function post(listen: string, payload: unknown, secret: string): Promise<number> {
  const body = `payload=${encodeURIComponent(JSON.stringify(payload))}`;
  const timestamp = `${Math.floor(Date.now() / 1000)}`;
  const signature = `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`;
  const { status } = await fetch(`http://${listen}/slack/events`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': signature,
    },
    body,
  });
  return status;
}
