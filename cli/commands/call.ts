import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { readRunFile } from '../data-dir.ts';
import { loadConfig } from '../config/load.ts';
import type { Invocation } from '../main.ts';

const help = `Usage: holdpoint call CONNECTION TOOL [JSON] [--token TOKEN]

Makes one tool call through the running gateway, as an agent would, and waits as long as it takes.
Example: holdpoint call files read_text_file '{"path": "customers.csv"}'
`;

/** One tool call by the official MCP client, for trying a policy out. */
export async function call({ argv, configFile, dataDir, env, cwd, out, err }: Invocation): Promise<number> {
  const words = [...argv];
  const tokenAt = words.indexOf('--token');
  const token = tokenAt >= 0 ? words.splice(tokenAt, 2)[1] : env['HOLDPOINT_TOKEN'];
  const [connection, tool, json = '{}', ...rest] = words;
  if (!connection || !tool || rest.length > 0 || connection.startsWith('-')) {
    err(help);
    return connection === '--help' ? 0 : 2;
  }
  const args = readArguments(json);
  if (args === null) {
    err(`holdpoint call: the arguments must be one JSON object, such as '{"path": "a.txt"}'\n`);
    return 2;
  }
  const config = await loadConfig({
    ...(configFile ? { file: configFile } : {}),
    ...(dataDir ? { dataDir } : {}),
    env,
    cwd,
  });
  const run = await readRunFile(config.dataDir);
  const url = new URL(`${run?.agentsUrl ?? config.agents.publicUrl}/mcp/${encodeURIComponent(connection)}`);
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const client = new Client({ name: 'holdpoint-call', version: '1' });
  const transport = new StreamableHTTPClientTransport(url, { requestInit: { headers } });
  await client.connect(transport);
  try {
    const result = await client.callTool(
      { name: tool, arguments: args },
      {
        timeout: 24 * 3600 * 1000,
        resetTimeoutOnProgress: true,
        onprogress: ({ message }) => err(`… ${message ?? 'waiting'}\n`),
      },
    );
    out(`${render(result)}\n`);
    return result.isError ? 1 : 0;
  } finally {
    await transport.terminateSession();
    await client.close();
  }
}

function readArguments(json: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

function render(result: { content?: unknown }): string {
  const blocks = Array.isArray(result.content) ? (result.content as { type?: string; text?: string }[]) : [];
  return blocks
    .map((block) => (block.type === 'text' ? block.text : JSON.stringify(block, null, 2)))
    .join('\n');
}
