// A stdio MCP server that tells the credentials in its environment.
import { createInterface } from 'node:readline';

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method } = JSON.parse(line);
  if (id === undefined) continue;
  const { PGUSER = '', PGPASSWORD = '' } = process.env;
  const result =
    method === 'initialize'
      ? { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'env', version: '1' } }
      : {
          content: [{ type: 'text', text: `${PGUSER} ${PGPASSWORD}` }],
          structuredContent: { got: [PGUSER, PGPASSWORD].filter(Boolean).length },
        };
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);
}
