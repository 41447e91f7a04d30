import { randomUUID } from 'node:crypto';
import { readRpcMessage, type RpcRequest } from '../../mcp/rpc-message.ts';

/** The request for everything that a 2025 server would have told by itself (`subscriptions/listen`, 2026-07-28). */
export function listenRequest(resources: ReadonlySet<string>): RpcRequest {
  const notifications = {
    toolsListChanged: true,
    promptsListChanged: true,
    resourcesListChanged: true,
    ...(resources.size > 0 && { resourceSubscriptions: [...resources] }),
  };
  const json = JSON.stringify({
    jsonrpc: '2.0',
    id: `gw-listen-${randomUUID()}`,
    method: 'subscriptions/listen',
    params: { notifications },
  });
  return readRpcMessage(json, { depth: 8, loneSurrogates: 'refuse' }) as RpcRequest;
}
