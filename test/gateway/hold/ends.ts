import { once } from 'node:events';
import type { ClientStream } from '../../../gateway/client-stream.ts';
import type { Upstream, UpstreamMessage, UpstreamSession } from '../../../gateway/upstreams/upstream.ts';

/** What no row, log, record or Temporal payload may ever hold. */
export const canary = 'CANARY-5f2c9a71d3';

/** An upstream that writes down every byte it is sent and counts what it did. */
export interface CountingUpstream extends Upstream {
  readonly received: string[];
  /** Messages that are `tools/call` requests. */
  calls(): string[];
  /** Raw definitions that it lists, a page each. */
  readonly tools: string[];
  opened: number;
  closed: number;
  /** What it does with a call; by default it answers `{"content":[{"type":"text","text":"done"}]}`. */
  behave: (
    json: string,
    idJson: string,
    onSent: () => void,
    signal: AbortSignal,
  ) => AsyncIterable<UpstreamMessage>;
}

export function countingUpstream(connection = 'db'): CountingUpstream {
  const upstream: CountingUpstream = {
    connection,
    received: [],
    tools: [],
    opened: 0,
    closed: 0,
    calls: () => upstream.received.filter((json) => json.includes('"tools/call"')),
    async *behave(_json, idJson, onSent) {
      onSent();
      yield response(idJson, { content: [{ type: 'text', text: 'done' }] });
    },
    async open() {
      upstream.opened++;
      return session;
    },
    resume: () => null,
    async close() {},
  };
  const session: UpstreamSession = {
    async *send(json, options) {
      upstream.received.push(json);
      if (options.idJson === null) {
        options.onSent?.();
      } else if (json.includes('"method":"initialize"')) {
        // What is recorded of it is looked at by every test (assertRecordedMasked).
        yield response(options.idJson, {
          protocolVersion: '2025-11-25',
          capabilities: {},
          serverInfo: {},
          instructions: `use ${canary}`,
        });
      } else if (json.includes('"method":"tools/list"')) {
        // A page for each tool, so that looking at one page is not enough.
        const page = Number(/"cursor":"(\d+)"/.exec(json)?.[1] ?? 0);
        const next = page + 1 < upstream.tools.length ? `,"nextCursor":"${page + 1}"` : '';
        const result = `{"tools":[${upstream.tools[page] ?? ''}]${next}}`;
        yield {
          json: `{"jsonrpc":"2.0","id":${options.idJson},"result":${result}}`,
          kind: 'response',
          method: null,
        };
      } else {
        yield* upstream.behave(json, options.idJson, () => options.onSent?.(), options.signal);
      }
    },
    async events() {
      throw new Error('not asked for');
    },
    resumable: null,
    async close() {
      upstream.closed++;
    },
  };
  return upstream;
}

export function response(idJson: string, result: unknown): UpstreamMessage {
  const json = `{"jsonrpc":"2.0","id":${idJson},"result":${JSON.stringify(result)}}`;
  return { json, kind: 'response', method: null };
}

/** A client's end of an exchange. */
export interface TestStream extends ClientStream {
  readonly messages: string[];
  readonly keepAlives: string[];
  readonly responses: string[];
  disconnect(): void;
  /** The parsed response, once it is there. */
  response(): Promise<{
    id: unknown;
    result?: Result;
    error?: { code: number; message: string; data?: Record<string, unknown> };
  }>;
}
interface Result {
  isError?: boolean;
  content: { type: string; text: string }[];
}

/** What a synthetic result says of its approval, apart from the text. */
export function approvalOf(result: Result | undefined): { id: string; status: string } | undefined {
  const { _meta: meta } = (result ?? {}) as { _meta?: Record<string, { id: string; status: string }> };
  return meta?.['holdpoint/approval'];
}

export function testStream(progressToken: string | null = null): TestStream {
  const gone = new AbortController();
  const responded = new EventTarget();
  const stream: TestStream = {
    messages: [],
    keepAlives: [],
    responses: [],
    progressToken,
    gone: gone.signal,
    whenGone: (run) =>
      gone.signal.aborted ? run() : gone.signal.addEventListener('abort', run, { once: true }),
    get alive() {
      return !gone.signal.aborted && stream.responses.length === 0;
    },
    disconnect: () => gone.abort(),
    async message(json) {
      if (stream.alive) stream.messages.push(json);
    },
    async keepAlive(text) {
      stream.keepAlives.push(text);
    },
    async respond(json) {
      if (!stream.alive) return false;
      stream.responses.push(json);
      responded.dispatchEvent(new Event('response'));
      return true;
    },
    async response() {
      if (!stream.responses[0]) await once(responded, 'response', { signal: AbortSignal.timeout(15_000) });
      return JSON.parse(stream.responses[0] ?? '') as Awaited<ReturnType<TestStream['response']>>;
    },
  };
  return stream;
}
