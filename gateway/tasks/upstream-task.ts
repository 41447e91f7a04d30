import type { StoredTask } from '../../db/mcp-tasks.ts';
import type { MaskedExchange } from '../exchange.ts';
import { at, rawAt, splice } from '../hold/json-text.ts';
import { encodeHeaderValue } from '../mcp/mirror-headers.ts';
import type { RpcRequest } from '../mcp/rpc-message.ts';
import type { UpstreamMessage } from '../upstreams/upstream.ts';
import { unsealForTask } from './task-keys.ts';

/** Asks upstream about a task of its own, by its own id, and gives back what it says under Holdpoint's (2026-07-28). */
export async function* askUpstream(
  { session, headers, stream }: MaskedExchange,
  request: RpcRequest,
  task: StoredTask,
  key: Uint8Array,
): AsyncGenerator<UpstreamMessage, void, void> {
  const { taskId, sealedUpstream } = task;
  const upstreamId = unsealForTask(key, taskId, 'upstream id', sealedUpstream ?? new Uint8Array());
  const place = at(request.json, ['params', 'taskId']);
  const json = place ? splice(request.json, [{ ...place, with: JSON.stringify(upstreamId) }]) : request.json;
  const sent = session.upstream.send(json, {
    idJson: request.idJson,
    signal: AbortSignal.any([session.ended, stream.gone]),
    headers: { ...headers, 'mcp-name': encodeHeaderValue(upstreamId) },
  });
  for await (const message of sent)
    yield message.kind === 'response'
      ? { ...message, json: underId(message.json, ['result', 'taskId'], upstreamId, taskId) }
      : message;
}

/** The text with upstream's id of a task replaced by Holdpoint's, where it stands at the path. */
export function underId(json: string, path: readonly string[], upstreamId: string, taskId: string): string {
  const place = at(json, path);
  if (!place || rawAt(json, path) === null || JSON.parse(json.slice(place.start, place.end)) !== upstreamId)
    return json;
  return splice(json, [{ ...place, with: JSON.stringify(taskId) }]);
}
