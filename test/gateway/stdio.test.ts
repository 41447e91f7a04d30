import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { stdioConnection, type TestGateway, testGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';
import { handshake, wire } from './wire.ts';

/**
 * A server that misbehaves on command. It tells its process id, starts a child that outlives it unless the whole
 * group is killed, and counts the handshakes that it has seen.
 */
const program = `
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
let handshakes = 0;
let initialized = 0;
const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === 'initialize') {
    handshakes++;
    say({ id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } } });
  }
  if (method === 'notifications/initialized') initialized++;
  if (method !== 'tools/call') return;
  const { name } = params;
  const text = (text) => say({ id, result: { content: [{ type: 'text', text }] } });
  if (name === 'about') text(JSON.stringify({ pid: process.pid, handshakes, initialized, env: process.env, cwd: process.cwd() }));
  if (name === 'crash') process.exit(3);
  if (name === 'child') text(String(spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' }).pid));
  if (name === 'noise') { process.stdout.write('this is no JSON\\n\\n{"also":"not a message"}\\n'); text('still here'); }
  if (name === 'flood') process.stdout.write('x'.repeat(20_000_000));
  if (name === 'stderr-key') {
    const key = ['-----BEGIN PRIVATE KEY-----', ...Array(6).fill('MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj'), '-----END PRIVATE KEY-----'];
    for (const line of ['before it', ...key, 'after it']) process.stderr.write(line + '\\n');
    process.stderr.write('long ' + 'x'.repeat(4070) + ' ghp_' + 'c3D4'.repeat(9) + ' cut\\nlast line\\n');
    text('said');
  }
  if (name === 'stderr') { process.stderr.write('token ghp_' + 'a1B2'.repeat(9) + ' on stderr\\n'); text('said'); }
  if (name === 'echo-secret') text(process.env.API_TOKEN);
  if (name === 'twice') { text('first'); text('second'); }
  if (name === 'other-id') say({ id: 'somebody-else', result: {} });
});
`;

let folder: string;
let gateway: TestGateway;
let url: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdpoint-stdio-'));
  await writeFile(join(folder, 'server.mjs'), program);
  process.env['HOLDPOINT_NOT_FOR_CHILDREN'] = 'gateway secret';
  const command = [process.execPath, join(folder, 'server.mjs')];
  gateway = await testGateway({
    connections: {
      server: stdioConnection(
        command,
        { API_TOKEN: 'configured-token-value', PLAIN: 'shown' },
        { cwd: folder },
      ),
      silent: stdioConnection(command, {}, { idleTimeoutMs: 1000 }),
      missing: stdioConnection(['/nonexistent/program']),
      few: stdioConnection(command, {}, { maxProcesses: 1 }),
    },
  });
  url = gateway.url('server');
});

after(async () => {
  delete process.env['HOLDPOINT_NOT_FOR_CHILDREN'];
  await gateway[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function call(name: string, id = 1): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: {} } });
}

async function textOf(name: string, session: Record<string, string>): Promise<string> {
  const reply = await wire(url, call(name), session);
  const content = reply.json?.result?.['content'] as { text: string }[] | undefined;
  return content?.[0]?.text ?? reply.text;
}

async function about(session: Record<string, string>): Promise<{
  pid: number;
  handshakes: number;
  initialized: number;
  env: Record<string, string>;
  cwd: string;
}> {
  return JSON.parse(await textOf('about', session));
}

async function begin(): Promise<Record<string, string>> {
  const session = await handshake(url);
  await wire(url, '{"jsonrpc":"2.0","method":"notifications/initialized"}', session);
  return session;
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Whether a process is gone, or only waits to be collected. */
async function isGone(pid: number): Promise<boolean> {
  if (!lives(pid)) return true;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
  return stat.slice(stat.lastIndexOf(')')).startsWith(') Z');
}

test('each client session has a process of its own', async () => {
  const [one, two] = [await begin(), await begin()];
  assert.notEqual((await about(one)).pid, (await about(two)).pid);
});

test("a process inherits what is configured and nothing of the gateway's own settings", async () => {
  const { env, cwd } = await about(await begin());
  assert.equal(env['PLAIN'], 'shown');
  assert.equal(env['HOLDPOINT_NOT_FOR_CHILDREN'], undefined);
  assert.ok(env['PATH']);
  assert.ok(cwd.endsWith(folder.split('/').at(-1) ?? '?'));
});

test('after a crash the call is answered, and the next one finds a new process that has had the handshake', async () => {
  const session = await begin();
  const before = await about(session);
  const crashed = await wire(url, call('crash'), session);
  assert.equal(crashed.json?.error?.data?.['code'], 'upstream_closed');
  const afterwards = await about(session);
  assert.notEqual(afterwards.pid, before.pid);
  assert.deepEqual([afterwards.handshakes, afterwards.initialized], [1, 1]);
});

test('a server that crashes again and again is let rest, and the client is told for how long', async () => {
  const session = await begin();
  // Each crash lets it rest for longer, so that a call falls into one of the rests however slow the machine is.
  const resting = await until('it rests', async () => {
    await wire(url, call('crash'), session);
    const { json } = await wire(url, call('about'), session);
    return json?.error?.data?.['code'] === 'upstream_not_started' && json.error.message;
  });
  assert.match(resting, /started again in \d+ s/);
  const again = await until('it is started again', async () =>
    wire(url, call('about'), session).then(({ text }) => !text.includes('upstream_not_started') && text),
  );
  assert.match(again, /handshakes\\":1,/);
});

test('the end of a session ends its process and all that it started', async () => {
  const session = await begin();
  const { pid } = await about(session);
  const child = Number(await textOf('child', session));
  assert.ok(lives(pid) && lives(child));
  await wire(url, null, session, 'DELETE');
  for (const one of [pid, child]) await until('it is gone', async () => isGone(one));
});

test('output that is no message is left out, and the server goes on', async () => {
  assert.equal(await textOf('noise', await begin()), 'still here');
});

test('a line without end is cut off with its process', async () => {
  const session = await begin();
  const reply = await wire(url, call('flood'), session);
  assert.equal(reply.json?.error?.data?.['code'], 'upstream_closed');
  assert.match(reply.json?.error?.message ?? '', /longer than/);
});

test('a second answer, and an answer to another id, go nowhere', async () => {
  const session = await handshake(gateway.url('silent'));
  // An id is used once in a session: the second answer to the first is nobody's.
  const twice = await wire(gateway.url('silent'), call('twice'), session);
  assert.match(twice.text, /"first"/);
  const silent = await wire(gateway.url('silent'), call('other-id', 2), session);
  assert.equal(silent.json?.error?.data?.['code'], 'upstream_timeout');
});

test('a configured secret that the server echoes does not reach the client', async () => {
  assert.match(await textOf('echo-secret', await begin()), /credential removed/);
});

test('standard error goes to the log, masked', async () => {
  await textOf('stderr', await begin());
  const log = await until('the line in the log', () => {
    const lines = gateway.log.join('');
    return lines.includes('on stderr') && lines;
  });
  assert.ok(!log.includes('a1B2a1B2'));
});

test('a private key of several lines, and a secret where a long line is cut, do not reach the log in pieces', async () => {
  await textOf('stderr-key', await begin());
  const log = await until('the last line in the log', () => {
    const lines = gateway.log.join('');
    return lines.includes('last line') && lines;
  });
  assert.match(log, /before it/);
  assert.match(log, /after it/);
  assert.match(log, /\[masked:private-key\]/);
  assert.ok(log.includes('long xxxx'));
  for (const part of ['MIIEvQ', 'VJTUt9', 'ghp_c3D4']) assert.ok(!log.includes(part), part);
});

test('a program that cannot be started, and one process too many, are told apart', async () => {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'w', version: '1' } };
  const initialize = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
  const missing = await wire(gateway.url('missing'), initialize);
  assert.equal(missing.json?.error?.data?.['code'], 'upstream_not_started');
  await handshake(gateway.url('few'));
  const busy = await wire(gateway.url('few'), initialize);
  assert.equal(busy.json?.error?.data?.['code'], 'upstream_busy');
});
