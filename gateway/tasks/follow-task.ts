import { rawAt, splice, at } from '../hold/json-text.ts';
import { isTaskNews } from './wire.ts';
import type { SendOptions, UpstreamMessage, UpstreamSession } from '../upstreams/upstream.ts';

/** Upstream's messages but for what it tells of tasks of its own: clients know them by ids of Holdpoint's. */
export async function* withoutTaskNews(
  messages: AsyncIterable<UpstreamMessage>,
): AsyncGenerator<UpstreamMessage, void, void> {
  for await (const message of messages) if (!isTaskNews(message.method)) yield message;
}

/**
 * Sends a call, and where upstream makes a task of it (2025-11-25, a tool that wants to be called so), waits for that
 * task and yields its result as the call's response. A call that is given up is cancelled there.
 * @param record makes a further message to upstream durable before it is sent
 */
export async function* sendFollowing(
  session: UpstreamSession,
  json: string,
  options: SendOptions & { readonly idJson: string },
  record: (json: string) => Promise<void>,
): AsyncGenerator<UpstreamMessage, void, void> {
  for await (const message of withoutTaskNews(session.send(json, options))) {
    const upstreamId = message.kind === 'response' ? rawAt(message.json, ['result', 'task', 'taskId']) : null;
    if (upstreamId === null) yield message;
    else yield* resultOf(session, upstreamId, options, record);
  }
}

async function* resultOf(
  session: UpstreamSession,
  upstreamId: string,
  { idJson, signal, headers }: SendOptions & { readonly idJson: string },
  record: (json: string) => Promise<void>,
): AsyncGenerator<UpstreamMessage, void, void> {
  const about = (method: string): { json: string; idJson: string } => {
    const ownId = JSON.stringify(`${idJson} ${method}`);
    return {
      json: `{"jsonrpc":"2.0","id":${ownId},"method":"${method}","params":{"taskId":${upstreamId}}}`,
      idJson: ownId,
    };
  };
  const shared = { ...(headers && { headers }), mayBeSilent: true };
  const asked = about('tasks/result');
  await record(asked.json);
  try {
    const results = session.send(asked.json, { ...shared, idJson: asked.idJson, signal });
    for await (const message of withoutTaskNews(results)) {
      const id = message.kind === 'response' ? at(message.json, ['id']) : null;
      yield id ? { ...message, json: splice(message.json, [{ ...id, with: idJson }]) } : message;
    }
  } finally {
    if (signal.aborted) {
      const given = about('tasks/cancel');
      const sent = session.send(given.json, {
        ...shared,
        idJson: given.idJson,
        signal: AbortSignal.timeout(5000),
      });
      await record(given.json);
      for await (const none of sent) void none;
    }
  }
}
