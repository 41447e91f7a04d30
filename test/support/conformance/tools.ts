import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CallToolResult,
  fromJsonSchema,
  type McpServer,
  type RequestId,
  type ServerContext,
  type ServerNotifier,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { png, text, wav } from './content.ts';
import { defaultsForm, enumsForm } from './forms.ts';

export interface ToolDeps {
  /** Closes the stream of a request that is still to be answered, so that its client must come back. */
  readonly closeStream: (sessionId: string, id: RequestId) => void;
  readonly modern: () => ServerNotifier;
}

const nothing = z.object({});

/** Registers the tools that the suites call by name. */
export function registerTools(server: McpServer, deps: ToolDeps): void {
  registerContent(server);
  registerStreaming(server, deps);
  registerServerRequests(server);
  registerSchemas(server);
  registerModern(server, deps);
}

function registerContent(server: McpServer): void {
  const image = { type: 'image', data: png, mimeType: 'image/png' } as const;
  const mixed = {
    uri: 'test://mixed-content-resource',
    mimeType: 'application/json',
    text: '{"test":"data","value":123}',
  };
  const embedded = {
    uri: 'test://embedded-resource',
    mimeType: 'text/plain',
    text: 'This is an embedded resource content.',
  };
  const fixed: Record<string, CallToolResult['content']> = {
    test_simple_text: [{ type: 'text', text: 'This is a simple text response for testing.' }],
    test_image_content: [image],
    test_audio_content: [{ type: 'audio', data: wav, mimeType: 'audio/wav' }],
    test_embedded_resource: [{ type: 'resource', resource: embedded }],
    test_multiple_content_types: [
      { type: 'text', text: 'Multiple content types test:' },
      image,
      { type: 'resource', resource: mixed },
    ],
  };
  for (const [name, content] of Object.entries(fixed))
    server.registerTool(name, { description: `Answers with fixed content: ${name}` }, async () => ({
      content,
    }));
  server.registerTool('test_error_handling', { description: 'Always fails' }, async () => {
    throw new Error('This tool intentionally returns an error for testing');
  });
}

function registerStreaming(server: McpServer, deps: ToolDeps): void {
  const log = (context: ServerContext, data: string): Promise<void> =>
    context.mcpReq.notify({ method: 'notifications/message', params: { level: 'info', data } });
  server.registerTool(
    'test_tool_with_logging',
    { description: 'Logs while it runs', inputSchema: nothing },
    async (_args, context) => {
      for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
        await log(context, data);
        await sleep(50);
      }
      return text('Logged three times.');
    },
  );
  server.registerTool(
    'test_tool_with_progress',
    { description: 'Reports progress', inputSchema: nothing },
    async (_args, { mcpReq }) => {
      const progressToken = mcpReq['_meta']?.progressToken;
      for (const progress of progressToken === undefined ? [] : [0, 50, 100]) {
        const message = `Completed step ${progress} of 100`;
        await mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken: progressToken as string, progress, total: 100, message },
        });
        await sleep(50);
      }
      return text(String(progressToken ?? 'no progress token'));
    },
  );
  server.registerTool(
    'test_reconnection',
    { description: 'Closes its stream before it answers', inputSchema: nothing },
    async (_args, { sessionId, mcpReq }) => {
      if (sessionId !== undefined) deps.closeStream(sessionId, mcpReq.id);
      await sleep(100);
      return text('Answered after the stream was closed.');
    },
  );
}

function registerServerRequests(server: McpServer): void {
  server.registerTool(
    'test_sampling',
    { description: 'Asks the client for a completion', inputSchema: z.object({ prompt: z.string() }) },
    async ({ prompt }, { mcpReq }) => {
      const answer = await mcpReq.send({
        method: 'sampling/createMessage',
        params: { messages: [{ role: 'user', content: { type: 'text', text: prompt } }], maxTokens: 100 },
      });
      const { content } = answer as { content?: { text?: string } };
      return text(`LLM response: ${content?.text ?? 'none'}`);
    },
  );
  const elicit = async (
    { mcpReq }: ServerContext,
    message: string,
    requestedSchema: object,
  ): Promise<string> => {
    const answer = await mcpReq.send({ method: 'elicitation/create', params: { message, requestedSchema } });
    const { action, content } = answer as { action?: string; content?: unknown };
    return `action=${action}, content=${JSON.stringify(content ?? {})}`;
  };
  server.registerTool(
    'test_elicitation',
    { description: 'Asks the user', inputSchema: z.object({ message: z.string() }) },
    async ({ message }, context) => {
      const form = { type: 'object', properties: { response: { type: 'string' } }, required: ['response'] };
      return text(`User response: ${await elicit(context, message, form)}`);
    },
  );
  for (const [name, form] of [
    ['test_elicitation_sep1034_defaults', defaultsForm],
    ['test_elicitation_sep1330_enums', enumsForm],
  ] as const)
    server.registerTool(
      name,
      { description: 'Asks the user with a form', inputSchema: nothing },
      async (_args, context) =>
        text(`Elicitation completed: ${await elicit(context, 'Please fill in the form', form)}`),
    );
}

function registerSchemas(server: McpServer): void {
  const contact = fromJsonSchema({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: {
      address: {
        $anchor: 'addressDef',
        type: 'object',
        properties: { street: { type: 'string' }, city: { type: 'string' } },
      },
    },
    properties: {
      name: { type: 'string' },
      address: { $ref: '#/$defs/address' },
      contactMethod: { type: 'string', enum: ['phone', 'email'] },
      phone: { type: 'string' },
      email: { type: 'string' },
    },
    allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
    if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
    // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
    then: { required: ['phone'] },
    else: { required: ['email'] },
    additionalProperties: false,
  });
  server.registerTool(
    'json_schema_2020_12_tool',
    { description: 'Has a schema with the keywords of 2020-12', inputSchema: contact },
    async (args) => text(JSON.stringify(args)),
  );
  // A keyword of MCP's, which the type of JSON Schema does not know.
  const region = { type: 'string', 'x-mcp-header': 'Region' } as { type: 'string' };
  const mirrored = fromJsonSchema<{ region?: string }>({
    type: 'object',
    properties: { region, level: { type: 'integer' } },
  });
  server.registerTool(
    'test_x_mcp_header',
    { description: 'Mirrors an argument into a header', inputSchema: mirrored },
    async ({ region }) => text(`region=${region ?? 'none'}`),
  );
}

function registerModern(server: McpServer, { modern }: ToolDeps): void {
  server.registerTool(
    'test_streaming_elicitation',
    { description: 'Answers on a stream without requests', inputSchema: nothing },
    async () => text('no request on this stream'),
  );
  server.registerTool(
    'test_logging_tool',
    { description: 'Logs where the request asked for a level', inputSchema: nothing },
    async (_args, { mcpReq }) => {
      await mcpReq.log('info', 'test_logging_tool ran');
      return text('logged');
    },
  );
  server.registerTool(
    'test_trigger_tool_change',
    { description: 'Tools change', inputSchema: nothing },
    async () => {
      modern().toolsChanged();
      return text('tools changed');
    },
  );
  server.registerTool(
    'test_trigger_prompt_change',
    { description: 'Prompts change', inputSchema: nothing },
    async () => {
      modern().promptsChanged();
      return text('prompts changed');
    },
  );
}
