import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { answers, persist, readPlan, say, textOf } from './plan.ts';

/** The second TypeScript SDK; its second argument says how it agrees on a version. */
const plan = readPlan();
const how = process.argv[3] as 'legacy' | 'auto' | 'modern';
const client = new Client(
  { name: 'ts-v2', version: '1' },
  {
    capabilities: { elicitation: {}, sampling: {} },
    versionNegotiation: { mode: how === 'modern' ? { pin: '2026-07-28' } : how },
  },
);
client.setRequestHandler('elicitation/create', () => {
  say({ event: 'elicited' });
  return structuredClone(answers.form) as never;
});
client.setRequestHandler('sampling/createMessage', () => {
  say({ event: 'sampled' });
  return structuredClone(answers.completion) as never;
});
client.setNotificationHandler('notifications/message', () => say({ event: 'log' }));
await client.connect(new StreamableHTTPClientTransport(new URL(plan.url)));
const { call } = plan;
if (!call) say({ event: 'tools', count: (await client.listTools()).tools.length });
else
  await persist(plan, async () =>
    textOf(
      await client.callTool(
        { name: call.tool, arguments: call.args },
        {
          ...(plan.timeoutMs !== null && { timeout: plan.timeoutMs }),
          ...(plan.progress && {
            onprogress: () => say({ event: 'progress' }),
            resetTimeoutOnProgress: true,
          }),
          ...(plan.cancelAfterMs !== null && { signal: AbortSignal.timeout(plan.cancelAfterMs) }),
        },
      ),
    ),
  );
await client.close();
process.exit(0);
