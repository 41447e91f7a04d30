import { parseJson } from './mcp/parse-json.ts';
import type { Policy } from '../policy/policy.ts';
import type { Recorder } from '../recording/event.ts';
import type { MaskedExchange } from './exchange.ts';
import { privateResult } from './mcp/cache-scope.ts';
import type { RpcRequest } from './mcp/rpc-message.ts';
import { membersAt } from './mcp/strict-json.ts';
import { isModern } from './mcp/versions.ts';
import type { Sessions } from './sessions/sessions.ts';
import { elicitsOf } from './hold/elicit.ts';
import { advertiseTasks } from './tasks/advertise.ts';
import { sendFollowing } from './tasks/follow-task.ts';
import { withRelatedTask } from './tasks/wire.ts';
import type { SendOptions, UpstreamMessage } from './upstreams/upstream.ts';
import { learningIn, scopeOf } from './definitions/discover.ts';
import type { ToolDefinitions } from './definitions/registry.ts';
import { announceListChanges, mayChange, subscribed, withListChanges } from './definitions/list-changes.ts';
import { tailorList } from './definitions/tailor.ts';
import { toolsIn } from './definitions/tool-list.ts';

export interface ForwardDeps {
  readonly policy: () => Policy;
  readonly recorder: Recorder;
  readonly sessions: Sessions;
  readonly definitions: ToolDefinitions;
}

/**
 * Sends a request upstream, exactly as it was read, and yields what comes back. On the way it learns what a
 * response tells the gateway itself: that a session is open, and what a connection's tools are.
 * @throws UpstreamError; GatewayError `database_unavailable` when an opened session could not be stored
 */
export async function* forward(
  deps: ForwardDeps,
  exchange: MaskedExchange,
  request: RpcRequest,
  signal: AbortSignal,
): AsyncGenerator<UpstreamMessage, void, void> {
  const { headers, stream } = exchange;
  const { idJson, json, method } = request;
  const modern = isModern(exchange.protocolVersion);
  const options = {
    idJson,
    signal,
    headers,
    mayBeSilent: method === 'subscriptions/listen',
    onStream: () => stream.openSoon?.(),
  };
  const sent = sentAs(deps, exchange, json, options);
  const messages = method === 'subscriptions/listen' ? listening(deps, exchange, idJson, sent) : sent;
  for await (const message of messages) {
    if (message.kind !== 'response') {
      yield stream.taskId === undefined
        ? message
        : { ...message, json: withRelatedTask(message.json, stream.taskId) };
      continue;
    }
    if (method === 'initialize') await establish(deps, exchange, message.json);
    const said =
      method === 'tools/list' && !message.own ? await listFor(deps, exchange, message.json) : message.json;
    const announced = mayChange(deps.policy(), exchange.session.facts.connection)
      ? announceListChanges(method, said)
      : said;
    const told = advertiseTasks(deps.policy(), exchange, method, announced);
    yield { ...message, json: modern ? privateResult(method, told) : told };
  }
}

/** What a subscription's client is told, with what Holdpoint itself does to the tools. */
function listening(
  { definitions }: ForwardDeps,
  { upstream, caller }: MaskedExchange,
  idJson: string,
  sent: AsyncIterable<UpstreamMessage>,
): AsyncIterable<UpstreamMessage> {
  const { messages, notification } = subscribed(sent, idJson);
  return withListChanges(messages, { definitions, scope: scopeOf(upstream, caller), notification });
}

/** A task's call may become a task of upstream's, too; everything else is one message. */
function sentAs(
  { recorder }: ForwardDeps,
  { session, stream, masker, correlationId, shownTarget }: MaskedExchange,
  json: string,
  options: SendOptions & { readonly idJson: string },
): AsyncIterable<UpstreamMessage> {
  if (stream.taskId === undefined) return session.upstream.send(json, options);
  return sendFollowing(session.upstream, json, options, async (further) => {
    await recorder.append(session.facts, {
      kind: 'message',
      direction: 'client-to-upstream',
      callId: correlationId,
      method: 'tasks/result',
      tool: shownTarget,
      verdict: null,
      rule: null,
      policyVersion: null,
      bytes: (await masker.later.message(further)).text,
      unmasked: further,
    });
  });
}

/** A list of tools as this caller is to see it, once what it says is known, judged and recorded. */
async function listFor(deps: ForwardDeps, exchange: MaskedExchange, listJson: string): Promise<string> {
  const { session, caller, upstream, masker, verdict } = exchange;
  const tools = toolsIn(listJson);
  if (tools.length === 0) return listJson;
  const learning = learningIn(deps, session.facts, masker, verdict.policyVersion);
  const blocked = await deps.definitions.learn(scopeOf(upstream, caller), tools, learning);
  const { connection } = session.facts;
  return tailorList(listJson, tools, { policy: deps.policy(), caller, connection, blocked });
}

/** Upstream has accepted the handshake: from here on the client's session id is good, on every replica. */
async function establish(deps: ForwardDeps, exchange: MaskedExchange, responseJson: string): Promise<void> {
  const { session, newSessionId } = exchange;
  const result = membersAt(responseJson, responseJson.indexOf('{')).get('result');
  if (!result || newSessionId === null) return;
  const { protocolVersion } = parseJson(responseJson.slice(result.start, result.end)) as {
    protocolVersion?: unknown;
  };
  const { message } = exchange;
  await deps.sessions.establish(newSessionId, session, {
    protocolVersion: typeof protocolVersion === 'string' ? protocolVersion : exchange.protocolVersion,
    elicits: message.kind === 'request' ? elicitsOf(message.params?.['capabilities']) : [],
  });
}
