import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { apiCommands } from '../../cli/api-commands.ts';
import type { Api } from '../../cli/api/api.ts';
import { remoteApi } from '../../cli/api/remote.ts';
import { downloadSessions } from '../../cli/commands/sessions-download.ts';
import { run as verify } from '../../cli/commands/verify.ts';
import type { Recordings } from '../../console/deps.ts';
import { createRecordReader } from '../../db/records-read.ts';
import { zipped } from '../../recording/export/zip.ts';
import { facts, message, sequenceAll, signer } from '../recording/support.ts';
import { type ApiConsole, apiConsole, apiToken } from '../support/api-console.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';

let db: TestDatabase;
let at: ApiConsole;
let folder: string;
/** Holds back what the console reads of a session. */
let held: Promise<void> = Promise.resolve();
let waiting = 0;
before(async () => {
  db = await testDatabase();
  const reader = createRecordReader(db.pool);
  const slow: Recordings['reader'] = {
    ...reader,
    records: async (...asked) => {
      waiting += 1;
      await held;
      waiting -= 1;
      return reader.records(...asked);
    },
  };
  at = await apiConsole(db, { reader: slow });
  folder = await mkdtemp(join(tmpdir(), 'holdpoint-remote-package-'));
  for (let n = 0; n < 12; n += 1)
    for (const who of ['alice', 'bob'])
      await at.recorder.append(
        facts(`s-${who}-${n % 2}`, { subject: who }),
        message(`{"n":${n},"x":"${'ü'.repeat(n)}"}`),
      );
  await at.recorder.end('s-alice-0', 'done');
  await sequenceAll(db.pool);
});
after(async () => {
  await at[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const over = (token = at.token): Api =>
  remoteApi({ server: at.console.address, bearer: async () => token, version: 'test' });

async function exported(api: Api, ...argv: string[]) {
  let said = '';
  const write = (text: string): void => void (said += text);
  const code = await downloadSessions(argv, { api, out: write, err: write });
  return { code, said };
}

async function verified(path: string): Promise<{ code: number; out: string }> {
  let out = '';
  const nothing = async (): Promise<never> => assert.fail('a package is checked without this');
  const write = (text: string): void => void (out += text);
  const deps = { pool: nothing, keyRing: nothing, logKey: null, checkpointFiles: [], out: write, err: write };
  return { code: await verify([path, '--key', signer.vkey], deps), out };
}

/** An API whose package is these bytes. */
const sending = (bytes: Uint8Array): Api => ({
  ...over(),
  async *download() {
    for (let from = 0; from < bytes.length; from += 1000) yield bytes.subarray(from, from + 1000);
  },
});

const archive = async (): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(over().download('packageSessions', { body: {} })));

test('whoever may read recordings takes sessions from a server as a package that verifies by itself; it is recorded first', async () => {
  const out = join(folder, 'alice');
  const first = await exported(over(), 'alice', '--out', out);
  assert.equal(first.code, 0, first.said);
  assert.match(first.said, /^2 sessions, \d+ bytes received, whole, and written to /m);
  const whole = await verified(out);
  assert.equal(whole.code, 0, whole.out);
  assert.equal((await readdir(join(out, 'sessions'))).length, 2);

  const second = await exported(over(), 's-bob-1', 'alice', '--out', out);
  assert.equal(second.code, 0, second.said);
  assert.equal((await readdir(join(out, 'sessions'))).length, 3, 'beside what is there');
  assert.equal((await verified(out)).code, 0);

  const file = join(folder, 'all.zip');
  const command = await apiCommands['sessions']?.();
  const invocation = {
    argv: ['export', '--all', '--out', file],
    configFile: undefined,
    dataDir: undefined,
    server: at.console.address,
    database: false,
    env: { HOLDPOINT_API_TOKEN: at.token },
    cwd: folder,
    out: () => {},
    err: () => {},
  };
  assert.equal(await command?.(invocation), 0);
  assert.equal((await readFile(file)).readUInt32LE(0), 0x0403_4b50);
  assert.equal((await exported(over(), '--all', '--out', file)).code, 2, 'nothing is written over');
  await mkdir(join(folder, 'other'));
  await writeFile(join(folder, 'other', 'mine.txt'), 'mine');
  assert.equal((await exported(over(), '--all', '--out', join(folder, 'other'))).code, 2);
  const nobody = await exported(over(), 'nobody', '--out', join(folder, 'nobody'));
  assert.deepEqual([nobody.code, /nobody is no session/.test(nobody.said)], [1, true]);
  const eyes = await exported(
    over(await apiToken(db, 'eyes', ['holdpoint:api'])),
    '--all',
    '--out',
    join(folder, 'eyes'),
  );
  assert.deepEqual([eyes.code, /none of the roles/.test(eyes.said)], [1, true]);
  assert.deepEqual((await readdir(folder)).toSorted(), ['alice', 'all.zip', 'other'], 'no remains');

  const today = new Date().toISOString().slice(0, 10);
  const { events } = await over().call('readSession', { params: { id: `admin/${today}` } });
  const acts = events.map(({ text }) => JSON.parse(text ?? '{}'));
  assert.deepEqual(
    acts
      .filter(({ act }) => act === 'sessions.export')
      .map(({ session, chosen, person, via }) => [session, chosen, person, via]),
    [
      ['alice', 1, 'service:ci', 'api'],
      ['s-bob-1', 2, 'service:ci', 'api'],
      [null, 0, 'service:ci', 'api'],
    ],
    'what was refused was not taken',
  );
});

test('a package that was cut off or altered anywhere on its way is noticed, and nothing of it is kept', async () => {
  const bytes = await archive();
  const target = join(folder, 'cut');
  for (let left = 0; left < bytes.length; left += Math.ceil(bytes.length / 40)) {
    const { code, said } = await exported(sending(bytes.subarray(0, left)), '--all', '--out', target);
    assert.deepEqual(
      [code, /not whole, and nothing of it is kept/.test(said)],
      [1, true],
      `${left}: ${said}`,
    );
  }
  const last = await exported(sending(bytes.subarray(0, -1)), '--all', '--out', target);
  assert.equal(last.code, 1, 'one byte is missing');
  const contents = async (name: string): Promise<string> => {
    const entries = await readdir(name, { recursive: true, withFileTypes: true });
    const files = entries.flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : []));
    const read = files.toSorted().map(async (file) => [file.slice(name.length), await readFile(file, 'hex')]);
    return JSON.stringify(await Promise.all(read));
  };
  const good = join(folder, 'good');
  assert.equal((await exported(sending(bytes), '--all', '--out', good)).code, 0);
  const meant = await contents(good);
  let noticed = 0;
  for (let place = 0; place < bytes.length; place += Math.ceil(bytes.length / 60)) {
    const altered = Buffer.from(bytes);
    altered[place] = (altered[place] ?? 0) ^ 0x10;
    const { code } = await exported(sending(altered), '--all', '--out', target);
    if (code === 1) noticed += 1;
    // Such as the date of a file, which says nothing.
    else assert.equal(await contents(target), meant);
    await rm(target, { recursive: true, force: true });
  }
  assert.ok(noticed > 40, String(noticed));
});

test('an archive that would write elsewhere, or has more in it than its manifest says, is refused', async () => {
  const made = async (path: string, format = 'holdpoint-recording-export/1'): Promise<Buffer> => {
    const files = async function* () {
      yield { path: `holdpoint-recording/${path}`, content: ['x'] };
      const manifest = { format, entries: 1, files: {} };
      yield { path: 'holdpoint-recording/manifest.json', content: [JSON.stringify(manifest)] };
    };
    return Buffer.concat(await Array.fromAsync(zipped(files())));
  };
  for (const path of ['../evil', '/evil', 'a/../../evil', '..\\evil', 'more', '.', 'a//b', 'manifest.json']) {
    const target = join(folder, 'evil');
    const { code, said } = await exported(sending(await made(path)), '--all', '--out', target);
    assert.deepEqual([code, /not whole/.test(said)], [1, true], `${path}: ${said}`);
  }
  const names = await readdir(folder);
  assert.ok(!names.some((name) => name.includes('evil')), names.join(' '));
});

test('two packages are made at once; one whose taker is cut off ends within moments, torn rather than short', async () => {
  const gate = Promise.withResolvers<void>();
  held = gate.promise;
  const secret = await apiToken(db, 'ci', ['holdpoint:api']);
  const takers = [1, 2].map((n) => exported(over(secret), '--all', '--out', join(folder, `held-${n}`)));
  await until('both are under way', () => waiting === 2);
  const third = async () => exported(over(), '--all', '--out', join(folder, 'third.zip'));
  const refused = await third();
  assert.deepEqual([refused.code, /2 packages at the same time at most/.test(refused.said)], [1, true]);
  const { tokens } = await over().call('listTokens');
  const [newest] = tokens.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt));
  await over().call('revokeToken', { params: { id: newest?.id ?? '' } });
  for (const taker of takers) {
    const { code, said } = await taker;
    assert.deepEqual([code, /ended the answer before it was whole/.test(said)], [1, true], said);
  }
  gate.resolve();
  held = Promise.resolve();
  const free = await third();
  assert.equal(free.code, 0, free.said);
});
