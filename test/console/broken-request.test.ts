import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { apiConsole } from '../support/api-console.ts';
import { testDatabase } from '../support/postgres.ts';

test('what never becomes a request is answered as a problem that says what to do', async () => {
  await using db = await testDatabase();
  await using api = await apiConsole(db);
  const { port, hostname } = new URL(api.console.address);
  for (const [sent, status] of [
    [`GET /api/v1/sessions?from=${'x'.repeat(20_000)} HTTP/1.1\r\nhost: ${hostname}:${port}\r\n\r\n`, 431],
    ['no request at all\r\n\r\n', 400],
  ] as const) {
    const socket = connect(Number(port), hostname);
    socket.end(sent);
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    await once(socket, 'close');
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
    assert.match(answer, /content-type: application\/problem\+json/);
    const problem = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as Record<string, unknown>;
    assert.deepEqual([problem['status'], problem['code']], [status, 'broken_request']);
    assert.ok(problem['detail']);
  }
});
