import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Connection } from '@temporalio/client';
import { visitor } from '../console/support.ts';
import { startCountingUpstream } from '../support/counting-upstream.ts';
import { createSite, type Site } from '../support/site.ts';
import { startSlack } from '../support/slack.ts';

/** Secrets of different kinds; each has a part that stands nowhere else. */
const canaries = {
  token: 'ghp_cAnaryCanaryCanaryCanaryCanary012345',
  password: 'canary-hunter2-Zq81',
  email: 'canary.person@example.org',
  card: '4242424242424242',
};

test('a secret in arguments and in results is found nowhere but upstream: database, Temporal, Slack, logs, console, errors', async () => {
  await using slack = await startSlack();
  await using upstream = await startCountingUpstream();
  slack.addUser({ name: 'alice', email: 'alice@example.com' });
  const channel = slack.addChannel({ name: 'approvals' });
  const { botToken, appToken, apiUrl } = slack;
  await using site = await createSite({
    connections: { box: { url: upstream.url } },
    policy: {
      default: { then: 'pass' },
      approvers: { ops: { slackChannel: channel, people: ['alice@example.com'] } },
      rules: [
        { name: 'running', match: { connection: 'box', tool: 'run' }, then: 'hold', approvers: ['ops'] },
      ],
    },
    slack: { botToken, appToken, apiUrl },
  });
  await Promise.all([
    site.start('worker'),
    site.start('slack'),
    site.start('gateway'),
    site.start('console'),
  ]);
  const agent = await site.agent('box');
  const command = `login --token ${canaries.token} password=${canaries.password} for ${canaries.email} card ${canaries.card}`;

  const echoed = JSON.stringify(await agent.callTool({ name: 'echo', arguments: { text: command } }));
  const answer = agent.callTool({ name: 'run', arguments: { command } });
  const card = await slack.waitForMessage(channel);
  const { callId } = await site.heldCall('run');
  const shown = await site.command('approvals', 'show', callId);
  const { code, err } = await site.command('approvals', 'approve', callId);
  assert.equal(code, 0, err);
  const result = JSON.stringify(await answer);
  const failed = await agent.callTool({ name: 'echo', arguments: { wrong: command } }).then(
    (value) => JSON.stringify(value),
    (error: Error) => error.message,
  );
  await site.heldCall('run', ['succeeded']);

  assert.deepEqual(upstream.calls('run'), [{ command }], 'upstream gets what was approved, in clear');
  const places: Record<string, string> = {
    'the passed result': echoed,
    'the held result': result,
    'the error': failed,
    'the card': JSON.stringify(card),
    'the command line': shown.out + shown.err,
    'the console': await everyPage(site, callId),
    Slack: slack.transcript.join('\n'),
    'the logs': site.outputs(),
    'the database': await everyRow(site),
    "the database's files": await everyFile(join(site.folder, 'postgres')),
    "Temporal's files": await everyFile(site.folder, /^temporal\.db/),
    "Temporal's histories": await everyHistory(site),
  };
  for (const [place, text] of Object.entries(places)) {
    assert.notEqual(text, '', `${place} was looked at`);
    for (const [kind, secret] of Object.entries(canaries)) {
      assert.ok(!text.includes(secret), `${place} holds the ${kind}`);
    }
  }
});

async function everyPage(site: Site, callId: string): Promise<string> {
  const person = visitor(site.consoleUrl);
  const credential = (await readFile(join(site.folder, 'data', 'console-credential'), 'utf8')).trim();
  assert.equal((await person.post('/login', { credential })).status, 303);
  const { rows } = await site.pool.query<{ id: string }>('select session_id as id from held_calls');
  const paths = [
    '/',
    `/approvals/${callId}`,
    '/sessions',
    `/sessions/${encodeURIComponent(rows[0]?.id ?? '')}`,
  ];
  const pages = await Promise.all(
    paths.map(async (path) => {
      const answer = await person.get(path);
      assert.equal(answer.status, 200, path);
      return answer.text();
    }),
  );
  assert.match(pages.join(''), /\[masked:/, 'the pages show the call');
  return pages.join('\n');
}

async function everyRow(site: Site): Promise<string> {
  const { rows } = await site.pool.query<{ name: string }>(
    `select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
  );
  const texts: string[] = [];
  for (const { name } of rows) {
    const found = await site.pool.query<{ line: string }>(`select t::text as line from ${name} t`);
    texts.push(...found.rows.map(({ line }) => line));
  }
  return texts.join('\n');
}

/** Bytes as latin1, so that nothing is lost. */
async function everyFile(folder: string, name = /./): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && name.test(entry.name));
  const texts = await Promise.all(
    files.map((file) => readFile(join(file.parentPath, file.name), 'latin1').catch(() => '')),
  );
  return texts.join('\n');
}

async function everyHistory(site: Site): Promise<string> {
  const connection = await Connection.connect({ address: site.temporalAddress });
  try {
    const { workflowService } = connection;
    const { executions } = await workflowService.listWorkflowExecutions({ namespace: 'default' });
    const histories = await Promise.all(
      (executions ?? []).map(({ execution }) =>
        workflowService.getWorkflowExecutionHistory({
          namespace: 'default',
          ...(execution ? { execution } : {}),
        }),
      ),
    );
    return JSON.stringify(histories);
  } finally {
    await connection.close();
  }
}
