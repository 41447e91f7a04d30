import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRecordReader } from '../db/records-read.ts';
import type { Pool } from '../db/pool.ts';
import type { KeyRing } from '../recording/key-ring.ts';
import { replayOf } from '../recording/replay.ts';
import { signInTo, testConsole } from '../test/console/support.ts';
import { testBrowser } from '../test/support/browser.ts';

/** Where a session is, and the key that opens it. */
export interface LongSession {
  readonly pool: Pool;
  readonly url: string;
  readonly keyRing: KeyRing;
  readonly key: Uint8Array;
  readonly sessionId: string;
  readonly events: number;
}

const rounds = 3;

async function median(once: (round: number) => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) times.push(await once(round));
  return times.toSorted((a, b) => a - b)[Math.floor(rounds / 2)] ?? NaN;
}

async function took(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** How soon a long session opens: read from the database, as the console's page in Chromium, and on the command line. */
export async function replayOpens(session: LongSession): Promise<void> {
  const { pool, keyRing, sessionId, events } = session;
  const say = (what: string, ms: number): void => {
    console.log(`a session of ${events} events, ${what}: ${ms.toFixed(0)} ms`);
  };
  const reader = createRecordReader(pool);
  const read = await median(async () =>
    took(async () => replayOf({ reader, keyRing }, sessionId, { limit: 500 })),
  );
  say('first 500 events read', read);
  await inBrowser(session, say);
  await onCommandLine(session, say);
}

/** From the click on a link until the event stands there. */
async function inBrowser(session: LongSession, say: (what: string, ms: number) => void): Promise<void> {
  const { pool, keyRing, sessionId, events } = session;
  const recordings = { reader: createRecordReader(pool), keyRing, recordAct: async () => {} };
  await using console = await testConsole(pool, { recordings });
  await using browser = await testBrowser();
  const page = await browser.page();
  await signInTo(page, console.running.loginLink());
  const opened = async (event: number): Promise<number> =>
    took(async () => {
      await page.goto(`${console.address}/sessions/${sessionId}#event=${event}`, { waitUntil: 'commit' });
      await page.locator(`[id="event=${event}"][aria-current="true"]`).waitFor();
    });
  const elsewhere = async (): Promise<unknown> => page.goto(`${console.address}/sessions`);
  for (const [what, event] of [
    ['console page in Chromium', 0],
    ['console page at an event in the middle', Math.floor(events / 2)],
  ] as const)
    say(
      what,
      await median(async () => {
        await elsewhere();
        return opened(event);
      }),
    );
}

/** From the start of the process until the first event is printed; most of it is the start. */
async function onCommandLine(session: LongSession, say: (what: string, ms: number) => void): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-bench-'));
  const configFile = join(folder, 'holdpoint.yaml');
  const config = {
    database: { url: session.url },
    temporal: { address: '127.0.0.1:1' },
    keys: { encryption: Buffer.from(session.key).toString('base64url') },
    recording: { signingKey: Buffer.alloc(32, 1).toString('base64url') },
  };
  await writeFile(configFile, JSON.stringify(config));
  const holdpoint = fileURLToPath(new URL('../cli/holdpoint.js', import.meta.url));
  const printed = async (id: string): Promise<number> =>
    took(async () => {
      const args = [
        holdpoint,
        'sessions',
        'replay',
        id,
        '--instant',
        '--config',
        configFile,
        '--data',
        folder,
      ];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      let err = '';
      child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
      const first = new Promise<boolean>((resolve) => {
        child.stdout.once('data', () => resolve(true));
        child.once('close', () => resolve(false));
      });
      const seen = await first;
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGKILL');
      if (seen) await ended;
      else if (!err.includes('no session of this id')) throw new Error(`sessions replay said: ${err}`);
    });
  try {
    say('first event of `holdpoint sessions replay`', await median(async () => printed(session.sessionId)));
    say('the same command for no session', await median(async () => printed('absent')));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
