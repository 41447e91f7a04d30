import assert from 'node:assert/strict';
import { decideOnDefinition } from '../../../console/definition-decision.ts';
import { localApprover } from '../../../console/identity.ts';
import { shownDefinition, waitingDefinitions } from '../../../db/tool-definitions-shown.ts';
import type { Decision } from '../../../workflows/contract.ts';
import { definitionKey, type TestGateway } from '../../support/gateway.ts';
import { handshake, wire } from '../wire.ts';

/** A tool's definition as an upstream writes it. */
export function tool(name: string, description = `Does ${name}`, more = ''): string {
  return `{"name":"${name}","description":"${description}","inputSchema":{"type":"object","properties":{"a":{"type":"string"}}}${more}}`;
}

export const approvers = 'approvers: { sec: { people: [ann@example.com] } }\n';

/** A client that lists and calls, byte for byte. */
export async function connect(url: string): Promise<{
  headers: Record<string, string>;
  listRaw: () => Promise<string>;
  list: () => Promise<string[]>;
  call: (name: string, args?: string) => Promise<{ text: string; isError: boolean; meta: unknown }>;
}> {
  const headers = await handshake(url);
  let id = 0;
  const listRaw = async (): Promise<string> => {
    const texts: string[] = [];
    let cursor = '';
    for (;;) {
      const params = cursor === '' ? '' : `,"params":{"cursor":"${cursor}"}`;
      const reply = await wire(url, `{"jsonrpc":"2.0","id":${++id},"method":"tools/list"${params}}`, headers);
      assert.ok(reply.json?.result, reply.text);
      texts.push(reply.text);
      const next = reply.json.result['nextCursor'];
      if (typeof next !== 'string') return texts.join('\n');
      cursor = next;
    }
  };
  return {
    headers,
    listRaw,
    async list() {
      return [...(await listRaw()).matchAll(/"name":"((?:[^"\\]|\\.)*)","description"/g)].map(
        (match) => match[1] ?? '',
      );
    },
    async call(name, args = '{"a":"x"}') {
      const body = `{"jsonrpc":"2.0","id":${++id},"method":"tools/call","params":{"name":${JSON.stringify(name)},"arguments":${args}}}`;
      const { json, text } = await wire(url, body, headers);
      const result = json?.result as
        | (Record<string, unknown> & { content: { text: string }[]; isError?: boolean })
        | undefined;
      assert.ok(result, text);
      return {
        text: result.content[0]?.text ?? '',
        isError: result.isError ?? false,
        meta: result['_meta'],
      };
    },
  };
}

/** What a person decides on the one definition that waits. @returns its id */
export async function decide(gateway: TestGateway, decision: Decision, id?: string): Promise<string> {
  const { pool } = gateway.db;
  const [first, ...more] = await waitingDefinitions(pool, 10);
  if (id === undefined) assert.deepEqual(more, [], 'one definition waits');
  const definition = id === undefined ? first : await shownDefinition(pool, id);
  assert.ok(definition, 'a definition waits');
  const desk = {
    pool,
    voteKey: definitionKey,
    recordAct: async () => {},
    maskText: (text: string) => text,
  };
  const told = await decideOnDefinition(desk, localApprover(), definition, {
    decision,
    reason: null,
    via: 'console',
  });
  assert.ok(told.counted, told.text);
  return definition.definitionId;
}
