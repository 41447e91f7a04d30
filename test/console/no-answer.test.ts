import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remoteApi } from '../../cli/api/remote.ts';
import { refusalWords } from '../../cli/commands/answering.ts';
import { ApiProblem } from '../../console/api/endpoint.ts';

/** A Holdpoint that answers so; or does not. */
const answered = (fetched: () => Promise<Response>) =>
  remoteApi({
    server: 'https://holdpoint.example',
    bearer: async () => 'secret',
    version: 'test',
    fetch: fetched,
  });

async function refusal(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(
    () => assert.fail('it was answered'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ApiProblem, String(error));
  return refusalWords(error);
}

const timedOut = answered(async () => {
  throw new DOMException('timed out', 'TimeoutError');
});
const reset = answered(async () => {
  throw new TypeError('fetch failed', {
    cause: Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' }),
  });
});
const refused = answered(async () => {
  throw new TypeError('fetch failed', {
    cause: Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
  });
});
const proxied = answered(async () => new Response('<h1>Gateway Time-out</h1>', { status: 504 }));
const cutOff = answered(
  async () =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.error(new TypeError('terminated'));
        },
      }),
    ),
);

test('where no answer came, the command says whether asking again is safe, or what to look at first', async () => {
  const body = { name: 'ci' };
  for (const api of [timedOut, reset, proxied, cutOff]) {
    const made = await refusal(api.call('createToken', { body }));
    assert.match(made, /may or may not have been done\. Asking again makes a second one.*tokens list/);
    assert.doesNotMatch(made, /safe|Nothing was done/);
    assert.match(await refusal(api.call('listTokens')), /nothing was changed, and asking again is safe/);
    const params = { id: 'token_1' };
    const revoked = await refusal(api.call('revokeToken', { params }));
    assert.match(revoked, /may or may not have been done; asking again is safe/);
  }
  const never = await refusal(refused.call('createToken', { body }));
  assert.match(never, /cannot be reached/);
  assert.doesNotMatch(never, /may or may not/);
});

test('an answer in parts that are not what Holdpoint sends is refused with what, where and what to do', async () => {
  const item = (text: string) =>
    answered(async () => new Response(text, { headers: { 'content-type': 'text/event-stream' } }));
  const read = async (text: string): Promise<void> => {
    for await (const one of item(text).stream('streamSession', { params: { id: 's' } })) void one;
  };
  const tooLong = `data: ${'x'.repeat(17 * 1024 * 1024)}`;
  for (const text of ['data: {"strand":\n\n', 'data: {}\n\n', 'event: problem\ndata: <html>\n\n', tooLong])
    assert.match(
      await refusal(read(text)),
      /A part of https:\/\/holdpoint\.example's answer to streamSession is not what a Holdpoint of this version sends.*not whole.*another version/,
      text.slice(0, 100),
    );
  assert.match(await refusal(read('data: ')), /ended the answer before it was whole/);
  const problem = { type: 'about:blank', title: 'x', status: 403, code: 'revoked', detail: 'you are out' };
  assert.equal(
    await refusal(read(`event: problem\ndata: ${JSON.stringify(problem)}\n\n`)),
    'Nothing was done: you are out',
  );
  const broken = answered(
    async () =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.error(new TypeError('terminated'));
          },
        }),
      ),
  );
  const reading = async (): Promise<void> => {
    for await (const one of broken.stream('streamSession', { params: { id: 's' } })) void one;
  };
  assert.match(await refusal(reading()), /ended the answer before it was whole/);
});
