#!/usr/bin/env node
// Runs cli/main.ts under Node 24, whatever `node` is on the path: the project brings its own.
import { spawnSync } from 'node:child_process';
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
  // The terminal sends Ctrl-C to the child as well; this process only waits for it to end.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});
  const { status, signal } = spawnSync(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exit(status ?? (signal ? 1 : 0));
}
