import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { breakGlass } from '../../cli/break-glass-wiring.ts';
import type { Invocation } from '../../cli/main.ts';
import { apiCommands } from '../../cli/api-commands.ts';
import { keys } from '../../cli/recording-wiring.ts';
import { createRecordReader } from '../../db/records-read.ts';
import { localKeyRing } from '../../recording/key-ring.ts';
import { openSession } from '../../recording/read.ts';
import { copyPublicKey } from '../../recording/sealed-copy.ts';
import { testProvider } from '../support/oidc-provider.ts';
import { testDatabase } from '../support/postgres.ts';
import { facts, message, recorderOn } from './support.ts';

type Command = (invocation: Invocation) => Promise<number>;

test('commands on recordings and keys ask for who it is and for a role, and what is done is recorded under that name', async () => {
  await using db = await testDatabase();
  await using provider = await testProvider();
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-roles-'));
  const kek = randomBytes(32);
  const copyKey = generateKeyPairSync('x25519').privateKey;
  const votes = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const person = (name: string) => ({ people: [`${name}@example.com`] });
  const config = {
    database: { url: db.url },
    temporal: { address: '127.0.0.1:1' },
    console: {
      login: { issuer: provider.issuer, clientId: provider.clientId, clientSecret: provider.clientSecret },
    },
    identity: { issuers: [{ issuer: provider.issuer, audience: 'x' }] },
    roles: { auditor: person('ann'), operator: person('oscar'), owner: person('olga') },
    connections: { postgres: { url: 'http://127.0.0.1:1/mcp', sealedCopy: true } },
    keys: {
      encryption: kek.toString('base64url'),
      votes: { privateKey: JSON.stringify(votes) },
      breakGlass: { publicKey: copyPublicKey(copyKey).toString('base64url') },
    },
    recording: { signingKey: randomBytes(32).toString('base64url') },
  };
  const configFile = join(folder, 'holdpoint.yaml');
  const keyFile = join(folder, 'key.pem');
  await writeFile(configFile, JSON.stringify(config));
  await writeFile(keyFile, copyKey.export({ type: 'pkcs8', format: 'pem' }));
  const keyRing = localKeyRing([kek]);
  const copies = { publicKey: copyPublicKey(copyKey), connections: new Set(['postgres']) };
  const recorder = recorderOn(db.pool, { keyRing, copies });
  await recorder.append(facts('s1'), message('[card]', { unmasked: '4111 1111 1111 1111' }));
  await recorder.close();

  /** What a command said to somebody, or why it refused; null: nobody has proven who they are. */
  const ran = async (name: string | null, command: Command, ...argv: string[]) => {
    let out = '';
    const write = (text: string): void => void (out += text);
    if (name !== null)
      provider.user = { sub: `u-${name}`, email: `${name}@example.com`, email_verified: true, name };
    const env = name === null ? {} : { HOLDPOINT_ID_TOKEN: await provider.idToken() };
    const invocation = {
      argv,
      configFile,
      dataDir: folder,
      server: undefined,
      database: false,
      env,
      cwd: folder,
      out: write,
      err: write,
    };
    try {
      return { code: await command(invocation), out };
    } catch (error) {
      return { code: 1, out: (error as Error).message };
    }
  };
  const sessions = (await apiCommands['sessions']?.()) as Command;
  try {
    assert.match((await ran(null, sessions, 'list')).out, /needs a verified identity/);
    assert.match((await ran('oscar', sessions, 'list')).out, /none of the roles auditor, owner/);
    assert.match((await ran('ann', sessions, 'list')).out, /s1 .*alice/);
    assert.equal((await ran('ann', sessions, 'hold', 's1', '--reason', 'lawsuit')).code, 0);
    assert.match((await ran('oscar', sessions, 'release', 's1', '--reason', 'x')).out, /none of the roles/);
    const purge = ['purge', 's1', '--reason', 'x'];
    assert.match((await ran('ann', sessions, ...purge)).out, /none of the roles owner/);
    assert.match((await ran('ann', sessions, ...purge, '--dry-run')).out, /0 sessions/);
    assert.match((await ran('olga', sessions, ...purge)).out, /under legal hold/);
    assert.match((await ran('ann', keys, 'rewrap')).out, /none of the roles operator, owner/);
    assert.equal((await ran('oscar', keys, 'rewrap')).code, 0);

    const asked = await ran('ann', breakGlass, 'request', 's1', '--reason', 'incident', '--json');
    const { id } = JSON.parse(asked.out) as { id: string };
    assert.match((await ran('ann', breakGlass, 'approve', id)).out, /none of the roles owner/);
    assert.equal((await ran('olga', breakGlass, 'approve', id)).code, 0);
    assert.match((await ran('ann', breakGlass, 'view', id)).out, /--key FILE/);
    assert.match((await ran('ann', breakGlass, 'view', id, '--key', 'key.pem')).out, /4111 1111 1111 1111/);

    const day = new Date().toISOString().slice(0, 10);
    const admin = await openSession({ reader: createRecordReader(db.pool), keyRing }, `admin/${day}`);
    const acts: string[] = [];
    for await (const { kind, method, bytes } of admin?.events() ?? [])
      if (kind === 'admin') {
        const said = JSON.parse(bytes?.toString() ?? '') as { person: string; name: string };
        acts.push(`${method} ${said.name} ${said.person.split('#')[1]}`);
      }
    assert.deepEqual(acts, [
      'sessions.hold ann u-ann',
      'keys.rewrap oscar u-oscar',
      'break-glass.request ann u-ann',
      'break-glass.agree olga u-olga',
      'break-glass.view ann u-ann',
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
