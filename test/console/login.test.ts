import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { apiCommands } from '../../cli/api-commands.ts';
import { commandLineClient } from '../../cli/login/authorization.ts';
import { signInsIn } from '../../cli/login/sign-ins.ts';
import { login, type LoginDeps, logout } from '../../cli/commands/login.ts';
import type { Recorder } from '../../recording/event.ts';
import { localKeyRing, newDataKey } from '../../recording/key-ring.ts';
import { createRecordAct } from '../../console/acts.ts';
import { createRecordStore } from '../../db/records.ts';
import { createRecorder } from '../../recording/recorder.ts';
import { defaultMasker } from '../../cli/masking.ts';
import { recordingsOn } from '../support/command-api.ts';
import { signer } from '../recording/support.ts';
import { type TestProvider, testProvider } from '../support/oidc-provider.ts';
import { signInScene, type SignInScene } from '../support/sign-in-scene.ts';
import { type Walked, walker } from '../support/walker.ts';
import { decideInDatabase, holdCall } from './support.ts';

const ann = {
  sub: 'u-ann',
  email: 'ann@example.com',
  email_verified: true,
  name: 'Ann',
  groups: ['dba'],
};

let provider: TestProvider;
let scene: SignInScene;
let home: string;
let recorder: Recorder;
/** How far the console's clock is ahead. */
let aheadMs = 0;
before(async () => {
  provider = await testProvider();
  home = await mkdtemp(join(tmpdir(), 'holdpoint-login-'));
  scene = await signInScene({
    upstreamUrl: 'http://127.0.0.1:9/mcp',
    login: async () => ({
      mode: 'oidc',
      issuer: provider.issuer,
      clientId: provider.clientId,
      clientSecret: provider.clientSecret,
    }),
    console: {
      roles: { viewer: { people: [], groups: ['dba'] } },
      now: () => new Date(Date.now() + aheadMs),
    },
    consoleOn: ({ pool }) => {
      const keyRing = localKeyRing([newDataKey()]);
      recorder = createRecorder({ store: createRecordStore(pool), keyRing });
      const recordAct = createRecordAct({ recorder, masker: defaultMasker() });
      return {
        approvals: decideInDatabase(pool, []),
        recordings: recordingsOn(pool, keyRing, { vkey: signer.vkey, recordAct }),
      };
    },
  });
  provider.user = ann;
});
after(async () => {
  await recorder.close();
  await scene[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

interface Ran {
  code: number;
  out: string;
  err: string;
}

const folder = (): string => join(home, 'holdpoint');

/** Signs in as whoever the provider says, in a browser of their own. */
async function signIn(answer: (page: Walked) => 'agree' | 'refuse' = () => 'agree'): Promise<Ran> {
  const ran = { code: -1, out: '', err: '' };
  let browsing: Promise<unknown> = Promise.resolve();
  const deps: LoginDeps = {
    signIns: signInsIn(folder()),
    server: async () => scene.console.publicUrl,
    openBrowser: (address) => {
      browsing = browse(address, answer);
    },
    pasted: null,
    withinMs: 20_000,
    version: 'test',
    out: (text) => void (ran.out += text),
    err: (text) => void (ran.err += text),
  };
  ran.code = await login([], deps);
  await browsing;
  return ran;
}

async function browse(address: string, answer: (page: Walked) => 'agree' | 'refuse'): Promise<Walked> {
  const person = walker();
  const asked = await person.go(address);
  const start = /href="(\/login\/start[^"]*)"/.exec(asked.text)?.[1]?.replaceAll('&amp;', '&') ?? '';
  const page = await person.go(new URL(start, asked.url));
  const field = (name: string): string =>
    new RegExp(`name="${name}" value="([^"]*)"`).exec(page.text)?.[1] ?? '';
  const form = { csrf: field('csrf'), request: field('request'), answer: answer(page) };
  return person.send(page.url, '/authorize', form);
}

async function command(name: string, ...argv: string[]): Promise<Ran> {
  const ran = { code: -1, out: '', err: '' };
  const run = await apiCommands[name]?.();
  ran.code =
    (await run?.({
      argv,
      configFile: undefined,
      dataDir: undefined,
      server: undefined,
      database: false,
      env: { XDG_CONFIG_HOME: home, HOME: home },
      cwd: home,
      out: (text) => void (ran.out += text),
      err: (text) => void (ran.err += text),
    })) ?? -1;
  return ran;
}

const kept = async () =>
  JSON.parse(await readFile(join(folder(), 'sign-ins.json'), 'utf8')) as {
    current: string;
    servers: Record<string, { accessToken: string; refreshToken: string; expiresAtMs: number }>;
  };
const server = (): string => new URL(scene.console.publicUrl).origin;

test('holdpoint login signs a person in with their browser, and commands then act as them over HTTP', async () => {
  const refused = await signIn(() => 'refuse');
  assert.deepEqual([refused.code, refused.out], [1, '']);
  assert.match(refused.err, /refused in the browser/);
  let shown = '';
  const ran = await signIn((page) => {
    shown = page.text;
    return 'agree';
  });
  assert.equal(ran.code, 0, ran.err);
  assert.match(ran.out, /^Signed in at http:\/\/127\.0\.0\.1:\d+ as Ann \(viewer, approver\)\.\n$/);
  const [, answersAt = ''] = /the answer goes to (\S+)\./.exec(ran.err) ?? [];
  assert.ok(shown.includes(answersAt), 'the page names the address that the terminal names');
  assert.match(shown, /whatever you may.*No agent needs that/s);
  assert.equal((await stat(join(folder(), 'sign-ins.json'))).mode & 0o777, 0o600);

  assert.match((await command('whoami')).out, /You are +Ann \(u-ann\)\nGroups +dba\nRoles +viewer, approver/);
  const id = await holdCall(scene.db.pool, { people: [], groups: ['dba'] });
  assert.match((await command('approvals', 'list')).out, new RegExp(`${id}  pending`));
  const approved = await command('approvals', 'approve', id);
  assert.equal(approved.code, 0, approved.err);
  const { rows } = await scene.db.pool.query('select decisions from held_calls where call_id = $1', [id]);
  const [{ person, via }] = rows[0].decisions;
  assert.deepEqual([person.name, via], ['Ann', 'cli']);
  assert.ok(person.keys.includes(`oidc:${provider.issuer}#u-ann`));
  assert.equal((await command('revoke', 'client', 'x', '--reason', 'y')).code, 1);
});

test('a sign-in is renewed when its token is about to end, once however many commands run', async () => {
  assert.equal((await signIn()).code, 0);
  const path = join(folder(), 'sign-ins.json');
  const before = await kept();
  const old = before.servers[server()];
  assert.ok(old);
  old.expiresAtMs = Date.now() - 1000;
  await writeFile(path, JSON.stringify(before), { mode: 0o600 });
  const all = await Promise.all(Array.from({ length: 4 }, () => command('whoami')));
  assert.deepEqual(
    all.map(({ code }) => code),
    [0, 0, 0, 0],
    all.map(({ err }) => err).join(''),
  );
  const renewed = (await kept()).servers[server()];
  assert.notEqual(renewed?.refreshToken, old.refreshToken);
  // A refresh token that was used is a copy: the whole sign-in ends.
  const again = await kept();
  Object.assign(again.servers[server()] ?? {}, { refreshToken: old.refreshToken, expiresAtMs: 0 });
  await writeFile(path, JSON.stringify(again), { mode: 0o600 });
  const late = await command('whoami');
  assert.deepEqual([late.code, /has ended: holdpoint login/.test(late.err)], [1, true], late.err);
});

test('what the provider said at sign-in counts for deciding for a quarter of an hour, then one signs in again', async () => {
  assert.equal((await signIn()).code, 0);
  const id = await holdCall(scene.db.pool, { people: [], groups: ['dba'] });
  aheadMs = 16 * 60_000;
  try {
    const late = await command('approvals', 'deny', id, '--reason', 'no');
    assert.equal(late.code, 1);
    assert.match(late.err, /groups must be looked up again.*holdpoint login/);
    assert.equal((await command('approvals', 'show', id)).code, 0, 'looking goes on');
  } finally {
    aheadMs = 0;
  }
  // Who has left the group since decides nothing, whatever the token says.
  await scene.db.pool.query(`update people_groups set groups = '[]' where key like '%u-ann'`);
  const left = await command('approvals', 'deny', id, '--reason', 'no');
  assert.deepEqual([left.code, /that you may see/.test(left.err)], [1, true], left.err);
});

test('no other program is let in to the API, and the command line to nothing else', async () => {
  assert.equal((await signIn()).code, 0);
  const token = (await kept()).servers[server()]?.accessToken ?? '';
  const asked = await fetch(scene.resource('files'), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
  });
  assert.equal(asked.status, 401, 'an administrator’s token calls no tools');
  await asked.arrayBuffer();
  const registered = await fetch(`${scene.issuer}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: ['http://127.0.0.1/callback'] }),
  });
  const { client_id: agent } = (await registered.json()) as { client_id: string };
  const tried = async (client: string, resource: string): Promise<string | null> => {
    const url = new URL(`${scene.issuer}/oauth/authorize`);
    const challenge = 'x'.repeat(43);
    url.search = new URLSearchParams({
      client_id: client,
      response_type: 'code',
      redirect_uri: 'http://127.0.0.1/callback',
      scope: 'holdpoint:api mcp:files',
      resource,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      state: 's',
    }).toString();
    const reply = await fetch(url, { redirect: 'manual' });
    await reply.arrayBuffer();
    return new URL(reply.headers.get('location') ?? '', url).searchParams.get('error');
  };
  assert.equal(await tried(agent, `${server()}/api/v1`), 'invalid_target');
  assert.equal(await tried(commandLineClient, scene.resource('files')), 'invalid_target');
  assert.equal(await tried(commandLineClient, `${server()}/api/v1`), null);
});

test('holdpoint logout ends the sign-in here and there', async () => {
  assert.equal((await signIn()).code, 0);
  const token = (await kept()).servers[server()]?.accessToken ?? '';
  let said = '';
  const deps: LoginDeps = {
    signIns: signInsIn(folder()),
    server: async () => server(),
    openBrowser: () => {},
    pasted: null,
    version: 'test',
    out: (text) => void (said += text),
    err: (text) => void (said += text),
  };
  assert.equal(await logout([], deps), 0, said);
  const status = await fetch(`${server()}/api/v1/status`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(status.status, 401);
  assert.match(status.headers.get('www-authenticate') ?? '', /resource_metadata="http/);
  await status.arrayBuffer();
  assert.equal(await logout([], deps), 1);
});

test('a server that is not the console, or not reached by https, is given no secret', async () => {
  const deps = (address: string, said: string[]): LoginDeps => ({
    signIns: signInsIn(folder()),
    server: async () => address,
    openBrowser: () => assert.fail('no browser is opened'),
    pasted: null,
    version: 'test',
    out: (text) => void said.push(text),
    err: (text) => void said.push(text),
  });
  for (const [address, why] of [
    [scene.issuer, /no Holdpoint console/],
    ['http://holdpoint.example', /not reached by https/],
    ['http://127.0.0.1:9', /cannot be reached/],
    [server().replace('127.0.0.1', 'localhost'), /says that it is/],
  ] as const) {
    const said: string[] = [];
    assert.equal(await login([], deps(address, said)), 1);
    assert.match(said.join(''), why);
  }
});
