import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Api } from '../../cli/api/api.ts';
import { remoteApi } from '../../cli/api/remote.ts';
import type { CommandDeps } from '../../cli/commands/answering.ts';
import { run as approvals } from '../../cli/commands/approvals.ts';
import { runGrants, runOutcomes } from '../../cli/commands/grants.ts';
import { run as proof } from '../../cli/commands/proof.ts';
import { run as sessions } from '../../cli/commands/sessions.ts';
import { run as tokens } from '../../cli/commands/tokens.ts';
import { facts, message, sequenceAll, signer } from '../recording/support.ts';
import { apiConsole, apiToken } from '../support/api-console.ts';
import { commandApi, recordingsOn } from '../support/command-api.ts';
import { testDatabase } from '../support/postgres.ts';
import { holdCall } from './support.ts';

type Command = (argv: readonly string[], deps: CommandDeps) => Promise<number>;

async function said(api: Api, command: Command, argv: readonly string[]) {
  let [out, err] = ['', ''];
  const code = await command(argv, {
    api,
    out: (text) => void (out += text),
    err: (text) => void (err += text),
  });
  return { code, out, err };
}

test('a command says the same over HTTP as beside the database', async () => {
  await using db = await testDatabase();
  await using api = await apiConsole(db);
  const person = { keys: ['service:ci'], name: 'ci' };
  const beside = commandApi(db.pool, {
    identity: async () => ({ person, subject: 'ci', email: null, groups: [], local: true }),
    recordings: recordingsOn(db.pool, api.keyRing, { vkey: signer.vkey }),
  });
  const over = remoteApi({ server: api.console.address, bearer: async () => api.token, version: 'test' });
  const id = await holdCall(db.pool, { people: ['service:ci'], intent: 'a\u202eb' });
  await holdCall(db.pool, { people: ['service:ci'], risk: 'critical' });
  await api.recorder.append(facts('s/1'), message('{"said":"hello"}'));
  await api.recorder.append(facts('s/1'), message('{"back":"\u0007"}', { direction: 'upstream-to-client' }));
  await api.recorder.end('s/1', 'over');
  await sequenceAll(db.pool);
  const both: [Command, string[]][] = [
    [approvals, ['list']],
    [approvals, ['list', '--all', '--json']],
    [approvals, ['show', id]],
    [approvals, ['show', id, '--json']],
    [approvals, ['show', 'nothing']],
    [approvals, ['alike', id]],
    [runGrants, ['list', '--all']],
    [runOutcomes, ['list', '--json']],
    [tokens, ['list', '--json']],
    [sessions, ['list', '--subject', 'alice']],
    [sessions, ['replay', 's/1', '--instant']],
    [sessions, ['replay', 's/1', '--json']],
    [sessions, ['replay', 'nothing']],
    [sessions, ['search', 'HELLO', '--json']],
    [proof, ['call-1', '--session', 's/1']],
    [proof, ['nothing']],
  ];
  // A token is noted as used once a minute: before anything is compared.
  await said(over, tokens, ['list']);
  for (const [command, argv] of both)
    assert.deepEqual(await said(over, command, argv), await said(beside, command, argv), argv.join(' '));
});

test('a session is followed over HTTP as it happens, and not a second longer than its token stands', async () => {
  await using db = await testDatabase();
  await using api = await apiConsole(db);
  const secret = await apiToken(db, 'ci', ['holdpoint:api']);
  const over = remoteApi({ server: api.console.address, bearer: async () => secret, version: 'test' });
  await api.recorder.append(facts('live'), message('{"n":1}'));
  let out = '';
  const deps = {
    api: over,
    out: (text: string) => void (out += text),
    err: (text: string) => void (out += text),
  };
  const following = sessions(['replay', 'live', '--instant', '--follow'], deps);
  while (!out.includes('{"n":1}')) await sleep(20);
  await api.recorder.append(facts('live'), message('{"n":2}'));
  while (!out.includes('{"n":2}')) await sleep(20);
  await db.pool.query('update access_tokens set revoked_at = now()');
  assert.equal(await following, 1);
  assert.match(out, /ended the answer before it was whole/);
});
