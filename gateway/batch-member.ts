import type { ClientStream } from './client-stream.ts';
import { progressEvent } from './mcp/progress.ts';
import type { ReplyStream } from './reply-stream.ts';

/**
 * One message's part of the reply to a batch: all parts share one event stream, on which each response is an event
 * of its own. Whoever made the shared stream ends it.
 */
export function batchMember(shared: ReplyStream, progressToken: () => string | null): ClientStream {
  let progress = 0;
  return {
    get alive() {
      return shared.alive;
    },
    gone: shared.gone,
    whenGone: (run) => shared.whenGone(run),
    get progressToken() {
      return progressToken();
    },
    message: (json) => shared.message(json),
    keepAlive(text) {
      const token = progressToken();
      return token === null ? shared.keepAlive(text) : shared.message(progressEvent(token, ++progress, text));
    },
    async respond(json) {
      await shared.message(json);
      return shared.alive;
    },
  };
}
