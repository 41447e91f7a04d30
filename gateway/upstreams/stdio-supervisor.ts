import { setTimeout as sleep } from 'node:timers/promises';
import { UpstreamError } from '../errors.ts';
import type { RpcMessage } from '../mcp/rpc-message.ts';
import type { SharedChannel } from './shared-channel.ts';
import type { StdioProcess, StdioProcessHandlers } from './stdio-process.ts';

const firstRestMs = 500;
const maxRestMs = 30_000;
/** A process that has lived this long is healthy again: the next crash is the first. */
const healthyAfterMs = 60_000;
const handshakeTimeoutMs = 30_000;

/**
 * Keeps one session's process alive: starts it when it is needed, and again after a crash, with back-off, having said
 * the client's handshake to it again.
 * @param start starts a process, throwing when the program cannot be started
 */
export function superviseStdio(
  name: string,
  start: (handlers: Pick<StdioProcessHandlers, 'onLine'>) => Promise<StdioProcess>,
): SharedChannel {
  let process: Promise<StdioProcess> | null = null;
  let current: StdioProcess | null = null;
  let onLine: (line: Buffer) => void = () => {};
  let onGone: (because: string) => void = () => {};
  /** The client's own handshake, said again to a new process. */
  let initialize: RpcMessage | null = null;
  let initialized: RpcMessage | null = null;
  let replayed: { idJson: string; done: () => void } | null = null;
  let crashes = 0;
  let restUntilMs = 0;
  let stopped = false;

  async function startOne(): Promise<StdioProcess> {
    const restMs = restUntilMs - Date.now();
    if (restMs > 0)
      throw notStarted(`crashes again and again; it is started again in ${Math.ceil(restMs / 1000)} s`);
    const startedAtMs = Date.now();
    return start({ onLine: (line) => onLine(line) }).then(
      (running) => {
        current = running;
        void watch(running, startedAtMs);
        return running;
      },
      (cause: Error) => {
        rest(startedAtMs);
        const code = (cause as NodeJS.ErrnoException).code ?? 'failed';
        throw notStarted(`could not be started (${code}); check its command`, cause);
      },
    );
  }

  async function watch(running: StdioProcess, startedAtMs: number): Promise<void> {
    const because = await running.gone;
    if (current === running) {
      current = null;
      process = null;
    }
    if (stopped) return;
    rest(startedAtMs);
    onGone(because);
  }

  function rest(startedAtMs: number): void {
    crashes = Date.now() - startedAtMs > healthyAfterMs ? 1 : crashes + 1;
    // The first crash costs no rest: the next message starts it again at once.
    if (crashes > 1) restUntilMs = Date.now() + Math.min(firstRestMs * 2 ** (crashes - 2), maxRestMs);
  }

  function notStarted(what: string, cause?: Error): UpstreamError {
    return new UpstreamError('upstream_not_started', `${name} ${what}`, { cause, sent: false });
  }

  /** Says the client's handshake again to a process that has not seen it. */
  async function shakeHands(running: StdioProcess, signal: AbortSignal): Promise<void> {
    if (initialize?.kind !== 'request') return;
    const { idJson, json } = initialize;
    const done = new Promise<void>((resolve) => {
      replayed = { idJson, done: resolve };
    });
    await running.write(json);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(handshakeTimeoutMs)]);
    const timer = new AbortController();
    const late = sleep(handshakeTimeoutMs, 'late', { signal: AbortSignal.any([limit, timer.signal]) }).catch(
      () => 'late',
    );
    const won = await Promise.race([done.then(() => 'done'), running.gone, late]);
    timer.abort();
    replayed = null;
    if (won !== 'done') throw notStarted('was started again but did not answer the handshake');
    if (initialized) await running.write(initialized.json);
  }

  async function fresh(message: RpcMessage, signal: AbortSignal): Promise<StdioProcess> {
    const running = await startOne();
    const isHandshake = message.kind === 'request' && message.method === 'initialize';
    if (isHandshake) return running;
    try {
      await shakeHands(running, signal);
    } catch (error) {
      await running.stop();
      throw error;
    }
    return running;
  }

  return {
    async ready(message, signal) {
      if (stopped) throw notStarted('is stopped: its session has ended');
      process ??= fresh(message, signal).catch((error: Error) => {
        process = null;
        throw error;
      });
      await process;
      if (message.kind === 'request' && message.method === 'initialize') initialize = message;
      if (message.kind === 'notification' && message.method === 'notifications/initialized')
        initialized = message;
    },
    async write(json) {
      await (await process)?.write(json);
    },
    consume(message) {
      if (message.kind !== 'response' || message.idJson !== replayed?.idJson) return false;
      replayed.done();
      return true;
    },
    onLine(handler) {
      onLine = handler;
    },
    onGone(handler) {
      onGone = handler;
    },
    async stop() {
      stopped = true;
      const running = await process?.catch(() => null);
      await running?.stop();
    },
  };
}
