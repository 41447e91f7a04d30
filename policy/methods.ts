/** The MCP requests that a rule may name: every request a client can send, in any protocol version. */
export const knownMethods: readonly string[] = [
  'initialize',
  'server/discover',
  'ping',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'logging/setLevel',
  'subscriptions/listen',
  'tasks/get',
  'tasks/result',
  'tasks/list',
  'tasks/cancel',
  'tasks/update',
];

/** The requests whose answer can wait for a person. */
export const holdableMethods: readonly string[] = ['tools/call', 'resources/read', 'prompts/get'];
