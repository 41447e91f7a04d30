import { randomUUID } from 'node:crypto';
import { readRpcMessage, type RpcRequest } from '../../mcp/rpc-message.ts';

/** A request of the gateway's own, under an id that no client has. */
export function ownRequest(method: string, params: object): RpcRequest {
  const json = JSON.stringify({ jsonrpc: '2.0', id: `gw-${randomUUID()}`, method, params });
  return readRpcMessage(json, { depth: 16, loneSurrogates: 'refuse' }) as RpcRequest;
}
