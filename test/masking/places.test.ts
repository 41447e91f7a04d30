import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultMaskingConfig, loadMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { mayRestore, profileAt } from '../../masking/places.ts';

const masker = createMaskingEngine(defaultMaskingConfig).masker('default');
const canaries = [
  'ghp_q7X4vK9z2Jw8Mt5PhB3nQ7x4Vk9Z2jW8mT5p',
  'canary.person@corp.example',
  'DE89 3704 0044 0532 0130 00',
];

/** Every place of MCP's messages, 2024-11-05 to 2026-07-28, in which a string may stand that is not the protocol's own. */
const places: Readonly<Record<string, (c: string) => unknown>> = {
  'tools/call arguments': (c) => ({
    method: 'tools/call',
    params: { name: 't', arguments: { q: c, deep: [{ a: [c] }] } },
  }),
  'tools/call arguments, JSON in a string': (c) => ({
    method: 'tools/call',
    params: { name: 't', arguments: { body: JSON.stringify({ x: JSON.stringify({ y: c }) }) } },
  }),
  'tools/call argument names': (c) => ({
    method: 'tools/call',
    params: { name: 't', arguments: { [c]: 1 } },
  }),
  'input responses': (c) => ({
    method: 'tools/call',
    params: { name: 't', arguments: {}, inputResponses: { a: { action: 'accept', content: { v: c } } } },
  }),
  'request _meta': (c) => ({ method: 'tools/list', params: { _meta: { 'vendor/x': c } } }),
  'prompts/get arguments': (c) => ({ method: 'prompts/get', params: { name: 'p', arguments: { who: c } } }),
  'resources/read uri': (c) => ({ method: 'resources/read', params: { uri: `file:///x?token=${c}` } }),
  'completion argument and context': (c) => ({
    method: 'completion/complete',
    params: {
      ref: { type: 'ref/prompt', name: 'p' },
      argument: { name: 'a', value: c },
      context: { arguments: { b: c } },
    },
  }),
  'client info title': (c) => ({
    method: 'initialize',
    params: {
      protocolVersion: '2025-11-25',
      capabilities: { experimental: { x: c } },
      clientInfo: { name: c, version: '1', title: c },
    },
  }),
  'roots, answer of the client': (c) => ({ result: { roots: [{ uri: 'file:///a', name: c }] } }),
  'sampling request': (c) => ({
    method: 'sampling/createMessage',
    params: {
      messages: [{ role: 'user', content: { type: 'text', text: c } }],
      systemPrompt: c,
      metadata: { m: c },
      tools: [{ name: 't', description: c, inputSchema: { type: 'object' } }],
      stopSequences: [c],
    },
  }),
  'sampling answer': (c) => ({ result: { role: 'assistant', model: c, content: { type: 'text', text: c } } }),
  'sampling tool use and result': (c) => ({
    result: {
      role: 'assistant',
      model: 'm',
      content: [
        { type: 'tool_use', id: '1', name: 't', input: { x: c } },
        {
          type: 'tool_result',
          toolUseId: '1',
          content: [{ type: 'text', text: c }],
          structuredContent: { s: c },
        },
      ],
    },
  }),
  'elicitation request': (c) => ({
    method: 'elicitation/create',
    params: {
      message: c,
      requestedSchema: {
        type: 'object',
        properties: { a: { type: 'string', title: c, description: c, default: c, enum: [c] } },
      },
    },
  }),
  'elicitation by address': (c) => ({
    method: 'elicitation/create',
    params: { mode: 'url', elicitationId: 'e', message: c, url: `https://x.example/?t=${c}` },
  }),
  'elicitation answer': (c) => ({ result: { action: 'accept', content: { a: c } } }),
  'text content': (c) => ({
    result: { content: [{ type: 'text', text: `see ${c}`, annotations: { note: c }, _meta: { m: c } }] },
  }),
  'embedded resource': (c) => ({
    result: {
      content: [
        {
          type: 'resource',
          resource: { uri: 'file:///a', mimeType: 'text/plain', text: c, _meta: { m: c } },
        },
      ],
    },
  }),
  'embedded resource, bytes of text': (c) => ({
    result: {
      content: [
        {
          type: 'resource',
          resource: { uri: 'file:///a', mimeType: 'text/plain', blob: Buffer.from(c).toString('base64') },
        },
      ],
    },
  }),
  'resource link': (c) => ({
    result: {
      content: [{ type: 'resource_link', uri: `file:///a?k=${c}`, name: c, title: c, description: c }],
    },
  }),
  'structured content': (c) => ({
    result: { content: [], structuredContent: { rows: [{ v: c }], [c]: true } },
  }),
  'a failed tool': (c) => ({ result: { isError: true, content: [{ type: 'text', text: c }] } }),
  'result _meta': (c) => ({ result: { content: [], _meta: { 'vendor/trace': c } } }),
  'resources/read': (c) => ({
    result: {
      contents: [
        { uri: 'file:///a', mimeType: 'application/json', text: JSON.stringify({ a: c }) },
        { uri: 'file:///b', blob: Buffer.from(c).toString('base64'), mimeType: 'text/csv' },
      ],
    },
  }),
  'resources/list': (c) => ({
    result: { resources: [{ uri: 'file:///a', name: c, title: c, description: c }], _meta: { x: c } },
  }),
  'resource templates': (c) => ({
    result: { resourceTemplates: [{ uriTemplate: 'file:///{a}', name: c, description: c }] },
  }),
  'prompts/get': (c) => ({
    result: {
      description: c,
      messages: [
        { role: 'user', content: { type: 'text', text: c } },
        { role: 'user', content: { type: 'resource', resource: { uri: 'file:///a', text: c } } },
      ],
    },
  }),
  'prompts/list': (c) => ({
    result: {
      prompts: [{ name: 'p', title: c, description: c, arguments: [{ name: 'a', description: c }] }],
    },
  }),
  'tools/list': (c) => ({
    result: {
      tools: [
        {
          name: 't',
          title: c,
          description: c,
          inputSchema: {
            type: 'object',
            description: c,
            properties: {
              a: { type: 'string', description: c, default: c, examples: [c], enum: [c], const: c },
            },
          },
          outputSchema: { type: 'object', properties: { [c]: { description: c } } },
          annotations: { title: c },
          _meta: { m: c },
        },
      ],
    },
  }),
  'initialize answer': (c) => ({
    result: {
      protocolVersion: '2025-11-25',
      capabilities: { experimental: { e: c } },
      serverInfo: { name: c, title: c, version: '1' },
      instructions: c,
    },
  }),
  'completion answer': (c) => ({ result: { completion: { values: [c, c] } } }),
  'error and its data': (c) => ({
    error: {
      code: -32000,
      message: `failed: ${c}`,
      data: { detail: c, list: [c], text: JSON.stringify({ c }) },
    },
  }),
  progress: (c) => ({
    method: 'notifications/progress',
    params: { progressToken: 1, progress: 1, message: c },
  }),
  logging: (c) => ({
    method: 'notifications/message',
    params: { level: 'info', logger: c, data: { text: c, lines: [c] } },
  }),
  'logging of text': (c) => ({ method: 'notifications/message', params: { level: 'info', data: c } }),
  cancelled: (c) => ({ method: 'notifications/cancelled', params: { requestId: 1, reason: c } }),
  'resource updated': (c) => ({
    method: 'notifications/resources/updated',
    params: { uri: `x://a?sig=${c}`, title: c },
  }),
  'task status': (c) => ({
    result: {
      taskId: 't1',
      status: 'failed',
      statusMessage: c,
      task: { taskId: 't1', status: 'working', statusMessage: c },
    },
  }),
  'input required': (c) => ({
    result: {
      resultType: 'input_required',
      requestState: 's',
      inputRequests: {
        a: {
          method: 'elicitation/create',
          params: { message: c, requestedSchema: { type: 'object', properties: {} } },
        },
      },
    },
  }),
  'a method nobody knows': (c) => ({ method: 'vendor/thing', params: { [c]: { x: [c] }, y: c } }),
};

test('a planted secret leaves no place of any MCP message in clear, and the message stays one', () => {
  const left: string[] = [];
  for (const [place, make] of Object.entries(places)) {
    for (const canary of canaries) {
      // In addresses that the protocol works with, secrets alone are hidden.
      if (!canary.startsWith('ghp_') && /uri|link|address|updated/.test(place)) continue;
      for (const wrap of [(m: unknown) => m, (m: unknown) => [m]]) {
        const message = wrap({ jsonrpc: '2.0', id: 7, ...(make(canary) as object) });
        for (const space of [0, 2]) {
          const text = JSON.stringify(message, null, space);
          const masked = masker.message(text).text;
          const clear = [
            canary,
            encodeURIComponent(canary),
            Buffer.from(canary).toString('base64').slice(0, 20),
          ];
          if (clear.some((one) => masked.includes(one))) left.push(`${place}: ${canary}\n  ${masked}`);
          assert.doesNotThrow(() => JSON.parse(masked), place);
          assert.equal(masker.message(masked).text, masked, place);
        }
      }
    }
  }
  assert.deepEqual(left, []);
});

test('half a surrogate pair in a message of a server does not keep the rest from being masked as JSON', () => {
  const masked = masker.message(
    '{"jsonrpc":"2.0","id":1,"result":{"a":"\\ud800","password":"a\\"b-17","n":1}}',
  ).text;
  assert.equal(
    masked,
    '{"jsonrpc":"2.0","id":1,"result":{"a":"\\ud800","password":"[masked:password]","n":1}}',
  );
});

test('profiles are chosen by connection, tool and group, the first that fits; tokens open only where a pair says so', () => {
  const { uses, restore } = loadMaskingConfig({
    strict: { images: 'drop' },
    loose: { except: ['ip'] },
    use: [
      { connection: 'crm*', tool: ['read_*'], profile: 'loose' },
      { group: ['contractors'], profile: 'strict' },
    ],
    restore: [{ from: 'crm', to: 'mail', types: ['email', 'secrets'] }],
  });
  const at = (connection: string, tool: string, ...groups: string[]) =>
    profileAt(uses, { connection, tool, groups });
  assert.equal(at('crm-eu', 'read_all'), 'loose');
  assert.equal(at('crm-eu', 'write', 'contractors'), 'strict');
  assert.equal(at('other', 'read_all'), 'default');
  assert.ok(mayRestore(restore, 'phone', 'crm', 'crm'));
  assert.ok(!mayRestore(restore, 'github-token', 'crm', 'crm'));
  assert.ok(mayRestore(restore, 'github-token', 'crm', 'mail'));
  assert.ok(!mayRestore(restore, 'phone', 'crm', 'mail'));
  assert.throws(() => loadMaskingConfig({ use: [{ profile: 'nobody' }] }), /profile must be one of default/);
  assert.throws(
    () => loadMaskingConfig({ restore: [{ from: 'a', to: 'b', types: ['nothing'] }] }),
    /types must be/,
  );
});

test('texts that a profile allows are left alone, and nothing else is', () => {
  const config = loadMaskingConfig({ default: { allow: ['AKIAIOSFODNN7EXAMPLE', 'noreply@corp.example'] } });
  const own = createMaskingEngine(config).masker('default');
  assert.equal(
    own.text('AKIAIOSFODNN7EXAMPLE noreply@corp.example other@corp.example').text,
    'AKIAIOSFODNN7EXAMPLE noreply@corp.example [masked:email]',
  );
});
