import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { revoke, unrevoke } from '../../db/revoke.ts';
import { revokedAmong } from '../../db/revocations.ts';
import type { Masked } from '../../masking/masked.ts';
import { leafHash } from '../../recording/header.ts';
import { readLine } from '../../recording/export/line.ts';
import { openCheckpoint } from '../../recording/log/checkpoint.ts';
import { rootFromInclusion } from '../../recording/log/merkle.ts';
import { noteVerifier } from '../../recording/log/note.ts';
import { facts, message, sequenceAll } from '../recording/support.ts';
import { openApiDocument } from '../../console/api/openapi.ts';
import { type ApiConsole, apiConsole, apiToken } from '../support/api-console.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { decideInDatabase, fieldsOf, holdCall, signedIn } from './support.ts';

let db: TestDatabase;
let api: ApiConsole;
before(async () => {
  db = await testDatabase();
  api = await apiConsole(db);
});
after(async () => {
  await api[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

interface Asked {
  readonly token?: string | null;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

interface Reply {
  readonly status: number;
  readonly type: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- whatever the API answers
  readonly json: any;
}

async function ask(
  method: string,
  path: string,
  { token = api.token, body, headers = {} }: Asked = {},
): Promise<Reply> {
  const reply = await fetch(`${api.console.address}/api/v1${path}`, {
    method,
    headers: {
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await reply.text();
  return {
    status: reply.status,
    type: reply.headers.get('content-type') ?? '',
    json: text === '' ? null : (JSON.parse(text) as unknown),
  };
}

function assertProblem(reply: Reply, status: number, code: string): void {
  assert.equal(reply.status, status, JSON.stringify(reply.json));
  assert.match(reply.type, /^application\/problem\+json/);
  assert.equal(reply.json.code, code);
  assert.equal(reply.json.status, status);
}

test('an approval request is listed, shown and decided on, and answers are as the document says', async () => {
  const id = await holdCall(db.pool, { people: ['service:ci'] });
  const list = await ask('GET', '/approvals');
  assert.equal(list.status, 200);
  const listed = list.json.approvals.find((one: { id: string }) => one.id === id);
  assert.equal(listed.state, 'pending');
  const document = openApiDocument('x') as {
    paths: Record<
      string,
      Record<string, { responses: Record<string, { content: Record<string, { schema: object }> }> }>
    >;
  };
  const schema =
    document.paths['/api/v1/approvals']?.['get']?.responses['200']?.content['application/json']?.schema;
  assert.ok(new Ajv2020({ strict: false }).validate(schema ?? false, list.json));
  const { digest } = (await ask('GET', `/approvals/${id}`)).json;
  const decide = (body: object): Promise<Reply> => ask('POST', `/approvals/${id}/decision`, { body });
  assertProblem(await decide({ decision: 'deny', digest }), 422, 'invalid');
  assertProblem(await decide({ decision: 'approve', digest: 'sha256:other' }), 409, 'conflict');
  assertProblem(await decide({ decision: 'approve', digest, more: 1 }), 400, 'bad_request');
  const done = await decide({ decision: 'approve', digest });
  assert.equal(done.status, 200);
  assert.equal(done.json.counted, true);
  assert.equal(api.console.acts.at(-1)?.via, 'api');
  assert.deepEqual(api.console.acts.at(-1)?.person.keys, ['service:ci']);
});

test('nobody gets in without a token for the API, and a role is needed for what takes one', async () => {
  assertProblem(await ask('GET', '/approvals', { token: null }), 401, 'unauthorized');
  assertProblem(await ask('GET', '/approvals', { token: 'hpat_nonsense' }), 401, 'unauthorized');
  const agents = await apiToken(db, 'agent', null);
  assertProblem(await ask('GET', '/approvals', { token: agents }), 403, 'forbidden');
  const eyes = await apiToken(db, 'eyes', ['holdpoint:api']);
  assert.equal((await ask('GET', '/grants', { token: eyes })).status, 200);
  for (const [method, path, body] of [
    ['GET', '/sessions', undefined],
    ['GET', '/revocations', undefined],
    ['POST', '/revocations', { kind: 'person', value: 'x', reason: 'y' }],
    ['POST', '/tokens', { name: 'x', service: 'y' }],
    ['POST', '/legal-holds', { session: 's', reason: 'r' }],
    ['POST', '/freeze', {}],
    ['GET', '/break-glass', undefined],
    ['POST', '/sessions/search', { text: 'x' }],
    ['GET', '/calls/c/proof', undefined],
    ['POST', '/approvals/x/decision', { decision: 'approve', digest: 'd' }],
  ] as const)
    assertProblem(await ask(method, path, { token: eyes, body }), 403, 'forbidden');
  assert.equal(await revokedAmong(db.pool, ['person:x']), null);
  // What is one's own is listed; what is somebody else's is neither listed nor revoked.
  const { tokens } = (await ask('GET', '/tokens', { token: eyes })).json as { tokens: { owner: string }[] };
  assert.deepEqual([...new Set(tokens.map(({ owner }) => owner))], ['service:eyes']);
  const all = (await ask('GET', '/tokens')).json as { tokens: { id: string; owner: string }[] };
  const foreign = all.tokens.find(({ owner }) => owner === 'service:agent');
  assertProblem(await ask('DELETE', `/tokens/${foreign?.id}`, { token: eyes }), 404, 'not_found');
});

test('whoever was cut off, or whose token or client was, is refused whatever they show; others go on, and lifting lets them in', async () => {
  await using own = await testDatabase();
  const grant = { scopes: ['holdpoint:api'] };
  await using local = await apiConsole(own, {
    signIns: {
      issuer: 'https://gw.example',
      verify: async (secret) =>
        secret === 'signed-in'
          ? {
              person: {
                key: 'oidc:https://idp.example#eve',
                subject: 'eve',
                email: 'Eve@Example.com',
                name: 'Eve',
                groups: [],
                issuer: 'https://idp.example',
                acr: null,
                amr: [],
                authenticatedAtMs: null,
              },
              grantId: 'g-1',
              clientId: 'command-line',
              clientName: null,
              resource: 'https://console.example/api/v1',
              signedInAt: new Date(),
              expiresAt: new Date(Date.now() + 60_000),
              vouchedAt: new Date(),
              ...grant,
            }
          : null,
    },
  });
  const status = async (bearer: string): Promise<[number, string | undefined]> => {
    const reply = await fetch(`${local.console.address}/api/v1/status`, {
      headers: { authorization: `Bearer ${bearer}` },
    });
    return [reply.status, ((await reply.json()) as { code?: string }).code];
  };
  const eyes = await apiToken(own, 'eyes', ['holdpoint:api']);
  const { rows } = await own.pool.query<{ id: string }>(
    `select id from access_tokens where subject = 'eyes'`,
  );
  for (const [kind, value, bearer] of [
    ['person', 'service:eyes', eyes],
    ['credential', `token:${rows[0]?.id}`, eyes],
    ['person', 'oidc:https://idp.example#eve', 'signed-in'],
    ['person', 'eve@example.com', 'signed-in'],
    ['client', 'command-line', 'signed-in'],
    ['credential', 'oauth:g-1', 'signed-in'],
  ] as const) {
    assert.equal((await status(bearer))[0], 200);
    const by = { key: 'local:approver', name: 'x', via: 'cli' };
    const ask = { kind, value, reason: 'r', by };
    const deps = {
      recordAct: async () => {},
      maskText: (text: string) => text,
      cancelWorkflow: async () => {},
    };
    await revoke(own.pool, ask, deps);
    assert.deepEqual(await status(bearer), [403, 'revoked'], `${kind} ${value}`);
    assert.equal((await status(local.token))[0], 200, 'others go on');
    await unrevoke(own.pool, ask, deps);
  }
  grant.scopes = ['mcp:files'];
  assert.deepEqual(await status('signed-in'), [403, 'forbidden'], 'a sign-in for something else');
});

test('a request is withdrawn by who may decide on it, with the reason masked, and not by who only sees it', async () => {
  await using own = await testDatabase();
  const withdrawn: string[] = [];
  const approvals = decideInDatabase(own.pool, []);
  await using local = await apiConsole(own, {
    maskText: (text) => text.replaceAll('hunter2', '[masked:password]') as Masked<string>,
    approvals: {
      ...approvals,
      cancel: async (workflowId, because) => {
        withdrawn.push(because);
        await approvals.cancel(workflowId, because);
      },
    },
  });
  const id = await holdCall(own.pool, { people: ['service:ci'] });
  const eyes = await apiToken(own, 'eyes', ['holdpoint:api']);
  const cancel = async (bearer: string): Promise<number> => {
    const reply = await fetch(`${local.console.address}/api/v1/approvals/${id}/cancellation`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: JSON.stringify({ reason: 'not needed, hunter2' }),
    });
    await reply.arrayBuffer();
    return reply.status;
  };
  const seen = await fetch(`${local.console.address}/api/v1/approvals/${id}`, {
    headers: { authorization: `Bearer ${eyes}` },
  });
  assert.equal(seen.status, 200, await seen.text());
  assert.equal(await cancel(eyes), 403);
  assert.deepEqual(withdrawn, []);
  assert.equal(await cancel(local.token), 200);
  assert.equal(withdrawn.length, 1);
  assert.match(withdrawn[0] ?? '', /withdrew it: not needed, \[masked:password\]$/);
});

test('a browser is let in by its session, and changes nothing without the mark of its session or from another site', async () => {
  await using own = await testDatabase();
  await using local = await apiConsole(own);
  const person = await signedIn(local.console.address);
  const { csrf = '' } = fieldsOf(await (await person.get('/')).text()) as Record<string, string>;
  assert.equal((await person.get('/api/v1/status')).status, 200);
  const body = JSON.stringify({ kind: 'client', value: 'bad-client', reason: 'misbehaves' });
  const send = async (headers: Record<string, string>): Promise<number> => {
    const cookie = [...person.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(`${local.console.address}/api/v1/revocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie, ...headers },
      body,
    });
    await answer.arrayBuffer();
    return answer.status;
  };
  const origin = local.console.address;
  assert.equal(await send({ origin }), 403, 'without the mark');
  assert.equal(await send({ origin: 'https://evil.example', 'x-csrf-token': csrf }), 403, 'from elsewhere');
  assert.equal(await send({ 'x-csrf-token': csrf }), 403, 'without an origin');
  assert.equal(
    await send({ authorization: 'Bearer x', origin: 'https://evil.example' }),
    401,
    'the cookie is not looked at',
  );
  assert.equal(await revokedAmong(own.pool, ['client:bad-client']), null);
  assert.equal(await send({ origin, 'x-csrf-token': csrf }), 201);
  assert.equal((await revokedAmong(own.pool, ['client:bad-client']))?.revokedBy.via, 'console');
});

test('revoking and lifting by the API is recorded, answers what was under way, and revokes tokens too', async () => {
  const id = await holdCall(db.pool, { connection: 'leaky' });
  const body = { kind: 'connection', value: 'leaky', reason: 'leaks' };
  const done = await ask('POST', '/revocations', { body });
  assert.equal(done.status, 201, JSON.stringify(done.json));
  assert.deepEqual(
    done.json.inFlight.map((one: { callId: string }) => one.callId),
    [id],
  );
  assertProblem(await ask('POST', '/revocations', { body }), 409, 'conflict');
  const sessions = await ask('GET', '/sessions');
  const admin = sessions.json.sessions.find((one: { id: string }) => one.id.startsWith('admin/'));
  assert.ok(admin, 'acts are in the log');
  const events = await ask('GET', `/sessions/${encodeURIComponent(admin.id)}/events`);
  assert.equal(events.status, 200, JSON.stringify(events.json));
  const texts = events.json.events.map((one: { text: string }) => one.text).join('\n');
  assert.match(texts, /"act":"revoke".*leaky.*leaks.*service:ci/);
  assert.equal((await ask('POST', '/revocations/lift', { body })).status, 200);
  const other = await apiToken(db, 'ci', ['holdpoint:api']);
  const { tokens } = (await ask('GET', '/tokens')).json as { tokens: { id: string; owner: string }[] };
  const [mine] = tokens.filter(({ owner }) => owner === 'service:ci');
  assert.equal((await ask('DELETE', `/tokens/${mine?.id}`)).status, 200);
  assertProblem(await ask('GET', '/status', { token: other }), 401, 'unauthorized');
});

test('a session is exported page by page as evidence that anybody can check; lists go on where they stopped', async () => {
  const [who, other] = [facts('export-1', { subject: 'zoe' }), facts('export-2', { subject: 'zoe' })];
  const texts = Array.from({ length: 450 }, (_, n) => `{"n":${n}}`);
  await Promise.all(texts.map(async (text) => api.recorder.append(who, message(text))));
  await api.recorder.append(other, message('{}'));
  const none = await ask('GET', '/sessions/export-1/records');
  assert.deepEqual([none.status, none.json.checkpoint, none.json.records[0].proof], [200, null, null]);
  await sequenceAll(db.pool);

  const said: string[] = [];
  for (let from = ''; ; ) {
    const { status, json } = await ask('GET', `/sessions/export-1/records?from=${from}`);
    assert.equal(status, 200, JSON.stringify(json));
    assert.ok(json.records.length <= 200);
    const { size, root } = openCheckpoint(json.checkpoint, noteVerifier(json.vkey));
    for (const { line, proof } of json.records as { line: string; proof: string[] }[]) {
      const { header, index } = readLine(line, 'export-1');
      const hashes = proof.map((hash) => Buffer.from(hash, 'base64'));
      assert.deepEqual(rootFromInclusion(leafHash(header), index ?? -1, size, hashes), root);
      said.push((JSON.parse(line) as { text: string }).text);
    }
    if (json.next === null) break;
    from = json.next;
  }
  assert.deepEqual(said.slice(1), texts, 'the first one opens the strand');

  const first = (await ask('GET', '/sessions?person=zoe&limit=1')).json;
  const second = (await ask('GET', `/sessions?person=zoe&limit=1&after=${first.next}`)).json;
  const third = (await ask('GET', '/sessions?person=nobody')).json;
  const ids = [first, second, third].flatMap(({ sessions }): string[] =>
    sessions.map((one: { id: string }) => one.id),
  );
  assert.deepEqual(new Set(ids), new Set(['export-1', 'export-2']));
  assert.deepEqual([ids.length, second.next], [2, null]);
  assertProblem(await ask('GET', '/sessions?after=nonsense'), 400, 'bad_request');
  assertProblem(await ask('GET', '/sessions/nosuch/records'), 404, 'not_found');
});

test('whatever is not as described is refused with a problem document, and never with a page', async () => {
  const { token } = api;
  assertProblem(await ask('GET', '/nowhere', { token }), 404, 'not_found');
  assertProblem(await ask('GET', '/approvals?limit=0', { token }), 400, 'bad_request');
  assertProblem(await ask('GET', '/approvals?unknown=1', { token }), 400, 'bad_request');
  assertProblem(await ask('GET', '/approvals?text=%00', { token }), 400, 'bad_request');
  assertProblem(await ask('PUT', '/approvals', { token }), 405, 'method_not_allowed');
  assertProblem(await ask('POST', '/revocations', { token, body: '{' }), 400, 'bad_request');
  assertProblem(
    await ask('POST', '/revocations', {
      token,
      body: 'a=b',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    }),
    415,
    'unsupported_media_type',
  );
  assertProblem(
    await ask('POST', '/policy/check', { token, body: { text: 'x'.repeat(200_000) } }),
    413,
    'too_large',
  );
});
