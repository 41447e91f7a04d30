import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection } from '@temporalio/worker';
import { linkTemporal, type TemporalLink, tlsOf } from '../../workflows/client.ts';
import type { RoleContext } from './context.ts';

/** A link for asking workflows (start, Update, signal); needs no server to be there yet. */
export function temporalLink({ config, addresses, keys }: RoleContext): TemporalLink {
  const { namespace, apiKey, tls } = config.temporal;
  return linkTemporal({
    address: addresses.temporalAddress,
    namespace,
    apiKey,
    tls,
    codecKeys: keys.codecKeys,
  });
}

/**
 * A connection for polling. Waits for the server, saying so every few seconds, until it is there.
 * @throws Error when `stopped` is aborted first
 */
export async function workerConnection(
  context: RoleContext,
  stopped: AbortSignal,
): Promise<NativeConnection> {
  const { config, addresses, log } = context;
  const { apiKey, tls } = config.temporal;
  for (let attempt = 0; ; attempt++) {
    try {
      return await NativeConnection.connect({
        address: addresses.temporalAddress,
        ...(apiKey ? { apiKey } : {}),
        ...(tls ? { tls: tlsOf(tls) } : {}),
      });
    } catch (error) {
      if (attempt % 5 === 0)
        log.warn(
          { address: addresses.temporalAddress, err: error },
          'Temporal cannot be reached; trying again',
        );
      await sleep(1000, undefined, { signal: stopped });
    }
  }
}
