import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { maskReport } from '../../cli/mask-report-wiring.ts';
import { mask } from '../../cli/commands/mask.ts';
import { run, type MaskReportDeps } from '../../cli/commands/mask-report.ts';
import { remoteApi } from '../../cli/api/remote.ts';
import type { ReadyReport, Recordings } from '../../console/deps.ts';
import { localApprover } from '../../console/identity.ts';
import { createRunningReports } from '../../console/mask-report.ts';
import { deleteReport } from '../../db/mask-reports.ts';
import { facts, message } from '../recording/support.ts';
import { apiConsole, apiToken } from '../support/api-console.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';

const today = new Date().toISOString().slice(0, 10);
const reply = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  result: { content: [{ type: 'text', text: 'mail canary.alice@corp.example, badge BDG-123456' }] },
});

/** A console with recordings of today, and commands that ask it. */
async function scene(db: TestDatabase) {
  const api = await apiConsole(db);
  for (let at = 0; at < 3; at += 1)
    await api.recorder.append(
      facts(`crm-${at}`, { connection: 'crm' }),
      message('', { bytes: api.engine.masker('default').message(reply).text, tool: 'read', rule: null }),
    );
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-mask-report-'));
  const invoked = async (
    command: typeof mask,
    argv: readonly string[],
    { token = api.token, env = {} }: { token?: string; env?: NodeJS.ProcessEnv } = {},
  ) => {
    const said = { out: '', err: '' };
    const code = await command({
      argv,
      configFile: undefined,
      dataDir: undefined,
      server: api.console.address,
      database: false,
      env: { HOLDPOINT_API_TOKEN: token, XDG_CONFIG_HOME: folder, ...env },
      cwd: folder,
      out: (text) => void (said.out += text),
      err: (text) => void (said.err += text),
    });
    return { code, ...said };
  };
  return {
    api,
    folder,
    over: remoteApi({ server: api.console.address, bearer: async () => api.token, version: 'test' }),
    mask: (argv: readonly string[], more?: { token?: string }) => invoked(mask, argv, more),
    report: (argv: readonly string[], more?: { token?: string }) =>
      invoked((one) => maskReport(one, 'usage'), ['--report', '--from', `${today}T00:00:00Z`, ...argv], more),
    [Symbol.asyncDispose]: async () => {
      await api[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

test('a masking report is compared where the recordings are: with the rule files of the changed policy, by roles, recorded first', async () => {
  await using db = await testDatabase();
  await using at = await scene(db);
  const { folder, report } = at;
  await writeFile(
    join(folder, 'badges.toml'),
    `[[rules]]\nid = "badge"\ndescription = "badges"\nregex = '''BDG-\\d{6}'''\nkeywords = ["bdg"]\n`,
  );
  await writeFile(
    join(folder, 'changed.yaml'),
    'default: pass\nmasking:\n  default: { detect: [secrets, pii, payment] }\n  ruleFiles: [badges.toml]\n',
  );
  const done = await report(['--policy', 'changed.yaml', '--json']);
  assert.equal(done.code, 0, done.err);
  assert.match(done.err, /report_\w+: under way/);
  const { id, rows, messages } = JSON.parse(done.out);
  assert.deepEqual(
    rows.map((row: Record<string, unknown>) => [row['change'], row['detector'], row['times']]).toSorted(),
    [
      ['added', 'badge', 3],
      ['added', 'email', 3],
    ],
  );
  assert.ok(messages >= 3);
  assert.doesNotMatch(done.out, /canary|BDG-123456/);

  const again = await report(['--id', id]);
  assert.match(again.out, /would be masked in addition:\n +3 × /, 'whoever asked sees it again');
  assert.match((await report(['--list'])).out, new RegExp(`${id} .*changed sha256:\\w+ +done`));
  const wrong = await report(['--policy', 'badges.toml']);
  assert.deepEqual([wrong.code, /the policy is wrong: line \d/.test(wrong.err)], [1, true], wrong.err);

  const eyes = await apiToken(db, 'eyes', ['holdpoint:api']);
  const forbidden = await report([], { token: eyes });
  assert.deepEqual([forbidden.code, /none of the roles auditor, owner/.test(forbidden.err)], [1, true]);
  const { events } = await at.over.call('readSession', { params: { id: `admin/${today}` } });
  const acts = events.map(({ text }) => JSON.parse(text ?? '{}'));
  assert.deepEqual(
    acts.filter(({ act }) => act === 'masking.report').map((one) => [one.report, one.person, one.via]),
    [[id, 'service:ci', 'api']],
    'what was refused is no act',
  );
  assert.equal((await report(['--delete', id])).code, 0);
  const gone = await report(['--id', id]);
  assert.deepEqual([gone.code, /no masking report of this id/.test(gone.err)], [1, true]);
});

test('nobody sees or deletes the report of somebody else, and two are compared at once', async () => {
  await using db = await testDatabase();
  await using at = await scene(db);
  const asked = { from: today, to: today, connection: null, profile: null, groups: null };
  for (const id of ['report_a', 'report_b'])
    await db.pool.query(
      `insert into mask_reports (id, asked_by, asked, progress) values ($1, 'service:other', $2, '{}')`,
      [id, JSON.stringify({ ...asked, policyVersion: 'x', ownPolicy: false })],
    );
  const third = await at.report([]);
  assert.deepEqual([third.code, /at most 2 reports/.test(third.err)], [1, true]);
  for (const argv of [
    ['--id', 'report_a'],
    ['--delete', 'report_a'],
  ]) {
    const { code, err } = await at.report(argv);
    assert.deepEqual([code, /no masking report of this id/.test(err)], [1, true]);
  }
  assert.match((await at.report(['--list'])).out, /no reports/);
});

test('a report that is interrupted is taken back', async () => {
  await using db = await testDatabase();
  await using at = await scene(db);
  let ended = 0;
  const { over } = at;
  const interrupt = new AbortController();
  let out = '';
  const deps: MaskReportDeps = {
    api: {
      ...over,
      call: async (id, body) => {
        const answer = await over.call(id, body);
        if (id === 'startMaskReport') interrupt.abort();
        if (id === 'deleteMaskReport') ended += 1;
        return answer;
      },
    },
    policyIn: async () => assert.fail('no policy was named'),
    interrupted: interrupt.signal,
    out: (text) => void (out += text),
    err: () => {},
  };
  assert.equal(await run(['--report'], 'usage', deps), 1);
  assert.match(out, /stopped and deleted report_/);
  assert.equal(ended, 1);
  const { rows } = await db.pool.query('select id from mask_reports');
  assert.deepEqual(rows, []);
});

test('a report that was deleted at another console ends where it is compared', async () => {
  await using db = await testDatabase();
  const reports = createRunningReports({ pool: db.pool, log: pino({ level: 'silent' }) });
  const ended = Promise.withResolvers<void>();
  const ready: ReadyReport = {
    policyVersion: 'x',
    profiles: ['default'],
    run: async (_, { signal, onProgress }) => {
      const progress = setInterval(() => onProgress({ sessions: 0, messages: 0, unreadable: 0 }), 20);
      await once(signal, 'abort');
      clearInterval(progress);
      ended.resolve();
      throw signal.reason;
    },
  };
  const recordings = { recordAct: async () => {} } as unknown as Recordings;
  const span = { from: new Date(0), to: new Date(), connection: null, profile: null, groups: null };
  const by = { identity: localApprover(), caller: { via: 'cli' } } as const;
  const id = await reports.start(recordings, by, ready, { ...span, ownPolicy: false });
  assert.ok(await deleteReport(db.pool, id, by.identity.person.keys));
  await ended.promise;
  await reports.close();
});

test('a text is tried by the policy of a Holdpoint that is named, and by none elsewhere', async () => {
  await using db = await testDatabase();
  await using at = await scene(db);
  await writeFile(join(at.folder, 'text'), 'alice@example.com, password: blue-Harbor-77\n');
  const masked = await at.mask(['text']);
  assert.deepEqual(masked, { code: 0, out: 'alice@example.com, password: [masked:password]\n', err: '' });
  const found = await at.mask(['text', '--json']);
  assert.match(found.out, /"profile":"default".*"detector":"password"/);
  assert.doesNotMatch(found.out, /blue-Harbor/);
  const unknown = await at.mask(['text', '--profile', 'none']);
  assert.deepEqual([unknown.code, /there is no masking profile "none"/.test(unknown.err)], [1, true]);
  const eyes = await apiToken(db, 'eyes', ['holdpoint:api']);
  assert.equal((await at.mask(['text'], { token: eyes })).code, 1);
});
