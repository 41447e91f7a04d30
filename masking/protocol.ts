/**
 * Members of JSON-RPC and MCP messages that the protocol needs as they are, by path; `*` stands for any element.
 * Sources: MCP schema 2025-03-26 to 2026-07-28.
 */
const exact = new Set([
  'jsonrpc',
  'id',
  'method',
  'params/name',
  'params/cursor',
  'params/requestId',
  'params/progressToken',
  'params/protocolVersion',
  'params/taskId',
  'params/level',
  'params/requestState',
  'params/elicitationId',
  'params/ref/name',
  'params/ref/type',
  'params/argument/name',
  'params/_meta/progressToken',
  'params/_meta/io.modelcontextprotocol/protocolVersion',
  'params/_meta/io.modelcontextprotocol/subscriptionId',
  'params/_meta/io.modelcontextprotocol/related-task/taskId',
  'params/_meta/io.modelcontextprotocol/logLevel',
  'params/clientInfo/version',
  'params/_meta/io.modelcontextprotocol/clientInfo/version',
  'params/task/taskId',
  'params/mode',
  'result/nextCursor',
  'result/protocolVersion',
  'result/resultType',
  'result/requestState',
  'result/taskId',
  'result/status',
  'result/serverInfo/version',
  'result/task/taskId',
  'result/task/status',
  'result/tasks/*/taskId',
  'result/tools/*/name',
  'result/prompts/*/name',
  'result/prompts/*/arguments/*/name',
  'result/_meta/io.modelcontextprotocol/related-task/taskId',
  'result/_meta/io.modelcontextprotocol/subscriptionId',
  'result/content/*/type',
  'result/content/*/mimeType',
  'result/contents/*/mimeType',
  'result/resources/*/mimeType',
  'result/content/*/resource/mimeType',
  'result/messages/*/role',
  'result/messages/*/content/type',
  'result/supportedVersions/*',
  'error/data/supported/*',
  'error/data/requested',
]);
const addresses = new Set([
  'params/uri',
  'params/ref/uri',
  'params/resourceTemplate',
  'result/resources/*/uri',
  'result/resourceTemplates/*/uriTemplate',
  'result/contents/*/uri',
  'result/content/*/uri',
  'result/content/*/resource/uri',
  'result/messages/*/content/resource/uri',
  'result/roots/*/uri',
]);
const schemas = new Set([
  'result/tools/*/inputSchema',
  'result/tools/*/outputSchema',
  'params/requestedSchema',
  'params/tools/*/inputSchema',
]);

/** How a place in a message is treated: `keep` as it is, `address` only for secrets, `schema` without field names. */
export type Treatment = 'keep' | 'address' | 'schema' | 'mask';

/** @param path member names and `*`, joined by `/`, from the message's root (an element's, in a batch) */
export function treatmentOf(path: string): Treatment {
  if (exact.has(path)) return 'keep';
  if (addresses.has(path)) return 'address';
  return schemas.has(path) ? 'schema' : 'mask';
}
