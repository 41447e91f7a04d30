import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  LoggingMessageNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { answers, persist, readPlan, say, textOf } from './plan.ts';

/**
 * The first TypeScript SDK. With a second argument, the path of mcp-remote, it speaks stdio to that program, which
 * speaks HTTP: what clients do that know stdio only.
 */
const plan = readPlan();
const remote = process.argv[3];
const client = new Client(
  { name: 'ts-v1', version: '1' },
  { capabilities: { elicitation: {}, sampling: {} } },
);
client.setRequestHandler(ElicitRequestSchema, () => {
  say({ event: 'elicited' });
  return structuredClone(answers.form) as never;
});
client.setRequestHandler(CreateMessageRequestSchema, () => {
  say({ event: 'sampled' });
  return structuredClone(answers.completion) as never;
});
client.setNotificationHandler(LoggingMessageNotificationSchema, () => say({ event: 'log' }));
await client.connect(
  remote
    ? new StdioClientTransport({
        command: process.execPath,
        args: [remote, plan.url, '--allow-http', '--transport', 'http-only'],
        stderr: 'ignore',
      })
    : new StreamableHTTPClientTransport(new URL(plan.url)),
);
const { call } = plan;
if (!call) say({ event: 'tools', count: (await client.listTools()).tools.length });
else
  await persist(plan, async () =>
    textOf(
      await client.callTool({ name: call.tool, arguments: call.args }, undefined, {
        ...(plan.timeoutMs !== null && { timeout: plan.timeoutMs }),
        ...(plan.progress && { onprogress: () => say({ event: 'progress' }), resetTimeoutOnProgress: true }),
        ...(plan.cancelAfterMs !== null && { signal: AbortSignal.timeout(plan.cancelAfterMs) }),
      }),
    ),
  );
await client.close();
process.exit(0);
