import type { EventStore } from '@modelcontextprotocol/server';

/** Remembers a session's events, so that its streams can be resumed. */
export function eventStore(): EventStore {
  const events: { readonly stream: string; readonly message: unknown }[] = [];
  return {
    async storeEvent(stream, message) {
      return `${stream}_${events.push({ stream, message }) - 1}`;
    },
    async replayEventsAfter(lastEventId, { send }) {
      const at = lastEventId.lastIndexOf('_');
      const stream = lastEventId.slice(0, at);
      const from = Number(lastEventId.slice(at + 1)) + 1;
      for (const [index, event] of events.entries()) {
        const isMessage = Object.keys(event.message as object).length > 0;
        if (index >= from && event.stream === stream && isMessage)
          await send(`${stream}_${index}`, event.message as Parameters<typeof send>[1]);
      }
      return stream;
    },
  };
}
