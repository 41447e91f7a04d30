#!/usr/bin/env node
// Runs cli/main.ts under Node 24, whatever `node` is on the path: the project brings its own.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const [major = 0] = process.versions.node.split('.').map(Number);
if (major >= 24) await import('./main.ts');
else runUnderOwnNode();

function runUnderOwnNode() {
  let node;
  try {
    node = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node');
  } catch {
    node = '';
  }
  if (!existsSync(node)) {
    process.stderr.write(
      `holdpoint needs Node 24 or newer; this is ${process.version} and the project's own is not installed. Run: npm ci\n`,
    );
    process.exit(1);
  }
  const main = new URL('./main.ts', import.meta.url).pathname;
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  // In a terminal, Ctrl-C reaches the child as well; the child takes a second signal as the same wish.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}
