import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js';
import * as fc from '../../support/fast-check.ts';
import { intentArgument, takeIntent, withIntentArgument } from '../../../gateway/definitions/intent.ts';
import { toolsIn, withTools } from '../../../gateway/definitions/tool-list.ts';
import {
  readRpc,
  readRpcMessage,
  RpcError,
  type RpcMessage,
  withId,
} from '../../../gateway/mcp/rpc-message.ts';
import { readStrictJson, StrictJsonError } from '../../../gateway/mcp/strict-json.ts';
import { readByReference } from './reference.ts';
import { jsonText, mutated, objectText, rpcText, runs } from './generate.ts';

const limits = { depth: 64, loneSurrogates: 'refuse' } as const;

function reads(text: string): readonly RpcMessage[] | null {
  try {
    return readRpc(text, limits).messages;
  } catch (error) {
    assert.ok(error instanceof StrictJsonError || error instanceof RpcError, String(error));
    return null;
  }
}

/** What the upstream SDK's reader takes a message for must be what was decided on. */
function meansTheSame(message: RpcMessage): void {
  const plain = readByReference(message.json).value as Record<string, unknown>;
  const { success, data } = JSONRPCMessageSchema.safeParse(plain);
  if (!success) return;
  const theirs = data as Record<string, unknown>;
  const kind = 'method' in theirs ? ('id' in theirs ? 'request' : 'notification') : 'response';
  assert.equal(kind, message.kind);
  if (message.kind === 'response') return;
  assert.equal(theirs['method'], message.method);
  assert.deepEqual((plain['params'] as object | undefined) ?? null, message.params);
  if (message.kind === 'request') assert.deepEqual(theirs['id'], JSON.parse(message.idJson));
}

test('a message that is accepted means to the SDK’s reader what it means here, and nothing else fails', () => {
  for (const texts of [rpcText, mutated(rpcText), jsonText])
    fc.assert(
      fc.property(texts, (text) => {
        for (const message of reads(text) ?? []) meansTheSame(message);
      }),
      runs,
    );
});

test('a batch is read message by message, as each would be by itself', () => {
  fc.assert(
    fc.property(fc.array(rpcText, { minLength: 1, maxLength: 4 }), (texts) => {
      const batch = reads(`[${texts.join(',')}]`);
      const alone = texts.map(reads);
      assert.equal(batch === null, alone.includes(null));
      batch?.forEach((message, index) => assert.deepEqual(message, alone[index]?.[0]));
    }),
    runs,
  );
});

test('a response is given another id without a change of anything else', () => {
  fc.assert(
    fc.property(objectText, fc.constantFrom('7', '"x"', '12345678901234567890'), (result, id) => {
      const [message] = reads(`{"jsonrpc":"2.0","id":"old","result":${result}}`) ?? [];
      if (message?.kind !== 'response') return;
      assert.equal(withId(message, id), message.json.replace('"old"', id));
    }),
    runs,
  );
});

test('an intent is taken out, whatever stands around it, and nothing else changes', () => {
  const own = fc.tuple(fc.array(jsonText, { maxLength: 3 }), fc.array(jsonText, { maxLength: 3 }), jsonText);
  fc.assert(
    fc.property(own, ([before, after, intent]) => {
      const members = [
        ...before.map((value, index) => `"b${index}":${value}`),
        `"holdpoint_intent" : ${intent}`,
        ...after.map((value, index) => `"c${index}" :${value}`),
      ];
      const json = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{ ${members.join(' , ')} },"name":"t"}}`;
      const [message] = reads(json) ?? [];
      if (message?.kind !== 'request') return;
      const stated = takeIntent(message, null);
      assert.ok(stated);
      const { holdpoint_intent: said, ...rest } = (message.params ?? {})['arguments'] as Record<
        string,
        unknown
      >;
      assert.deepEqual(stated.request.params?.['arguments'], rest);
      assert.equal(stated.intent, typeof said === 'string' && said.trim() !== '' ? said : null);
      for (const value of [...before, ...after]) assert.ok(stated.request.json.includes(value.trim()));
      readStrictJson(stated.request.json, limits);
    }),
    runs,
  );
});

test('lists of tools are read and cut without a crash, and what remains is strict JSON', () => {
  const definition = objectText.map((schema) => `{"name":"t","inputSchema":${schema}}`);
  const tools = fc.array(fc.oneof(definition, jsonText), { maxLength: 5 });
  fc.assert(
    fc.property(tools, fc.boolean(), (list, keep) => {
      const json = `{"jsonrpc":"2.0","id":1,"result":{"tools":[${list.join(',')}],"nextCursor":"c"}}`;
      if (!reads(json)) return;
      const found = toolsIn(json);
      const tailored = withTools(json, found, (tool) => (keep ? withIntentArgument(tool.json) : null));
      readRpcMessage(tailored, limits);
      for (const tool of toolsIn(tailored)) {
        const { inputSchema } = readByReference(tool.json).value as { inputSchema?: { properties?: object } };
        if (typeof inputSchema === 'object' && inputSchema !== null && !Array.isArray(inputSchema))
          assert.ok(intentArgument(tool.json) !== 'holdpoint_intent');
      }
    }),
    runs,
  );
});
