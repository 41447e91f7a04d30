import { setTimeout as sleep } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { httpConnection, testGateway } from '../gateway.ts';

/**
 * A stock client for the official suites' client scenarios: `node client.ts [--through-gateway] URL`. Lists the tools
 * of the scenario's server and calls each, on the official SDK; with the flag, through a gateway in front of it.
 */
async function main(): Promise<void> {
  const url = process.argv.at(-1) ?? '';
  if (!process.argv.includes('--through-gateway')) return talk(url);
  await using gateway = await testGateway({
    connections: { scenario: httpConnection(url) },
    logLevel: 'silent',
  });
  await talk(gateway.url('scenario'));
}

/** Calls that a scenario wants made, beyond one of each tool. */
interface Context {
  readonly toolCalls?: readonly { readonly name: string; readonly arguments: Record<string, unknown> }[];
}

async function talk(url: string): Promise<void> {
  const version = process.env['MCP_CONFORMANCE_PROTOCOL_VERSION'] ?? '2025-11-25';
  const context = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as Context;
  const client = new Client(
    { name: 'holdpoint-conformance', version: '1' },
    {
      capabilities: { elicitation: { form: { applyDefaults: true } }, sampling: {} },
      ...(version >= '2026-07-28' && { versionNegotiation: { mode: { pin: version } } }),
    },
  );
  client.setRequestHandler('elicitation/create', async () => ({ action: 'accept', content: {} }));
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  const { tools } = await client.listTools();
  const calls =
    context.toolCalls ?? tools.map((tool) => ({ name: tool.name, arguments: sampleOf(tool.inputSchema) }));
  // What a scenario's server answers with an error is a part of the scenario.
  for (const call of calls)
    await client.callTool(call, { timeout: 20_000 }).catch((error: unknown) => console.error(String(error)));
  await client.listPrompts().catch(() => {});
  await client.listResources().catch(() => {});
  await sleep(100);
  await client.close();
}

interface Schema {
  readonly type?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
}

/** Arguments that fit a tool's schema. */
function sampleOf(schema: unknown): Record<string, unknown> {
  const { properties = {} } = schema as Schema;
  const values: Readonly<Record<string, unknown>> = {
    string: 'text',
    integer: 5,
    number: 5,
    boolean: true,
    array: [],
    object: {},
  };
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [
      name,
      property.default ?? property.enum?.[0] ?? values[String(property.type)] ?? 'text',
    ]),
  );
}

await main();
