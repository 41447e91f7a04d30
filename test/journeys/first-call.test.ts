import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort } from '../../cli/embedded/postgres.ts';

/** Runs the program as `npm start` and `npx holdpoint` do, on ports and a data directory of its own. */
async function embedded(): Promise<{
  folder: string;
  start(): Promise<{ said: () => string; stop(signal?: NodeJS.Signals): Promise<number | null> }>;
  command(...args: string[]): Promise<{ code: number | null; out: string; err: string }>;
  remove(): Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-up-'));
  const [agents, console, ui] = await Promise.all([freePort(), freePort(), freePort()]);
  const env = {
    ...process.env,
    HOLDPOINT_AGENTS_LISTEN: `127.0.0.1:${agents}`,
    HOLDPOINT_CONSOLE_LISTEN: `127.0.0.1:${console}`,
    HOLDPOINT_TEMPORAL_UI_PORT: String(ui),
    HOLDPOINT_TEST_POSTGRES: undefined,
    HOLDPOINT_TEST_TEMPORAL: undefined,
  };
  const launch = (args: readonly string[]) => {
    const child = spawn(process.execPath, ['cli/holdpoint.js', ...args, '--data', join(folder, 'data')], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    const ended = once(child, 'close').then(([code]) => code as number | null);
    return { child, ended, out: () => out, err: () => err };
  };
  return {
    folder,
    start: async () => {
      const up = launch(['up']);
      const late = Date.now() + 60_000;
      while (!up.out().includes('Holdpoint is running')) {
        if (up.child.exitCode !== null || Date.now() > late) throw new Error(up.out() + up.err());
        await new Promise((done) => setTimeout(done, 50));
      }
      return {
        said: up.out,
        stop: async (signal = 'SIGINT') => {
          up.child.kill(signal);
          return up.ended;
        },
      };
    },
    command: async (...args) => {
      const { ended, out, err } = launch(args);
      const code = await ended;
      return { code, out: out(), err: err() };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

test('from nothing to an approved call: reading passes masked, writing waits, moving is denied, Ctrl-C and kill -9 lose nothing', async () => {
  const site = await embedded();
  const samples = join(site.folder, 'data', 'samples');
  const write = (name: string): [string, string, string, string] => [
    'call',
    'files',
    'write_file',
    JSON.stringify({ path: join(samples, name), content: 'Hello.' }),
  ];
  try {
    const first = await site.start();
    assert.match(first.said(), /claude mcp add --transport http \S+ http:\/\/127\.0\.0\.1:\d+\/mcp\/files/);
    assert.match(first.said(), /login\?token=/);

    const read = await site.command(
      'call',
      'files',
      'read_text_file',
      JSON.stringify({ path: 'deploy.env' }),
    );
    assert.equal(read.code, 0, read.err);
    assert.match(read.out, /\[masked:/);
    assert.doesNotMatch(read.out, /wJalrXUtnFEMI/);

    const moved = await site.command(
      'call',
      'files',
      'move_file',
      JSON.stringify({ source: join(samples, 'notes.md'), destination: join(samples, 'gone.md') }),
    );
    assert.equal(moved.code, 1);
    assert.match(moved.out, /no-moving/);

    const waiting = site.command(...write('hello.txt'));
    const approved = await approveFirst(site.command);
    const wrote = await waiting;
    assert.equal(wrote.code, 0, wrote.out + wrote.err);
    assert.equal(await readFile(join(samples, 'hello.txt'), 'utf8'), 'Hello.');

    const verified = await site.command('verify');
    assert.equal(verified.code, 0, verified.out + verified.err);
    const proof = join(site.folder, 'proof.json');
    await writeFile(proof, await proofOf(site.command, approved));
    const proven = await site.command('verify', proof);
    assert.equal(proven.code, 0, proven.out + proven.err);
    assert.match(proven.out, /approve signed by local-approver[^]*everything is as it was recorded/);
    assert.equal(await first.stop('SIGINT'), 0);

    const second = await site.start();
    const all = await site.command('approvals', 'list', '--all', '--json');
    assert.match(all.out, /"state": "succeeded"/, 'the second start goes on where the first was');
    await second.stop('SIGKILL');

    const third = await site.start();
    const again = site.command(...write('after.txt'));
    await approveFirst(site.command);
    assert.equal((await again).code, 0);
    assert.equal(await third.stop('SIGTERM'), 0);
  } finally {
    await site.remove();
  }
});

type Command = (...args: string[]) => Promise<{ code: number | null; out: string; err: string }>;

/** The proof of a call, once all that was recorded of it is in the log. */
async function proofOf(command: Command, callId: string): Promise<string> {
  for (;;) {
    const { code, out, err } = await command('proof', callId);
    if (code === 0) return out;
    assert.match(err, /try again a second later/);
    await new Promise((done) => setTimeout(done, 200));
  }
}

/** @returns the id of the call */
async function approveFirst(command: Command): Promise<string> {
  for (;;) {
    const { out } = await command('approvals', 'list', '--json');
    const [first] = JSON.parse(out) as { id: string; state: string }[];
    if (first) {
      const { code, err } = await command('approvals', 'approve', first.id);
      assert.equal(code, 0, err);
      return first.id;
    }
    await new Promise((done) => setTimeout(done, 200));
  }
}
