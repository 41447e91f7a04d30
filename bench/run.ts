import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';

/** Runs every measurement in bench/, one after the other, so that none disturbs another. `node bench/run.ts [name …]` */
const wanted = process.argv.slice(2);
const files = globSync('bench/*.ts')
  // `proxy-targets.ts` and the like are parts of a measurement.
  .filter((file) => /^bench\/[a-z]+\.ts$/.test(file) && file !== 'bench/run.ts')
  .filter((file) => wanted.length === 0 || wanted.some((name) => file === `bench/${name}.ts`))
  .toSorted();
if (files.length === 0) {
  process.stderr.write(`no measurement of that name; there are: ${globSync('bench/*.ts').join(' ')}\n`);
  process.exitCode = 2;
}
for (const file of files) {
  process.stdout.write(`\n== ${file}\n`);
  const child = spawn(process.execPath, [file], { stdio: 'inherit' });
  const code = await new Promise<number>((done) => child.once('exit', (status) => done(status ?? 1)));
  if (code !== 0) process.exitCode = 1;
}
