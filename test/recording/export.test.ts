import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run as verify } from '../../cli/commands/verify.ts';
import { checkpointText, openCheckpoint } from '../../recording/log/checkpoint.ts';
import { noteVerifier } from '../../recording/log/note.ts';
import { testDatabase, type TestDatabase } from '../support/postgres.ts';
import {
  facts,
  message,
  record,
  recorderOn,
  sequenceAll,
  sessions,
  sessionsDeps,
  signer,
} from './support.ts';

/** One package for all tests here: made once from a database that is gone when it is verified. */
let directory: string;
let path: string;
/** Files with checkpoints of the log's earlier states. */
const kept: string[] = [];

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdpoint-export-'));
  path = join(directory, 'package');
  const db: TestDatabase = await testDatabase();
  for (const [index, note] of (await record(db.pool, 30)).entries()) {
    kept.push(join(directory, `checkpoint-${index}`));
    await writeFile(kept.at(-1) ?? '', note);
  }
  const acts: string[] = [];
  const deps = sessionsDeps(db.pool, { recordAct: async (act: string) => void acts.push(act) });
  assert.equal(await sessions(['export', '--out', path, '--all'], deps), 0);
  assert.equal(
    await sessions(['export', '--out', path, '--all'], deps),
    0,
    'a second run goes on where the first ended',
  );
  assert.deepEqual(acts, ['sessions.export', 'sessions.export']);
  await db[Symbol.asyncDispose]();
});

after(() => rm(directory, { recursive: true, force: true }));

async function verified(
  package_: string,
  args: readonly string[] = [],
  checkpointFiles: readonly string[] = [],
): Promise<{ code: number; out: string }> {
  let out = '';
  const nothing = async (): Promise<never> => assert.fail('offline verification must not need this');
  const write = (text: string): void => void (out += text);
  const deps = { pool: nothing, keyRing: nothing, logKey: null, checkpointFiles, out: write, err: write };
  return { code: await verify([package_, '--key', signer.vkey, ...args], deps), out };
}

test('a package is held against what is kept of the log: what is newer than the package says nothing about it, unless it was asked for', async () => {
  const { size } = openCheckpoint(
    await readFile(join(path, 'checkpoint'), 'utf8'),
    noteVerifier(signer.vkey),
  );
  const keptOf = async (of: number): Promise<string> => {
    const file = join(directory, `kept-${of}`);
    const head = { origin: signer.name, size: of, root: Buffer.alloc(32, 7) };
    await writeFile(file, signer.signNote(checkpointText(head)));
    return file;
  };
  const newer = await keptOf(size + 5);
  assert.equal((await verified(path, [], [newer, kept[1] ?? ''])).code, 0);
  assert.match((await verified(path, ['--checkpoint', newer])).out, /rolled_back/);
  const other = await verified(path, [], [await keptOf(size - 1)]);
  assert.equal(other.code, 1, 'an earlier state that the log does not go on from');
});

test('a package verifies without database, keys or network', async () => {
  const { code, out } = await verified(path);
  assert.equal(out.includes('everything is as it was recorded'), true, out);
  assert.equal(code, 0);
});

test('an export that goes on after the log has grown is whole: what had no place in the log then has one now', async () => {
  await using db = await testDatabase();
  await record(db.pool, 5);
  const recorder = recorderOn(db.pool);
  await recorder.append(facts('late'), message('{"late":1}'));
  await recorder.end('late', 'over');
  const into = join(directory, 'resumed');
  const lines: string[] = [];
  const deps = sessionsDeps(db.pool, { err: (line) => void lines.push(line) });
  assert.equal(await sessions(['export', '--out', into, '--all'], deps), 0, 'late is not in the log yet');
  await recorder.close();
  await sequenceAll(db.pool);
  lines.length = 0;
  assert.equal(await sessions(['export', '--out', into, '--all'], deps), 0);
  assert.ok(
    lines.includes('late: 3 records\n') && lines.includes('session-3: there already\n'),
    lines.join(''),
  );
  const { code, out } = await verified(into);
  assert.equal(code, 0, out);
});

test('no byte of any file can change, and no file can go, without being found', async () => {
  const names = (await readdir(path, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const chosen = names.filter((name, index) => !name.includes('/sessions/') || index % 9 === 0);
  assert.ok(chosen.length > 15);
  for (const name of chosen) {
    const original = await readFile(name);
    const changed = Buffer.from(original);
    const at = Math.floor(changed.length / 2);
    changed[at] = (changed[at] ?? 0) ^ 1;
    await writeFile(name, changed);
    const flipped = await verified(path).catch((error: Error) => ({ code: 1, out: error.message }));
    await rm(name);
    const gone = await verified(path).catch((error: Error) => ({ code: 1, out: error.message }));
    await writeFile(name, original);
    assert.deepEqual([flipped.code, gone.code], [1, 1], name);
  }
  assert.equal((await verified(path)).code, 0);
});

test('who rewrites a line, the manifest and all does not get past the log', async () => {
  const copy = join(directory, 'forged');
  await cp(path, copy, { recursive: true });
  const [file] = (await readdir(join(copy, 'sessions'), { recursive: true })).filter((name) =>
    name.endsWith('.jsonl'),
  );
  const name = join(copy, 'sessions', file ?? '');
  const lines = (await readFile(name, 'utf8')).split('\n');
  lines[1] = (lines[1] ?? '').replace('\\"n\\":', '\\"m\\":');
  await writeFile(name, lines.join('\n'));
  const manifest = JSON.parse(await readFile(join(copy, 'manifest.json'), 'utf8')) as { files: object };
  manifest.files = {};
  await writeFile(join(copy, 'manifest.json'), JSON.stringify(manifest));
  const { code, out } = await verified(copy);
  assert.equal(code, 1);
  assert.match(out, /not what was recorded/);
});

test('tools that are not ours verify the note, the proofs and the whole log', async (t) => {
  if (spawnSync('go', ['version']).error) {
    t.skip('no Go on this machine: the independent verifiers cannot be built');
    return;
  }
  const go = (binary: string, target: string): string => {
    const built = join(directory, binary);
    execFileSync('go', ['build', '-o', built, target], {
      cwd: new URL('go', import.meta.url),
      timeout: 240_000,
    });
    return built;
  };
  const check = go('check', '.');
  const [proof] = (await readdir(join(path, 'sessions'), { recursive: true })).filter((name) =>
    name.endsWith('.tlog-proof'),
  );
  const lines = (
    await readFile(join(path, 'sessions', (proof ?? '').replace('.tlog-proof', '.jsonl')), 'utf8')
  ).trim();
  const { header } = JSON.parse(lines.split('\n').at(-1) ?? '') as { header: string };
  const entry = join(directory, 'entry');
  await writeFile(entry, Buffer.from(header, 'base64'));
  const args = [signer.vkey, join(path, 'checkpoint'), join(path, 'sessions', proof ?? ''), entry];
  assert.match(execFileSync(check, args, { encoding: 'utf8' }), /entry \d+ is included/);
  const other = Buffer.from(header, 'base64');
  other[70] = (other[70] ?? 0) ^ 1;
  await writeFile(entry, other);
  assert.notEqual(spawnSync(check, args).status, 0);

  const fsck = go('fsck', 'github.com/transparency-dev/tessera/cmd/fsck');
  // It says whether it succeeded; its exit code (v1.0.4, without its terminal interface) is 0 either way.
  const succeeded = (package_: string): boolean =>
    spawnSync(
      fsck,
      [
        `--storage_url=file://${package_}/`,
        `--public_key=${join(package_, 'vkey')}`,
        `--origin=${signer.name}`,
        '--ui=false',
        '--N=4',
      ],
      { timeout: 20_000, encoding: 'utf8' },
    ).stderr.includes("Successfully fsck'd log");
  assert.equal(succeeded(path), true);
  const copy = join(directory, 'damaged');
  await cp(path, copy, { recursive: true });
  const tile = join(copy, 'tile/0/000');
  const bytes = await readFile(tile);
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  await writeFile(tile, bytes);
  assert.equal(succeeded(copy), false);
});

test("the auditor's program of the documentation accepts the package, and finds what was altered or taken out", async (t) => {
  if (spawnSync('go', ['version']).error) {
    t.skip('no Go on this machine');
    return;
  }
  const program = join(directory, 'audit');
  const cwd = new URL('../../docs/audit', import.meta.url);
  execFileSync('go', ['build', '-o', program, '.'], { cwd, timeout: 240_000 });
  const audit = (package_: string): string =>
    spawnSync(program, [package_, signer.vkey, kept[1] ?? ''], { encoding: 'utf8' }).stdout;
  const whole = audit(path);
  assert.match(whole, /^the first \d+ entries are those of the earlier checkpoint$/m);
  assert.match(whole, /^\d+ records of 30 sessions are as they were recorded$/m);
  const [strand = ''] = (await readdir(join(path, 'sessions'), { recursive: true })).filter((name) =>
    name.endsWith('.jsonl'),
  );
  for (const [what, change, says] of [
    [
      'altered',
      (text: string) => text.replace('\\"k\\":', '\\"j\\":'),
      /says something else than was recorded/,
    ],
    ['taken', (text: string) => text.split('\n').slice(1).join('\n'), /does not follow the one before it/],
    [
      'cut',
      (text: string) => `${text.trim().split('\n').slice(0, -1).join('\n')}\n`,
      /records are in the log and/,
    ],
  ] as const) {
    const copy = join(directory, what);
    await cp(path, copy, { recursive: true });
    const file = join(copy, 'sessions', strand);
    await writeFile(file, change(await readFile(file, 'utf8')));
    assert.match(audit(copy), says, what);
  }
});
