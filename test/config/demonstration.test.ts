import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { loadConfig } from '../../cli/config/load.ts';
import { checkRules } from '../../cli/roles/rules.ts';
import { withDemonstration } from '../../cli/starter/demonstration.ts';

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'holdpoint-demonstration-'));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

test('with nothing configured there is something to try, in the data directory', async (t) => {
  const cwd = await folder(t);
  const config = await withDemonstration(await loadConfig({ env: {}, cwd }));
  assert.equal(config.policy, join(cwd, '.holdpoint/policy.yaml'));
  assert.deepEqual(Object.keys(config.connections), ['files']);
  const { files } = config.connections;
  assert.ok(files?.kind === 'stdio');
  assert.equal(files.command.at(-1), join(cwd, '.holdpoint/samples'));
  assert.ok((await readdir(join(cwd, '.holdpoint/samples'))).includes('deploy.env'));
});

test('what a person has changed stays between starts', async (t) => {
  const cwd = await folder(t);
  const config = await loadConfig({ env: {}, cwd });
  await withDemonstration(config);
  await writeFile(join(cwd, '.holdpoint/policy.yaml'), 'default: deny\n');
  await writeFile(join(cwd, '.holdpoint/samples/notes.md'), 'mine\n');
  await withDemonstration(config);
  assert.equal(await readFile(join(cwd, '.holdpoint/policy.yaml'), 'utf8'), 'default: deny\n');
  assert.equal(await readFile(join(cwd, '.holdpoint/samples/notes.md'), 'utf8'), 'mine\n');
});

test('a copy that was cut short is made again', async (t) => {
  const cwd = await folder(t);
  await mkdir(join(cwd, '.holdpoint/samples.unfinished'), { recursive: true });
  await withDemonstration(await loadConfig({ env: {}, cwd }));
  assert.deepEqual((await readdir(join(cwd, '.holdpoint'))).sort(), ['policy.yaml', 'samples']);
});

test('whatever is configured is left as it is', async (t) => {
  const cwd = await folder(t);
  await writeFile(join(cwd, 'policy.yaml'), 'default: deny\n');
  const own = await withDemonstration(await loadConfig({ env: {}, cwd }));
  assert.equal(own.policy, join(cwd, 'policy.yaml'));
  await writeFile(join(cwd, 'holdpoint.yaml'), 'connections: { x: { command: [x] } }\n');
  const config = await loadConfig({ env: {}, cwd });
  assert.equal(await withDemonstration(config), config);
});

test('whoever sets ports only has something to try as well', async (t) => {
  const cwd = await folder(t);
  await writeFile(join(cwd, 'holdpoint.yaml'), 'console: { listen: "127.0.0.1:9471" }\n');
  const config = await withDemonstration(await loadConfig({ env: {}, cwd }));
  assert.deepEqual(Object.keys(config.connections), ['files']);
  assert.equal(config.policy, join(cwd, '.holdpoint/policy.yaml'));
  assert.ok((await readFile(config.policy, 'utf8')).length > 0);
});

test('a policy that is named and missing is not replaced by the starter policy', async (t) => {
  const cwd = await folder(t);
  await writeFile(join(cwd, 'holdpoint.yaml'), 'policy: mine/policy.yaml\n');
  const config = await withDemonstration(await loadConfig({ env: {}, cwd }));
  assert.equal(config.policy, join(cwd, 'mine/policy.yaml'));
  await assert.rejects(
    checkRules({ config, together: true }),
    /mine\/policy\.yaml: the policy cannot be read/,
  );
});
