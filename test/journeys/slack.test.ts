import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from '../../cli/embedded/postgres.ts';
import { type CountingUpstream, startCountingUpstream } from '../support/counting-upstream.ts';
import { createSite, type Process, type Site } from '../support/site.ts';
import { type SlackStandIn, startSlack } from '../support/slack.ts';
import { until } from '../support/until.ts';

type Result = { isError?: boolean; content: { text: string }[] };
type Mode = 'Socket Mode' | 'HTTP mode';

/** A site with Slack, two approvers in the channel, and a call that is held as soon as it is made. */
interface Scene extends AsyncDisposable {
  readonly slack: SlackStandIn;
  readonly site: Site;
  readonly upstream: CountingUpstream;
  readonly channel: string;
  readonly alice: string;
  readonly bob: string;
  readonly processes: readonly Process[];
  call(command: string): Promise<Result>;
}

async function scene(mode: Mode, rule: Record<string, unknown> = {}): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const slack = stack.use(await startSlack());
  const upstream = stack.use(await startCountingUpstream());
  const alice = slack.addUser({ name: 'alice', email: 'alice@example.com' });
  const bob = slack.addUser({ name: 'bob', email: 'bob@example.com' });
  const channel = slack.addChannel({ name: 'approvals' });
  const listen = `127.0.0.1:${await freePort()}`;
  const { botToken, appToken, signingSecret, apiUrl } = slack;
  const site = stack.use(
    await createSite({
      connections: { box: { url: upstream.url } },
      policy: {
        default: { then: 'pass' },
        approvers: { ops: { slackChannel: channel, people: ['alice@example.com', 'bob@example.com'] } },
        rules: [
          {
            name: 'running',
            match: { connection: 'box', tool: 'run' },
            then: 'hold',
            approvers: ['ops'],
            ...rule,
          },
        ],
      },
      slack:
        mode === 'Socket Mode' ? { botToken, appToken, apiUrl } : { botToken, signingSecret, listen, apiUrl },
    }),
  );
  if (mode === 'HTTP mode') slack.deliverTo(`http://${listen}/slack/events`);
  const processes = await Promise.all([site.start('worker'), site.start('slack'), site.start('gateway')]);
  const agent = await site.agent('box');
  const call = async (command: string): Promise<Result> =>
    (await agent.callTool({ name: 'run', arguments: { command } })) as Result;
  return {
    slack,
    site,
    upstream,
    channel,
    alice,
    bob,
    call,
    processes,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

for (const mode of ['Socket Mode', 'HTTP mode'] as const) {
  test(`${mode}: a click on Approve runs the call, and the same card says who, when and how it ended`, async () => {
    await using at = await scene(mode);
    const answer = at.call('deploy');
    const card = await at.slack.waitForMessage(at.channel);
    assert.match(JSON.stringify(card.blocks), /deploy/);
    await at.slack.click(at.alice, { channel: at.channel, ts: card.ts }, 'hold_approve');
    assert.equal((await answer).content[0]?.text, 'ran deploy');
    const done = await at.slack.waitForMessage(at.channel, (message) =>
      /succeeded|ran|executed/i.test(message.text),
    );
    assert.equal(done.ts, card.ts, 'the same message');
    assert.match(JSON.stringify(done), /alice|U[A-Z0-9]+/);
    assert.doesNotMatch(JSON.stringify(done.blocks), /hold_approve/, 'the buttons are gone');
    assert.equal(at.upstream.calls('run').length, 1);
  });

  test(`${mode}: a denial's reason reaches the agent, and nothing runs`, async () => {
    await using at = await scene(mode);
    const answer = at.call('drop');
    const card = await at.slack.waitForMessage(at.channel);
    await at.slack.click(at.bob, { channel: at.channel, ts: card.ts }, 'hold_deny');
    const modal = await at.slack.waitForModal(at.bob);
    await at.slack.submit(at.bob, modal, { hold_reason: 'Use the staging box.' });
    const told = await answer;
    assert.equal(told.isError, true);
    assert.match(told.content[0]?.text ?? '', /Use the staging box\./);
    assert.deepEqual(at.upstream.calls('run'), []);
  });
}

test('calls made at once share one card: more time for one, all approved by one tap, each runs once', async () => {
  await using at = await scene('Socket Mode', { extension: { by: '30m', times: 1 } });
  const commands = ['one', 'two', 'three', 'four'];
  const answers = commands.map((command) => at.call(command));
  for (const answer of answers) answer.catch(() => {});
  const card = await at.slack.waitForMessage(at.channel, ({ blocks }) =>
    JSON.stringify(blocks).includes('Approve all 4'),
  );
  const place = { channel: at.channel, ts: card.ts };
  for (const command of commands)
    assert.match(JSON.stringify(card.blocks), new RegExp(`\\\\"${command}\\\\"`));
  const { rows } = await at.site.pool.query<{ id: string; until: Date }>(
    'select call_id as id, expires_at as until from held_calls order by created_at limit 1',
  );
  const [{ id, until } = { id: '', until: new Date() }] = rows;
  await at.slack.click(at.alice, place, 'hold_more', { choose: `extend:${id}` });
  await at.slack.waitForMessage(
    at.channel,
    ({ threadTs, text }) => threadTs === card.ts && /alice gave 30 minutes more/.test(text),
  );
  const later = await at.site.pool.query<{ until: Date }>(
    'select expires_at as until from held_calls where call_id = $1',
    [id],
  );
  assert.equal((later.rows[0]?.until.getTime() ?? 0) - until.getTime(), 30 * 60_000);
  await at.slack.click(at.bob, place, 'hold_approve_all', { times: 2 });
  const results = await Promise.all(answers);
  assert.deepEqual(
    results.map(({ content }) => content[0]?.text),
    commands.map((command) => `ran ${command}`),
  );
  assert.equal(at.upstream.calls('run').length, 4);
  const done = await at.slack.waitForMessage(
    at.channel,
    ({ ts, text }) => ts === card.ts && /none waits any more/.test(text),
  );
  await at.slack.waitForMessage(
    at.channel,
    ({ ts, blocks }) => ts === card.ts && JSON.stringify(blocks).match(/It ran and succeeded/g)?.length === 4,
  );
  assert.doesNotMatch(JSON.stringify(done.blocks), /hold_approve|hold_deny/);
  assert.equal(at.slack.messages(at.channel).filter(({ threadTs }) => threadTs === null).length, 1);
  const votes = await at.site.pool.query<{ votes: number; by: string }>(
    `select jsonb_array_length(decisions) as votes, decisions #>> '{0,person,name}' as by from held_calls`,
  );
  assert.deepEqual(
    votes.rows,
    commands.map(() => ({ votes: 1, by: 'bob' })),
  );
});

test('one correlation id follows a call through the logs of gateway, worker and Slack app', async () => {
  await using at = await scene('Socket Mode');
  const answer = at.call('follow me');
  const card = await at.slack.waitForMessage(at.channel);
  await at.slack.click(at.alice, { channel: at.channel, ts: card.ts }, 'hold_approve');
  await answer;
  await at.slack.waitForMessage(at.channel, (message) => /succeeded|ran|executed/i.test(message.text));
  const { rows } = await at.site.pool.query<{ id: string }>('select correlation_id as id from held_calls');
  const id = rows[0]?.id ?? 'none';
  for (const process of at.processes)
    await until(`${process.name} mentions ${id}`, () => process.output().includes(id));
});

test('two approvers click at the same moment: one decision, the other is told who decided', async () => {
  await using at = await scene('Socket Mode');
  const answer = at.call('race');
  const card = await at.slack.waitForMessage(at.channel);
  const place = { channel: at.channel, ts: card.ts };
  await Promise.all([
    at.slack.click(at.alice, place, 'hold_approve'),
    at.slack.click(at.bob, place, 'hold_approve'),
  ]);
  assert.equal((await answer).content[0]?.text, 'ran race');
  // On a slow machine both may first be told that their decision is stored.
  const outcome = (text: string): boolean => !text.startsWith('Your decision is stored');
  const told = await Promise.race([
    at.slack.waitForEphemeral(at.alice, outcome).then((message) => ({ loser: 'alice', message })),
    at.slack.waitForEphemeral(at.bob, outcome).then((message) => ({ loser: 'bob', message })),
  ]);
  assert.match(told.message.text, told.loser === 'alice' ? /bob/i : /alice/i);
  const { rows } = await at.site.pool.query<{ n: number }>(
    'select jsonb_array_length(decisions) as n from held_calls',
  );
  assert.deepEqual(rows, [{ n: 1 }]);
  assert.equal(at.upstream.calls('run').length, 1);
});

test('a request that nobody decides expires: the agent is told, the card says so, nothing runs', async () => {
  await using at = await scene('Socket Mode', { timeout: '4s' });
  const told = await at.call('late');
  assert.equal(told.isError, true);
  assert.match(told.content[0]?.text ?? '', /expired/i);
  await at.slack.waitForMessage(at.channel, (message) => /expired/i.test(message.text));
  assert.deepEqual(at.upstream.calls('run'), []);
});

test('a cancelled request says so on its card, and nothing runs', async () => {
  await using at = await scene('Socket Mode');
  const answer = at.call('stop');
  await at.slack.waitForMessage(at.channel);
  const { callId } = await at.site.heldCall('run');
  const { code, err } = await at.site.command('approvals', 'cancel', callId);
  assert.equal(code, 0, err);
  const told = await answer;
  assert.equal(told.isError, true);
  assert.match(told.content[0]?.text ?? '', /cancel/i);
  await at.slack.waitForMessage(at.channel, (message) => /cancel/i.test(message.text));
  assert.deepEqual(at.upstream.calls('run'), []);
});

test('Slack is away while a call is held: the card comes when Slack is back, and only once', async () => {
  await using at = await scene('Socket Mode');
  at.slack.outage('http500', 'chat.postMessage');
  const answer = at.call('outage');
  await at.site.heldCall('run');
  await new Promise((done) => setTimeout(done, 1500));
  at.slack.outage('none');
  const card = await at.slack.waitForMessage(at.channel);
  await at.slack.click(at.alice, { channel: at.channel, ts: card.ts }, 'hold_approve');
  assert.equal((await answer).content[0]?.text, 'ran outage');
  assert.equal(at.slack.messages(at.channel).filter((message) => !message.threadTs).length, 1);
});
