import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createRecordReader } from '../../db/records-read.ts';
import { createLogStore, createLogView } from '../../db/records-log.ts';
import type { Pool } from '../../db/pool.ts';
import type { Recorder } from '../../recording/event.ts';
import { noteSigner } from '../../recording/log/note.ts';
import { sequence } from '../../recording/log/sequence.ts';
import { facts, message, readAll, recorderOn } from '../recording/support.ts';
import { accessibilityProblems, noBrowser, testBrowser } from '../support/browser.ts';
import { testDatabase } from '../support/postgres.ts';
import { recordingsOf, signedIn, signInTo, testConsole } from './support.ts';

/** Closes a recorder with its scope: the pool cannot end before. */
function closing(recorder: Recorder): Recorder & AsyncDisposable {
  return { ...recorder, [Symbol.asyncDispose]: () => recorder.close() };
}

/** A session with a call that passed and one that was held, an hour of waiting in between. */
async function recorded(pool: Pool, sessionId: string): Promise<void> {
  let atMs = Date.parse('2026-03-01T09:00:00Z');
  const recorder = recorderOn(pool, {
    clock: { wallMicros: () => (atMs += 3) * 1000, steadyMicros: () => atMs * 1000 },
  });
  const session = facts(sessionId);
  const call = (callId: string) => ({ callId, tool: 'query' });
  const other = (kind: 'hold' | 'decision' | 'outcome', json: object, callId: string) =>
    message(JSON.stringify(json), {
      kind,
      direction: 'none',
      method: null,
      verdict: null,
      rule: null,
      ...call(callId),
    });
  await recorder.append(
    session,
    message('{"method":"tools/call","params":{"arguments":{"sql":"select 1"}}}', call('c1')),
  );
  await recorder.append(
    session,
    message('{"result":{"content":"<b>one</b>\\u202e"}}', {
      ...call('c1'),
      direction: 'upstream-to-client',
      method: null,
    }),
  );
  await recorder.append(
    session,
    message('{"method":"tools/call"}', { ...call('c2'), verdict: 'hold', rule: 'writes' }),
  );
  await recorder.append(session, other('hold', { shown: 'update' }, 'c2'));
  atMs += 3_600_000;
  await recorder.append(session, other('decision', { decision: 'approve', by: 'Berta' }, 'c2'));
  await recorder.append(session, other('outcome', { outcome: 'approved' }, 'c2'));
  await recorder.append(
    session,
    message('{"result":{}}', { ...call('c2'), direction: 'upstream-to-client', method: null }),
  );
  await recorder.close();
}

test('each viewing of a session is recorded, with who looked, before anything is shown', async () => {
  await using db = await testDatabase();
  await recorded(db.pool, 's-1');
  await using recorder = closing(recorderOn(db.pool));
  await using console = await testConsole(db.pool, { recordings: recordingsOf(db.pool, recorder) });
  const person = await signedIn(console.address);
  const answer = await person.get('/sessions/s-1');
  assert.equal(answer.status, 200);
  const day = await readAll(db.pool, `admin/${new Date().toISOString().slice(0, 10)}`);
  const admin = day.filter((event) => event.kind === 'admin');
  assert.equal(admin.length, 1);
  assert.deepEqual(JSON.parse(admin[0]?.bytes?.toString() ?? ''), {
    act: 'sessions.view',
    session: 's-1',
    fromEvent: 0,
    person: 'local:approver',
    name: 'local-approver',
    via: 'console',
  });
  await recorder.close();
  const shown = await (await signedIn(console.address)).get('/sessions/s-1');
  assert.equal(shown.status, 503, 'what cannot be recorded is not shown');
  assert.doesNotMatch(await shown.text(), /select 1/);
});

test('sessions are found by what was seen in them, and a search that finds nothing says so', async () => {
  await using db = await testDatabase();
  await recorded(db.pool, 's-1');
  await using recorder = closing(recorderOn(db.pool));
  await using console = await testConsole(db.pool, { recordings: recordingsOf(db.pool, recorder) });
  const person = await signedIn(console.address);
  for (const query of [
    '',
    '?subject=alice',
    '?verdict=hold',
    '?rule=writes&tool=query',
    '?from=2026-02-01&to=2026-12-31',
  ])
    assert.match(await (await person.get(`/sessions${query}`)).text(), /href="\/sessions\/s-1"/, query);
  assert.match(await (await person.get('/sessions?subject=nobody')).text(), /No session matches/);
  assert.equal((await person.get('/sessions/none')).status, 404);
});

test('what was said is found, with a link to where it was said, and that somebody searched is recorded', async () => {
  await using db = await testDatabase();
  await recorded(db.pool, 's-1');
  await using recorder = closing(recorderOn(db.pool));
  for (let n = 0; n < 700; n += 1)
    await recorder.append(facts('long'), message(n === 650 ? '{"x":"<b>Needle</b>"}' : `{"n":${n}}`));
  await using console = await testConsole(db.pool, { recordings: recordingsOf(db.pool, recorder) });
  const person = await signedIn(console.address);
  const page = await (await person.get('/sessions?text=needle%3C&subject=alice')).text();
  assert.match(page, /&lt;b&gt;<mark>Needle&lt;<\/mark>/);
  const [, address = ''] = /href="(\/sessions\/long\?from=[^"#]+)#event=651"/.exec(page) ?? [];
  assert.match(await (await person.get(address)).text(), /id="event=651"[^]*Needle/);
  assert.match(
    await (await person.get('/sessions?text=haystack')).text(),
    /Nothing that was searched says that/,
  );
  const acts = await readAll(db.pool, `admin/${new Date().toISOString().slice(0, 10)}`);
  const searched = acts.filter(({ method }) => method === 'sessions.search');
  assert.equal(searched.length, 2);
  assert.equal(
    searched.some(({ bytes }) => /needle|haystack/i.test(bytes?.toString() ?? '')),
    false,
  );
});

test('a recording that was altered is shown as not whole, and the place is marked', async () => {
  await using db = await testDatabase();
  await recorded(db.pool, 's-1');
  await using recorder = closing(recorderOn(db.pool));
  await using console = await testConsole(db.pool, { recordings: recordingsOf(db.pool, recorder) });
  const person = await signedIn(console.address);
  assert.match(await (await person.get('/sessions/s-1')).text(), /Chain verified/);
  await db.pool.query('delete from records where seq = 3');
  const page = await (await person.get('/sessions/s-1')).text();
  assert.match(page, /This recording is not whole/);
  assert.match(page, /The record before this one is missing or was altered/);
  assert.doesNotMatch(page, /Chain verified/);
});

test('without keys the console says why no session is shown', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const answer = await (await signedIn(console.address)).get('/sessions');
  assert.equal(answer.status, 503);
  assert.match(await answer.text(), /no keys to read recordings with/);
});

for (const colorScheme of ['light', 'dark'] as const)
  test(`in a browser: a replay is moved through by keyboard, linked to by event, and axe finds nothing, ${colorScheme}`, {
    skip: noBrowser,
  }, async () => {
    await using db = await testDatabase();
    await recorded(db.pool, 's-1');
    await using recorder = closing(recorderOn(db.pool));
    await using console = await testConsole(db.pool, { recordings: recordingsOf(db.pool, recorder) });
    await using browser = await testBrowser();
    const page = await browser.page({ colorScheme });
    await signInTo(page, console.running.loginLink());
    await page.goto(`${console.address}/sessions`);
    assert.deepEqual(await accessibilityProblems(page), []);
    await page.goto(`${console.address}/sessions/s-1#event=2`);
    const selected = page.getByRole('complementary', { name: 'Selected event' });
    await selected.getByText('U+202E right-to-left override').waitFor();
    await page.keyboard.press('j');
    await selected.getByRole('heading', { name: 'Event 3' }).waitFor();
    await page.keyboard.press('h');
    await selected.getByRole('heading', { name: 'Event 4' }).waitFor();
    assert.match(page.url(), /#event=4$/);
    await page.getByText(/held, nothing else happened/).waitFor();
    await page.keyboard.press(' ');
    await selected.getByRole('heading', { name: 'Event 8' }).waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
    await page.keyboard.press('Escape');
    assert.deepEqual(await accessibilityProblems(page), []);
    await recorder.append(facts('s-1'), message('{"method":"live"}', { method: 'brand/new' }));
    await page.getByText('brand/new').waitFor();
  });

test('a long session is shown page by page, numbered through', async () => {
  await using db = await testDatabase();
  await using recorder = closing(recorderOn(db.pool));
  await Promise.all(
    Array.from({ length: 620 }, (_, index) => recorder.append(facts('long'), message(`{"n":${index}}`))),
  );
  await using console = await testConsole(db.pool, { recordings: recordingsOf(db.pool, recorder) });
  const person = await signedIn(console.address);
  const first = await (await person.get('/sessions/long')).text();
  assert.match(first, /id="event=499"/);
  assert.doesNotMatch(first, /id="event=500"/);
  const further = /href="(\/sessions\/long\?from=[^"]+)"/.exec(first)?.[1] ?? '';
  const second = await (await person.get(further)).text();
  assert.match(second, /id="event=500".*id="event=619"/s);
  for (const from of ['x', 'W10', 'bnVsbA', Buffer.from('[-1,{}]').toString('base64url')])
    assert.match(await (await person.get(`/sessions/long?from=${from}`)).text(), /id="event=0"/);
});

test('a link to an event leads to the page that has it, however many recorders wrote the session', async () => {
  await using db = await testDatabase();
  await using one = closing(recorderOn(db.pool));
  await using two = closing(recorderOn(db.pool));
  for (let n = 0; n < 700; n += 1)
    await (n % 3 === 0 ? one : two).append(facts('long'), message(`{"n":${n}}`));
  const order = (await readAll(db.pool, 'long')).map(({ strand, seq }) => `${strand} ${seq}`);
  const reader = createRecordReader(db.pool);
  const strands = await reader.strands('long');
  for (const event of [1, 2, 333, 650]) {
    const at = await reader.cursorAt(strands, event);
    const before = strands.flatMap((strand) =>
      Array.from({ length: at[strand] ?? 0 }, (_, seq) => `${strand} ${seq}`),
    );
    assert.deepEqual(before.toSorted(), order.slice(0, event).toSorted(), `${event} events come before`);
  }
  await using console = await testConsole(db.pool, { recordings: recordingsOf(db.pool, one) });
  const person = await signedIn(console.address);
  const page = await (await person.get('/sessions/long?event=650')).text();
  assert.match(page, /id="event=630"[^]*id="event=650"[^]*id="event=701"/);
  assert.doesNotMatch(page, /id="event=629"/);
  for (const event of ['x', '-1', '100000', '1e3', '2.5'])
    assert.match(await (await person.get(`/sessions/long?event=${event}`)).text(), /id="event=\d+"/, event);
});

test('in a browser: a link that names nothing but an event far away opens there', {
  skip: noBrowser,
}, async () => {
  await using db = await testDatabase();
  await using recorder = closing(recorderOn(db.pool));
  await Promise.all(
    Array.from({ length: 1200 }, (_, index) => recorder.append(facts('long'), message(`{"n":${index}}`))),
  );
  await using console = await testConsole(db.pool, { recordings: recordingsOf(db.pool, recorder) });
  await using browser = await testBrowser();
  const page = await browser.page();
  await signInTo(page, console.running.loginLink());
  const selected = page.getByRole('complementary', { name: 'Selected event' });
  await page.goto(`${console.address}/sessions/long#event=1100`);
  await selected.getByRole('heading', { name: 'Event 1100' }).waitFor();
  await selected.getByText('1099').first().waitFor();
  // Within the page, and back to its beginning.
  await page.evaluate("location.hash = '#event=7'");
  await selected.getByRole('heading', { name: 'Event 7' }).waitFor();
  await page.goto(`${console.address}/sessions/long#event=99999`);
  await page.getByRole('heading', { name: 'Events' }).waitFor();
});

test('events are checked against the signed log, and one that is not in it is found', async () => {
  await using db = await testDatabase();
  await recorded(db.pool, 's-1');
  const signer = noteSigner('holdpoint.test/log', randomBytes(32));
  await using recorder = closing(recorderOn(db.pool));
  const log = { view: createLogView(db.pool), vkey: signer.vkey };
  await using console = await testConsole(db.pool, {
    recordings: { ...recordingsOf(db.pool, recorder), log },
  });
  const page = async () => (await (await signedIn(console.address)).get('/sessions/s-1')).text();
  assert.match(await page(), /Chain verified<\/strong> for events/, 'no checkpoint yet');
  await sequence(createLogStore(db.pool), signer, { maxRecords: 1000, seen: null });
  assert.match(await page(), /to checkpoint \d+<\/strong>, signed.*are proven to be in the signed log\./s);
  await recorder.append(facts('s-1'), message('{"method":"later"}'));
  assert.match(await page(), /came after it/);
  await db.pool.query('update log_tiles set hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1)');
  assert.match(await page(), /This recording is not whole.*not in the log that was signed/s);
  await db.pool.query(`update log_checkpoints set note = replace(note, 'holdpoint.test', 'holdpoint.evil')`);
  assert.match(await page(), /checkpoint cannot be relied on/);
});

test('a page of large events stays small enough to open, and none is cut', async () => {
  await using db = await testDatabase();
  await using recorder = closing(recorderOn(db.pool));
  for (let n = 0; n < 12; n++)
    await recorder.append(
      facts('large'),
      message(JSON.stringify({ n: `start-${n}-${'x'.repeat(700_000)}-end-${n}` })),
    );
  await using console = await testConsole(db.pool, { recordings: recordingsOf(db.pool, recorder) });
  const person = await signedIn(console.address);
  let address: string | undefined = '/sessions/large';
  const seen = new Set<string>();
  for (let pages = 0; address !== undefined; pages++) {
    assert.ok(pages < 5);
    const page = await (await person.get(address)).text();
    assert.ok(page.length < 10_000_000, `${page.length} characters`);
    for (const [, n] of page.matchAll(/start-(\d+)-x{700000}-end-\1(?!\d)/g)) seen.add(n ?? '');
    address = /href="(\/sessions\/large\?from=[^"]+)"/.exec(page)?.[1];
  }
  assert.equal(seen.size, 12);
});
