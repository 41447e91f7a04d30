import type { MaskedExchange } from './exchange.ts';
import { errorResponse, GatewayError } from './errors.ts';
import { isModern } from './mcp/versions.ts';
import type { RpcRequest } from './mcp/rpc-message.ts';

/**
 * The answer to a request that policy denies: for a tool call a result with `isError`, so that the model reads it
 * (and without `structuredContent`, which clients would check against the tool's schema); else a JSON-RPC error.
 */
export function denial(exchange: MaskedExchange, request: RpcRequest): string {
  const { verdict, correlationId } = exchange;
  const because = verdict.reason === null ? '' : ` Reason: ${verdict.reason}`;
  const text =
    exchange.objection?.text ??
    `DENIED by policy rule "${verdict.rule}".${because} The call was not carried out. ` +
      'Do not repeat it as it is: choose another way, or ask the people who run Holdpoint to change the policy ' +
      `(reference ${correlationId}).`;
  if (request.method !== 'tools/call')
    return errorResponse(
      request.idJson,
      new GatewayError('denied', text, { data: { rule: verdict.rule } }),
      correlationId,
    );
  const result = {
    ...(isModern(exchange.protocolVersion) && { resultType: 'complete' }),
    isError: true,
    content: [{ type: 'text', text }],
    _meta: {
      ...exchange.objection?.meta,
      'dev.holdpoint/denied': { rule: verdict.rule, policyVersion: verdict.policyVersion, correlationId },
    },
  };
  return `{"jsonrpc":"2.0","id":${request.idJson},"result":${JSON.stringify(result)}}`;
}
