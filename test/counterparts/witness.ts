import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once as event } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { freePort } from '../../cli/embedded/postgres.ts';
import { createLogStore } from '../../db/records-log.ts';
import { isSignedBy, noteSigner, noteVerifier, parseNote } from '../../recording/log/note.ts';
import { startLog } from '../../recording/log/run.ts';
import { httpWitness } from '../../recording/log/witness.ts';
import { facts, message, recorderOn, signer } from '../recording/support.ts';
import { cacheFolder, goProgram, run, serving } from '../support/fetched.ts';
import { testDatabase } from '../support/postgres.ts';

/** litewitness of filippo.io/torchwood: a witness as people run them, its key in an ssh-agent of its own. */
const program = await goProgram(await cacheFolder('counterparts'), 'litewitness', {
  module: 'filippo.io/torchwood',
  version: 'v0.9.0',
  package: 'filippo.io/torchwood/cmd/litewitness',
});
const name = 'witness.test/litewitness';

interface Litewitness extends AsyncDisposable {
  readonly url: string;
  readonly vkey: string;
  /** What an operator does with `witnessctl add-log` and `add-key`: two rows. */
  register(logKey: string): void;
}

async function litewitness(): Promise<Litewitness> {
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-witness-'));
  const key = join(folder, 'key');
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const blob = Buffer.from((await readFile(`${key}.pub`, 'utf8')).split(' ')[1] ?? '', 'base64');
  const socket = join(folder, 'agent');
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  const agentEnded = event(agent, 'exit');
  const added = async (): Promise<boolean> => {
    const adding = spawn('ssh-add', ['-q', key], {
      stdio: 'ignore',
      env: { ...process.env, SSH_AUTH_SOCK: socket },
    });
    const [code] = (await event(adding, 'exit')) as [number];
    return code === 0;
  };
  for (let tries = 0; !(await added()); tries += 1) assert.ok(tries < 50, 'the ssh-agent takes the key');
  const address = `127.0.0.1:${await freePort()}`;
  const database = join(folder, 'witness.db');
  const fingerprint = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '');
  const args = ['-db', database, '-name', name, '-listen', address];
  const up = await serving(
    program,
    [...args, '-key', `SHA256:${fingerprint}`, '-ssh-agent', socket],
    async () => (await fetch(`http://${address}/`)).ok,
  );
  const raw = Buffer.concat([Buffer.from([4]), blob.subarray(-32)]);
  const id = createHash('sha256').update(`${name}\n`).update(raw).digest('hex').slice(0, 8);
  return {
    url: `http://${address}`,
    vkey: `${name}+${id}+${raw.toString('base64')}`,
    register(logKey) {
      const db = new DatabaseSync(database);
      const origin = logKey.split('+')[0] ?? '';
      const empty = createHash('sha256').digest('base64');
      db.prepare('insert into log (origin, tree_size, tree_hash) values (?, 0, ?)').run(origin, empty);
      db.prepare('insert into key (origin, key) values (?, ?)').run(origin, logKey);
      db.close();
    },
    async [Symbol.asyncDispose]() {
      await up[Symbol.asyncDispose]();
      agent.kill();
      await agentEnded;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

test('litewitness cosigns our log while it grows, after a restart of ours too, and never another history', async () => {
  await using db = await testDatabase();
  await using witness = await litewitness();
  witness.register(signer.vkey);
  const verifier = noteVerifier(witness.vkey);
  const errors: string[] = [];
  const notes: string[] = [];
  const grown = async (store: typeof db, entries: number): Promise<void> => {
    const log = startLog({
      store: createLogStore(store.pool),
      signer,
      publishers: [{ name: 'memory', publish: async ({ note }) => void notes.push(note) }],
      witnesses: [httpWitness(witness.url, verifier)],
      onError: (error, doing) => void errors.push(`${doing}: ${error.message}`),
      intervalMs: 20,
    });
    const recorder = recorderOn(store.pool);
    for (let n = 0; n < entries; n += 1) await recorder.append(facts(`s${n % 7}`), message(`{"n":${n}}`));
    await recorder.close();
    await log.stop();
  };
  await grown(db, 300);
  const cosigned = (note: string): boolean => isSignedBy(parseNote(note), verifier);
  assert.ok(notes.length > 1 && notes.every(cosigned), errors.join('\n'));
  // A worker that starts anew knows nothing of what the witness has seen: it is told, and goes on from there.
  const before = notes.length;
  await grown(db, 50);
  assert.ok(notes.length > before && notes.every(cosigned));
  assert.deepEqual(errors, []);
  await using other = await testDatabase();
  const honest = notes.length;
  await grown(other, 500);
  assert.ok(notes.length > honest && !notes.slice(honest).some(cosigned), 'another history is not cosigned');
  assert.match(errors[0] ?? '', /asking the witness witness\.test\/litewitness: /);
});

test('litewitness does not know every log', async () => {
  await using witness = await litewitness();
  witness.register(signer.vkey);
  const stranger = noteSigner('stranger.test/log', randomBytes(32));
  const root = createHash('sha256').digest('base64');
  const note = stranger.signNote(`stranger.test/log\n0\n${root}\n`);
  const asked = httpWitness(witness.url, noteVerifier(witness.vkey));
  await assert.rejects(
    asked.cosign({ size: 0, note }, async () => assert.fail()),
    /the witness answered 404/,
  );
});
