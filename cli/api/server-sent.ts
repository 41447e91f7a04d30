/** One server-sent event. */
export interface ServerSent {
  readonly event: string;
  readonly data: string;
}

/** An event is longer than any that Holdpoint sends. */
export class TooLongError extends Error {}

const longestLine = 16 * 1024 * 1024;

/** The events of a stream (WHATWG HTML, 9.2.6), as far as Holdpoint sends them: `event` and `data`, comments left out. */
export async function* eventsIn(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSent> {
  const decoder = new TextDecoder();
  let rest = '';
  let event = 'message';
  let data: string[] = [];
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true });
    if (rest.length > longestLine)
      throw new TooLongError('an event of the answer is longer than any that Holdpoint sends');
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { event, data: data.join('\n') };
        event = 'message';
        data = [];
      } else if (line.startsWith('data: ')) data.push(line.slice('data: '.length));
      else if (line.startsWith('event: ')) event = line.slice('event: '.length);
    }
  }
}
