import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { doctor } from '../../cli/commands/doctor.ts';
import { freeze, lift } from '../../db/kill-switch.ts';
import { testDatabase } from '../support/postgres.ts';

/** What `holdpoint doctor --json` says of an installation. */
async function examined(cwd: string) {
  let out = '';
  const code = await doctor({
    argv: ['--json'],
    configFile: join(cwd, 'holdpoint.yaml'),
    dataDir: join(cwd, 'data'),
    server: undefined,
    database: false,
    env: {},
    cwd,
    out: (text) => void (out += text),
    err: (text) => void (out += text),
  });
  const findings = JSON.parse(out) as { what: string; state: string; detail: string; remedy?: string }[];
  return { code, of: (what: string) => findings.find((finding) => finding.what === what) };
}

test('the doctor says first why nothing passes: that the kill switch is on, and how it is lifted', async () => {
  await using db = await testDatabase();
  const cwd = await mkdtemp(join(tmpdir(), 'holdpoint-doctor-'));
  try {
    await writeFile(join(cwd, 'policy.yaml'), 'default: deny\n');
    await writeFile(
      join(cwd, 'holdpoint.yaml'),
      `database: { url: "${db.url}" }\nagents: { listen: "127.0.0.1:0" }\nconsole: { listen: "127.0.0.1:0" }\n`,
    );
    const person = (name: string) => ({ keys: [`oidc:x#${name}`], name });
    assert.equal((await examined(cwd)).of('kill switch'), undefined);
    await freeze(db.pool, { person: person('ann'), via: 'cli', because: null });
    const frozen = await examined(cwd);
    assert.equal(frozen.code, 1);
    assert.match(frozen.of('kill switch')?.detail ?? '', /ON: nothing goes upstream/);
    assert.match(frozen.of('kill switch')?.remedy ?? '', /two people lift it/);
    assert.equal(frozen.of('PostgreSQL')?.state, 'ok', 'the database is told of as well');
    for (const name of ['ann', 'bob'])
      await lift(db.pool, { person: person(name), via: 'cli', peopleNeeded: 2 });
    assert.equal((await examined(cwd)).of('kill switch'), undefined);
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
});
