import type { RpcRequest } from '../../mcp/rpc-message.ts';
import { ownRequest } from './own-request.ts';

/** The request for everything that a 2025 server would have told by itself (`subscriptions/listen`, 2026-07-28). */
export function listenRequest(resources: ReadonlySet<string>): RpcRequest {
  return ownRequest('subscriptions/listen', {
    notifications: {
      toolsListChanged: true,
      promptsListChanged: true,
      resourcesListChanged: true,
      ...(resources.size > 0 && { resourceSubscriptions: [...resources] }),
    },
  });
}
