import type { DefinitionScope } from '../../db/tool-definitions.ts';
import { definitionModeOf } from '../../policy/definitions.ts';
import type { Policy } from '../../policy/policy.ts';
import { at, withMember } from '../hold/json-text.ts';
import { rawParam, readRpcMessage } from '../mcp/rpc-message.ts';
import type { UpstreamMessage } from '../upstreams/upstream.ts';
import type { ToolDefinitions } from './registry.ts';

const method = 'notifications/tools/list_changed';

/** Whose lists are watched, and how the notification of a change reads on this stream. */
export interface Watching {
  readonly definitions: Pick<ToolDefinitions, 'onChange'>;
  readonly scope: DefinitionScope;
  /** The notification; null while the client has not been promised any. */
  readonly notification: () => string | null;
}

/**
 * Upstream's messages, and among them a notification whenever tools of the scope came or went by Holdpoint's own
 * doing. Takes the next message only when the one before was taken.
 */
export async function* withListChanges(
  messages: AsyncIterable<UpstreamMessage>,
  { definitions, scope, notification }: Watching,
): AsyncGenerator<UpstreamMessage, void, void> {
  const upstream = messages[Symbol.asyncIterator]();
  let next: Promise<IteratorResult<UpstreamMessage>> | null = null;
  let hasChanged = false;
  let wake = (): void => {};
  const stop = definitions.onChange((changed) => {
    if (changed && (changed.connection !== scope.connection || changed.context !== scope.context)) return;
    hasChanged = true;
    wake();
  });
  try {
    for (;;) {
      const json = hasChanged ? notification() : null;
      hasChanged = false;
      if (json !== null) yield { json, kind: 'notification', method };
      next ??= upstream.next();
      const woken = new Promise<null>((resolve) => {
        wake = () => resolve(null);
      });
      const got: IteratorResult<UpstreamMessage> | null = hasChanged
        ? null
        : await Promise.race([next, woken]);
      if (got === null) continue;
      next = null;
      if (got.done) return;
      yield got.value;
    }
  } finally {
    stop();
    // Waiting for its end could take as long as upstream is silent.
    upstream.return?.()?.catch(() => {});
  }
}

/** On a session's own stream (2025 versions). */
export function plainNotification(): string {
  return `{"jsonrpc":"2.0","method":"${method}"}`;
}

/**
 * For a stream of `subscriptions/listen` (2026-07-28): notifies once upstream has acknowledged that the client is told
 * of changed tools, in the name of the subscription.
 */
export function subscribed(
  messages: AsyncIterable<UpstreamMessage>,
  idJson: string,
): { readonly messages: AsyncIterable<UpstreamMessage>; readonly notification: () => string | null } {
  let acknowledged = false;
  async function* watched(): AsyncGenerator<UpstreamMessage, void, void> {
    for await (const message of messages) {
      if (message.method === 'notifications/subscriptions/acknowledged')
        acknowledged ||= promisesTools(message.json);
      yield message;
    }
  }
  const meta = `{"io.modelcontextprotocol/subscriptionId":${idJson}}`;
  return {
    messages: watched(),
    notification: () =>
      acknowledged ? `{"jsonrpc":"2.0","method":"${method}","params":{"_meta":${meta}}}` : null,
  };
}

function promisesTools(json: string): boolean {
  const message = readRpcMessage(json, { depth: Number.POSITIVE_INFINITY, loneSurrogates: 'allow' });
  return message.kind === 'notification' && rawParam(message, 'notifications', 'toolsListChanged') === 'true';
}

/** Whether tools of a connection may come and go by decisions of people. */
export function mayChange(policy: Policy, connection: string): boolean {
  return definitionModeOf(policy.definitions, connection) !== 'open';
}

/** Says in a handshake (`initialize`, `server/discover`) that clients are told when the list of tools changes. */
export function announceListChanges(asked: string, responseJson: string): string {
  if (asked !== 'initialize' && asked !== 'server/discover') return responseJson;
  const tools = ['result', 'capabilities', 'tools'];
  const span = at(responseJson, tools);
  return span && responseJson[span.start] === '{'
    ? withMember(responseJson, tools, 'listChanged', 'true')
    : responseJson;
}
