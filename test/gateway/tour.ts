import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { until } from '../support/until.ts';

/** The official SDKs' clients, as far as these tests use them; both have these members. */
export interface TourClient {
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(params: object, ...rest: unknown[]): Promise<unknown>;
  listResources(): Promise<unknown>;
  listResourceTemplates(): Promise<unknown>;
  readResource(params: { uri: string }): Promise<unknown>;
  subscribeResource(params: { uri: string }): Promise<unknown>;
  unsubscribeResource(params: { uri: string }): Promise<unknown>;
  listPrompts(): Promise<unknown>;
  getPrompt(params: object): Promise<unknown>;
  complete(params: object): Promise<unknown>;
  setLoggingLevel(level: 'debug'): Promise<unknown>;
  ping(): Promise<unknown>;
  close(): Promise<void>;
}

/** A connected client and what its server has asked and told it. */
export interface Connected {
  readonly client: TourClient;
  readonly heard: {
    readonly sampling: unknown[];
    readonly elicitation: unknown[];
    readonly updated: string[];
    logs: number;
    toolsChanged: number;
  };
  /** Calls a tool with the options of the SDK at hand. */
  readonly call: (name: string, args: object, options?: object) => Promise<unknown>;
  readonly end: () => Promise<void>;
}

const everything = {
  sampling: {},
  elicitation: { form: {} },
  roots: { listChanged: true },
};
const answers = {
  sampling: { role: 'assistant', model: 'test', content: { type: 'text', text: 'sampled answer' } },
  elicitation: { action: 'accept', content: { name: 'Ada', check: true, ok: true } },
  roots: { roots: [{ uri: 'file:///tmp', name: 'tmp' }] },
} as const;

function listening(): Connected['heard'] {
  return { sampling: [], elicitation: [], updated: [], logs: 0, toolsChanged: 0 };
}

/** Connects with SDK 1.x. */
export async function connectV1(url: string): Promise<Connected> {
  const heard = listening();
  const client = new ClientV1({ name: 'tour-v1', version: '1' }, { capabilities: everything });
  client.setRequestHandler(CreateMessageRequestSchema, async ({ params }) => {
    heard.sampling.push(params.messages);
    return answers.sampling;
  });
  client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
    heard.elicitation.push(params.message);
    return answers.elicitation;
  });
  client.setRequestHandler(ListRootsRequestSchema, async () => ({ roots: [...answers.roots.roots] }));
  client.setNotificationHandler(
    ResourceUpdatedNotificationSchema,
    ({ params }) => void heard.updated.push(params.uri),
  );
  client.setNotificationHandler(LoggingMessageNotificationSchema, () => void heard.logs++);
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => void heard.toolsChanged++);
  const transport = new TransportV1(new URL(url));
  await client.connect(transport);
  return {
    client: client as unknown as TourClient,
    heard,
    call: (name, args, options) => client.callTool({ name, arguments: { ...args } }, undefined, options),
    end: async () => {
      await transport.terminateSession();
      await client.close();
    },
  };
}

/** Connects with SDK 2.x, in its default mode or pinned to a version. */
export async function connectV2(
  url: string,
  versionNegotiation?: object,
  capabilities: object = everything,
): Promise<Connected> {
  const heard = listening();
  const client = new ClientV2(
    { name: 'tour-v2', version: '1' },
    {
      capabilities,
      ...(versionNegotiation && { versionNegotiation }),
    },
  );
  if (capabilities === everything) {
    client.setRequestHandler('sampling/createMessage', async ({ params }) => {
      heard.sampling.push(params.messages);
      return answers.sampling;
    });
    client.setRequestHandler('elicitation/create', async ({ params }) => {
      heard.elicitation.push(params.message);
      return answers.elicitation;
    });
    client.setRequestHandler('roots/list', async () => ({ roots: [...answers.roots.roots] }));
  }
  client.setNotificationHandler(
    'notifications/resources/updated',
    ({ params }) => void heard.updated.push(params.uri),
  );
  client.setNotificationHandler('notifications/message', () => void heard.logs++);
  client.setNotificationHandler('notifications/tools/list_changed', () => void heard.toolsChanged++);
  const transport = new TransportV2(new URL(url));
  await client.connect(transport);
  return {
    client: client as unknown as TourClient,
    heard,
    call: (name, args, options) => client.callTool({ name, arguments: { ...args } }, options),
    end: async () => {
      await transport.terminateSession();
      await client.close();
    },
  };
}

/** Uses everything the everything server offers and returns what a client sees of it. */
export async function tour({ client, heard, call }: Connected): Promise<Record<string, unknown>> {
  await knowsClient(client);
  const seen: Record<string, unknown> = {};
  seen['tools'] = await client.listTools();
  seen['echo'] = await call('echo', { message: 'héllo \u{1f600} 😀' });
  seen['structured'] = await call('get-structured-content', { location: 'Chicago' });
  seen['sum'] = await call('get-sum', { a: 2, b: 3 });
  seen['image'] = await call('get-tiny-image', {});
  seen['wrong arguments'] = await call('get-sum', { a: 'x' }).catch((error: Error) => error.message);
  seen['unknown tool'] = await call('no-such-tool', {}).catch((error: Error) => error.message);
  seen['resources'] = await client.listResources();
  seen['templates'] = await client.listResourceTemplates();
  seen['static'] = await client.readResource({ uri: 'demo://resource/static/document/features.md' });
  seen['missing'] = await client.readResource({ uri: 'demo://nope' }).catch((error: Error) => error.message);
  seen['prompts'] = await client.listPrompts();
  seen['prompt'] = await client.getPrompt({ name: 'args-prompt', arguments: { city: 'Paris', state: 'x' } });
  seen['completion'] = await client.complete({
    ref: { type: 'ref/prompt', name: 'completable-prompt' },
    argument: { name: 'department', value: 'E' },
  });
  seen['ping'] = await client.ping();
  seen['roots'] = await call('get-roots-list', {});
  seen['sampling'] = await call('trigger-sampling-request', { prompt: 'say it', maxTokens: 10 });
  seen['elicitation'] = await call('trigger-elicitation-request', {});
  const progress: unknown[] = [];
  seen['long'] = await call(
    'trigger-long-running-operation',
    { duration: 0.6, steps: 3 },
    { onprogress: (step: unknown) => progress.push(step) },
  );
  seen['progress'] = progress;
  seen['cancelled'] = await cancelled(call);
  seen['heard'] = { sampling: heard.sampling, elicitation: heard.elicitation };
  return seen;
}

/** The everything server offers the tools that ask its client for something once it knows what the client can do. */
export async function knowsClient(client: TourClient): Promise<void> {
  await until('the tools that ask the client', async () =>
    (await client.listTools()).tools.some(({ name }) => name === 'trigger-sampling-request'),
  );
}

async function cancelled(call: Connected['call']): Promise<unknown> {
  const aborter = new AbortController();
  setTimeout(() => aborter.abort('enough'), 200);
  return call(
    'trigger-long-running-operation',
    { duration: 30, steps: 30 },
    { signal: aborter.signal },
  ).catch(() => 'cancelled');
}
