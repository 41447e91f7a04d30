import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { apiCommands } from '../../cli/api-commands.ts';
import { loginCommand, logoutCommand } from '../../cli/login-wiring.ts';
import type { Command } from '../../cli/main.ts';

/** Runs a command where nothing is configured, nobody is signed in, and no server or database is to be had. */
async function ran(command: Command | undefined, ...argv: string[]) {
  let out = '';
  let err = '';
  const code = await command?.({
    argv,
    configFile: '/nowhere/holdpoint.yaml',
    dataDir: '/nowhere',
    server: undefined,
    database: false,
    env: { XDG_CONFIG_HOME: '/nowhere', HOME: '/nowhere' },
    cwd: tmpdir(),
    out: (text) => void (out += text),
    err: (text) => void (err += text),
  });
  return { code, out, err };
}

test('--help of every command needs nothing to be there, whatever else was typed; mistakes in its use neither', async () => {
  const commands: [string, Command | undefined][] = [
    ['login', loginCommand],
    ['logout', logoutCommand],
  ];
  for (const [name, load] of Object.entries(apiCommands)) commands.push([name, await load()]);
  for (const [name, command] of commands) {
    for (const argv of [['--help'], ['-h'], ['list', '--nonsense', '--help']]) {
      const { code, out, err } = await ran(command, ...argv);
      assert.deepEqual([code, err], [0, ''], `${name} ${argv.join(' ')}`);
      assert.match(out, /^Usage:.*holdpoint /s, name);
      assert.match(out, /Exit codes: 0 done/, name);
    }
    const wrong = await ran(command, '--nonsense');
    assert.equal(wrong.code, 2, name);
    assert.match(wrong.err, /Usage:/, name);
  }
});
