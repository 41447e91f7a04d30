import assert from 'node:assert/strict';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { httpConnection, stdioConnection, type TestGateway, testGateway } from '../support/gateway.ts';
import {
  everythingCommand,
  filesystemCommand,
  startEverything,
  type TestUpstream,
} from '../support/upstream.ts';
import { until } from '../support/until.ts';
import { type Connected, connectV1, connectV2, tour } from './tour.ts';

let upstream: TestUpstream;
let old: TestUpstream;
let gateway: TestGateway;
let folder: string;

before(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'holdpoint-files-')));
  await writeFile(join(folder, 'note.txt'), 'a note');
  upstream = await startEverything();
  old = await startEverything('sse');
  gateway = await testGateway({
    connections: {
      everything: httpConnection(upstream.url),
      'everything-sse': httpConnection(old.url),
      'everything-stdio': stdioConnection(everythingCommand()),
      files: stdioConnection(filesystemCommand(folder)),
    },
  });
});

after(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  await old[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const sdks: [string, (url: string) => Promise<Connected>][] = [
  ['SDK 1.x', connectV1],
  ['SDK 2.x', connectV2],
];

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * A client of SDK 1.x whose first streams end early asks for them again, and the server then tells it some things
 * twice: what it sees directly may hold a thing twice where it sees it once through the gateway. Never the other way.
 */
function sameAs(seen: unknown, direct: unknown, what: string): void {
  if (isDeepStrictEqual(seen, direct)) return;
  if (isRecord(seen) && isRecord(direct)) {
    assert.deepEqual(Object.keys(seen), Object.keys(direct), what);
    for (const [key, value] of Object.entries(direct)) sameAs(seen[key], value, `${what}.${key}`);
    return;
  }
  if (!Array.isArray(direct)) return assert.deepEqual(seen, direct, what);
  const once = direct.filter(
    (one, index) => index === direct.findIndex((other) => isDeepStrictEqual(one, other)),
  );
  return assert.deepEqual(seen, once, what);
}

for (const [sdk, connect] of sdks)
  describe(`a client of ${sdk}`, () => {
    test('sees through the gateway what it sees directly', async () => {
      const direct = await visit(connect, upstream.url);
      const through = await visit(connect, gateway.url('everything'));
      assert.deepEqual(Object.keys(through), Object.keys(direct));
      for (const [what, seen] of Object.entries(through)) sameAs(seen, direct[what], what);
      assert.ok((through['progress'] as unknown[]).length >= 2);
    });

    test('sees the same of a stdio server, whose process the gateway starts', async () => {
      const direct = await visit(connect, upstream.url);
      const through = await visit(connect, gateway.url('everything-stdio'));
      for (const [what, seen] of Object.entries(through)) sameAs(seen, direct[what], what);
    });

    test('sees the same of a server that knows only the transport of 2024-11-05', async () => {
      const direct = await visit(connect, upstream.url);
      const through = await visit(connect, gateway.url('everything-sse'));
      for (const [what, seen] of Object.entries(through)) sameAs(seen, direct[what], what);
    });

    test('is told of changes to what it subscribed to, and no longer once it unsubscribed', async () => {
      const { client, heard, call, end } = await connect(gateway.url('everything'));
      const uri = 'demo://resource/dynamic/text/1';
      await client.subscribeResource({ uri });
      await call('toggle-subscriber-updates', {});
      await until('news of what it subscribed to', () => heard.updated.length > 0);
      await client.unsubscribeResource({ uri });
      assert.equal(heard.updated[0], uri);
      await end();
    });

    test('receives log messages at the level it asked for', async () => {
      const { client, heard, call, end } = await connect(gateway.url('everything'));
      await client.setLoggingLevel('debug');
      await call('toggle-simulated-logging', {});
      await until('a log message', () => heard.logs > 0);
      assert.ok(heard.logs > 0);
      await end();
    });

    test('uses the filesystem server', async () => {
      const { call, end } = await connect(gateway.url('files'));
      const note = (await call('read_text_file', { path: join(folder, 'note.txt') })) as {
        content: { text: string }[];
      };
      assert.equal(note.content[0]?.text, 'a note');
      await end();
    });
  });

async function visit(
  connect: (url: string) => Promise<Connected>,
  url: string,
): Promise<Record<string, unknown>> {
  const connected = await connect(url);
  try {
    return await tour(connected);
  } finally {
    await connected.end();
  }
}
