import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from '../../cli/embedded/postgres.ts';
import { startCountingUpstream } from '../support/counting-upstream.ts';
import { createSite, type Process, type Site } from '../support/site.ts';
import { type SlackStandIn, type StandInMessage, startSlack } from '../support/slack.ts';

type Result = { isError?: boolean; content: { text: string }[] };

/** What breaks while four calls are held, and how it comes back. */
interface Outage {
  readonly what: string;
  readonly slackMode: 'Socket Mode' | 'HTTP mode';
  /** Whether the agent loses its connection, and repeats its calls. */
  readonly losesClient: boolean;
  happen(site: Site, roles: { worker: Process; gateway: Process }): Promise<void>;
}

const outages: readonly Outage[] = [
  {
    what: 'the worker is killed',
    slackMode: 'Socket Mode',
    losesClient: false,
    happen: async (site, { worker }) => {
      await worker.kill();
      await site.start('worker');
    },
  },
  {
    what: 'the gateway is killed',
    slackMode: 'HTTP mode',
    losesClient: true,
    happen: async (site, { gateway }) => {
      await gateway.kill();
      await site.start('gateway');
    },
  },
  {
    what: 'Temporal is stopped and started',
    slackMode: 'Socket Mode',
    losesClient: false,
    happen: async (site) => {
      await site.temporal.stop();
      await site.temporal.start();
    },
  },
  {
    what: 'PostgreSQL is stopped and started',
    slackMode: 'HTTP mode',
    losesClient: false,
    happen: async (site) => {
      await site.postgres.stop();
      await site.postgres.start();
    },
  },
];

for (const outage of outages) {
  test(`${outage.what} while calls are held (Slack in ${outage.slackMode}): the approved one runs once; the denied, the expired and the cancelled never`, async () => {
    await using slack = await startSlack();
    await using upstream = await startCountingUpstream();
    const alice = slack.addUser({ name: 'alice', email: 'alice@example.com' });
    const channel = slack.addChannel({ name: 'approvals' });
    await using site = await createSite({
      connections: { box: { url: upstream.url } },
      policy: policyFor(channel),
      slack: await slackSettings(slack, outage.slackMode),
    });
    const [worker, , gateway] = await Promise.all([
      site.start('worker'),
      site.start('slack'),
      site.start('gateway'),
    ]);
    const commands = ['approve-me', 'deny-me', 'expire-me', 'cancel-me'] as const;
    const callAll = async (): Promise<Record<string, Promise<Result>>> => {
      // A session for each, so that each call has a card of its own.
      const agents = await Promise.all(commands.map(async () => site.agent('box')));
      const made = Object.fromEntries(
        commands.map((command, nth) => [
          command,
          agents[nth]?.callTool({ name: 'run', arguments: { command } }, undefined, {
            timeout: 120_000,
          }) as Promise<Result>,
        ]),
      );
      // Whoever fails first is what the test tells, not what its end closes.
      for (const answer of Object.values(made)) answer.catch(() => {});
      return made;
    };
    let answers = await callAll();
    const cards = Object.fromEntries(
      await Promise.all(
        commands.map(async (command) => [command, await cardOf(slack, channel, command)] as const),
      ),
    );
    await cardsSaved(site, commands.length);
    await outage.happen(site, { worker, gateway });
    if (outage.losesClient) answers = await callAll();

    await click(slack, alice, channel, cards['approve-me'], 'hold_approve');
    await click(slack, alice, channel, cards['deny-me'], 'hold_deny');
    await slack.submit(alice, await slack.waitForModal(alice), { hold_reason: 'Not today.' });
    const { code, err } = await site.command('approvals', 'cancel', await idOf(site, 'cancel-me'));
    assert.equal(code, 0, err);

    const ended = Object.fromEntries(
      await Promise.all(commands.map(async (command) => [command, await answers[command]] as const)),
    );
    assert.equal(ended['approve-me']?.content[0]?.text, 'ran approve-me');
    assert.match(ended['deny-me']?.content[0]?.text ?? '', /Not today\./);
    assert.match(ended['expire-me']?.content[0]?.text ?? '', /expired/i);
    assert.match(ended['cancel-me']?.content[0]?.text ?? '', /cancel/i);
    assert.deepEqual(upstream.calls('run'), [{ command: 'approve-me' }], 'exactly once, and nothing else');
    assert.equal(slack.messages(channel).filter(({ threadTs }) => !threadTs).length, 4, 'one card a call');
  });
}

function policyFor(channel: string): unknown {
  const hold = { then: 'hold', approvers: ['ops'] };
  const match = { connection: 'box', tool: 'run' };
  return {
    default: { then: 'pass' },
    approvers: { ops: { slackChannel: channel, people: ['alice@example.com'] } },
    rules: [
      { name: 'soon', match, when: 'call.args.command == "expire-me"', ...hold, timeout: '40s' },
      { name: 'running', match, ...hold },
    ],
  };
}

async function slackSettings(slack: SlackStandIn, mode: Outage['slackMode']): Promise<unknown> {
  const { botToken, appToken, signingSecret, apiUrl } = slack;
  if (mode === 'Socket Mode') return { botToken, appToken, apiUrl };
  const listen = `127.0.0.1:${await freePort()}`;
  slack.deliverTo(`http://${listen}/slack/events`);
  return { botToken, signingSecret, listen, apiUrl };
}

async function cardOf(slack: SlackStandIn, channel: string, command: string): Promise<StandInMessage> {
  return slack.waitForMessage(channel, ({ blocks }) => JSON.stringify(blocks).includes(command), 30_000);
}

async function click(
  slack: SlackStandIn,
  user: string,
  channel: string,
  card: StandInMessage | undefined,
  action: 'hold_approve' | 'hold_deny',
): Promise<void> {
  assert.ok(card);
  await slack.click(user, { channel, ts: card.ts }, action);
}

/** A card whose place nobody has written down yet may be posted again: that is another story. */
async function cardsSaved(site: Site, count: number): Promise<void> {
  for (;;) {
    const { rows } = await site.pool.query<{ n: number }>(
      'select count(*)::int as n from slack_cards where ts is not null',
    );
    if ((rows[0]?.n ?? 0) >= count) return;
    await new Promise((done) => setTimeout(done, 50));
  }
}

async function idOf(site: Site, command: string): Promise<string> {
  const { rows } = await site.pool.query<{ id: string }>(
    `select call_id as id from held_calls where shown_args like '%' || $1 || '%'`,
    [command],
  );
  assert.equal(rows.length, 1, `one request for ${command}`);
  return rows[0]?.id ?? '';
}
