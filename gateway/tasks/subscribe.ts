import { ownTaskIds } from '../../db/mcp-task-stamps.ts';
import { GatewayError } from '../errors.ts';
import type { MaskedExchange } from '../exchange.ts';
import { at, members, withMember, withoutMember } from '../hold/json-text.ts';
import { rawParam, readRpcMessage, type RpcRequest } from '../mcp/rpc-message.ts';
import type { UpstreamMessage } from '../upstreams/upstream.ts';
import { ownerOf } from './task-methods.ts';
import { createTaskWatch, lookAtWatched } from './task-watch.ts';
import type { TaskWork } from './task-work.ts';
import { declaresTasks, isTaskNews, missingTasks } from './wire.ts';

const method = 'subscriptions/listen';
const acknowledged = 'notifications/subscriptions/acknowledged';
const askedAtMost = 1000;

/** Whether a request begins a stream on which its client may want to hear of tasks (2026-07-28). */
export function isListening(request: RpcRequest): boolean {
  return request.method === method;
}

/**
 * A stream of `subscriptions/listen`. Of the tasks that it names, those of this caller's on this connection are
 * acknowledged and told of by Holdpoint, whoever works at them; all others are left out, as if there were none. No id
 * goes upstream, and nothing that upstream says of tasks comes back by its own ids.
 * @param forward sends a request upstream
 * @throws GatewayError `missing_capability`, `invalid_params`
 */
export async function* listening(
  work: TaskWork,
  exchange: MaskedExchange,
  request: RpcRequest,
  forward: (request: RpcRequest) => AsyncIterable<UpstreamMessage>,
): AsyncGenerator<UpstreamMessage, void, void> {
  const wanted = wantedTasks(request);
  if (wanted !== null && !declaresTasks(request)) throw missingTasks('hearing of tasks');
  const agreed = wanted === null ? null : await ownTaskIds(work.pool, ownerOf(exchange), wanted);
  const rest = withoutTasks(request);
  const named = rawParam(rest, 'notifications');
  const wantsMore = agreed === null || (named?.startsWith('{') === true && members(named, 0).length > 0);
  const upstream = wantsMore ? forward(rest) : null;
  let wake = (): void => {};
  const watch = createTaskWatch(work, exchange, request, agreed ?? [], () => wake());
  const messages = told(exchange, request, agreed, upstream)[Symbol.asyncIterator]();
  let begun = false;
  let taking: Promise<IteratorResult<UpstreamMessage>> | null = null;
  try {
    for (;;) {
      const news = begun ? watch.take() : null;
      if (news !== null) {
        yield { json: news, kind: 'notification', method: 'notifications/tasks' };
        continue;
      }
      const woken = new Promise<null>((resolve) => {
        wake = () => resolve(null);
      });
      taking ??= messages.next();
      const got: IteratorResult<UpstreamMessage> | null = await Promise.race([taking, woken]);
      if (got === null) continue;
      taking = null;
      if (got.done) return;
      yield got.value;
      if (begun || got.value.method !== acknowledged) continue;
      begun = true;
      work.watches.add(watch);
      // What they are by now may be what the client waits for.
      await lookAtWatched(work);
    }
  } finally {
    work.watches.delete(watch);
    // Waiting for its end could take as long as upstream is silent.
    messages.return?.(undefined)?.catch(() => {});
  }
}

/** Upstream's messages with the acknowledgement put right; where upstream says none, Holdpoint's own, and silence. */
async function* told(
  exchange: MaskedExchange,
  request: RpcRequest,
  agreed: readonly string[] | null,
  upstream: AsyncIterable<UpstreamMessage> | null,
): AsyncGenerator<UpstreamMessage, void, void> {
  let answered = false;
  for await (const message of upstream ?? []) {
    if (isTaskNews(message.method)) continue;
    // A server that knows no such stream is no reason not to tell of tasks of Holdpoint's.
    if (message.kind === 'response' && !answered && agreed !== null && at(message.json, ['error'])) break;
    if (message.method !== acknowledged) yield message;
    else if (!answered) yield { ...message, json: withAgreed(message.json, agreed) };
    answered ||= message.method === acknowledged;
    if (message.kind === 'response') return;
  }
  if (agreed === null || answered) return;
  exchange.stream.openSoon?.();
  const meta = `{"io.modelcontextprotocol/subscriptionId":${request.idJson}}`;
  const params = `{"notifications":{"taskIds":${JSON.stringify(agreed)}},"_meta":${meta}}`;
  yield {
    json: `{"jsonrpc":"2.0","method":"${acknowledged}","params":${params}}`,
    kind: 'notification',
    method: acknowledged,
  };
  const over = AbortSignal.any([exchange.session.ended, exchange.stream.gone]);
  await new Promise<void>((resolve) => {
    if (over.aborted) resolve();
    else over.addEventListener('abort', () => resolve(), { once: true });
  });
}

function withAgreed(json: string, agreed: readonly string[] | null): string {
  const path = ['params', 'notifications'];
  if (agreed === null) return withoutMember(json, path, 'taskIds');
  const holder = at(json, path) ? json : withMember(json, ['params'], 'notifications', '{}');
  return withMember(holder, path, 'taskIds', JSON.stringify(agreed));
}

/** @returns null when the request names none; @throws GatewayError `invalid_params` */
function wantedTasks(request: RpcRequest): readonly string[] | null {
  const raw = rawParam(request, 'notifications', 'taskIds');
  if (raw === null) return null;
  const ids: unknown = JSON.parse(raw);
  if (!Array.isArray(ids) || ids.length > askedAtMost || ids.some((id) => typeof id !== 'string'))
    throw new GatewayError('invalid_params', `\`taskIds\` must be a list of at most ${askedAtMost} strings`);
  return [...new Set(ids as string[])];
}

function withoutTasks(request: RpcRequest): RpcRequest {
  const json = withoutMember(request.json, ['params', 'notifications'], 'taskIds');
  if (json === request.json) return request;
  return readRpcMessage(json, { depth: Number.POSITIVE_INFINITY, loneSurrogates: 'allow' }) as RpcRequest;
}
