import type { Logger } from 'pino';
import { isFrozen } from '../db/kill-switch.ts';
import type { Pool } from '../db/pool.ts';
import { errorResponse, GatewayError } from './errors.ts';
import type { MaskedExchange } from './exchange.ts';
import { isModern } from './mcp/versions.ts';
import type { RpcRequest } from './mcp/rpc-message.ts';

/** The kill switch as one replica sees it. */
export interface KillSwitch {
  /**
   * Whether a request must not go upstream now. What this replica knows is never older than a second; where it cannot
   * be found out, the answer is an error and nothing passes.
   * @throws GatewayError `database_unavailable`
   */
  stops(method: string): boolean | Promise<boolean>;
  close(): void;
}

const lookEveryMs = 250;
/** With the time that an answer takes, a replica notices a freeze within a second. */
const freshMs = 700;

/** What a client needs to stay connected. It starts nothing upstream. */
const harmless = new Set(['initialize', 'ping', 'server/discover', 'logging/setLevel']);

/**
 * Follows the kill switch by asking the database four times a second: a notification could be lost, and a connection
 * that listens could be dead without anybody knowing.
 */
export function followKillSwitch({ pool, log }: { pool: Pool; log: Logger }): KillSwitch {
  let known = { frozen: true, askedAtMs: Number.NEGATIVE_INFINITY };
  let failing = false;
  let asking: Promise<void> | null = null;
  const askOnce = async (): Promise<void> => {
    const askedAtMs = performance.now();
    const frozen = await isFrozen(pool);
    if (frozen !== known.frozen && known.askedAtMs > 0)
      log.warn({ frozen }, frozen ? 'frozen: nothing goes upstream' : 'the freeze is lifted');
    known = { frozen, askedAtMs };
    failing = false;
  };
  const ask = (): Promise<void> => {
    asking ??= askOnce().finally(() => {
      asking = null;
    });
    return asking;
  };
  const timer = setInterval(() => {
    ask().catch((error: unknown) => {
      if (!failing) log.warn({ err: error }, 'the kill switch cannot be asked; nothing passes until it can');
      failing = true;
    });
  }, lookEveryMs);
  timer.unref();
  const isFresh = (): boolean => performance.now() - known.askedAtMs < freshMs;
  return {
    stops(method) {
      if (harmless.has(method)) return false;
      return isFresh() ? known.frozen : askNow(ask, isFresh, () => known.frozen);
    },
    close: () => clearInterval(timer),
  };
}

/** What was asked long ago may have been answered before the switch was turned: then it is asked again. */
async function askNow(
  ask: () => Promise<void>,
  isFresh: () => boolean,
  frozen: () => boolean,
): Promise<boolean> {
  try {
    for (let tries = 0; tries < 3; tries++) {
      await ask();
      if (isFresh()) return frozen();
    }
  } catch (error) {
    throw unknown(error);
  }
  throw unknown(new Error('the database takes too long to answer'));
}

function unknown(cause: unknown): GatewayError {
  return new GatewayError(
    'database_unavailable',
    'Nothing was sent: whether calls are frozen cannot be found out right now. Try again in a moment.',
    { cause },
  );
}

/** What an agent is told while the kill switch is on. */
export const frozenText =
  'FROZEN. The call was not executed, and nobody was asked: people have stopped all calls through this gateway. ' +
  'Do not try to reach the same effect another way. Tell the person you work for, and call again when they say so.';

/** The answer to a request that the kill switch stops. */
export function frozenAnswer(exchange: MaskedExchange, request: RpcRequest): string {
  const { correlationId, protocolVersion } = exchange;
  if (request.method !== 'tools/call')
    return errorResponse(request.idJson, new GatewayError('frozen', frozenText), correlationId);
  const result = {
    ...(isModern(protocolVersion) && { resultType: 'complete' }),
    isError: true,
    content: [{ type: 'text', text: frozenText }],
    _meta: { 'dev.holdpoint/frozen': { correlationId } },
  };
  return `{"jsonrpc":"2.0","id":${request.idJson},"result":${JSON.stringify(result)}}`;
}
