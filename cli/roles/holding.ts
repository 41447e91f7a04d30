import { GatewayError } from '../../gateway/errors.ts';
import type { HoldPort } from '../../gateway/hold-port.ts';
import type { Logger } from '../log.ts';

/**
 * The hold step of a gateway that starts while Temporal cannot be reached: calls that policy holds are refused as
 * retryable, everything else goes on, and holding takes over as soon as it has started.
 */
export function lateHolding(starting: Promise<HoldPort>, log: Logger): HoldPort {
  let port: HoldPort | null = null;
  const takeOver = async (): Promise<void> => {
    try {
      port = await starting;
    } catch (error) {
      log.error({ err: error }, 'holding could not be started; calls that policy holds are refused');
    }
  };
  void takeOver();
  const there = (): HoldPort => {
    if (port) return port;
    throw new GatewayError(
      'approvals_unavailable',
      'This call needs an approval, and the approval service cannot be reached. Nothing was sent. Try again in a moment.',
    );
  };
  return {
    hold: async (request) => there().hold(request),
    adopt: async (task) => there().adopt(task),
    resume: async (request) => there().resume(request),
    withdraw: async (...what) => there().withdraw(...what),
    answered: (...what) => port?.answered(...what),
    waiting: () => port?.waiting() ?? new Map(),
    letGo: (...what) => port?.letGo(...what),
    cancelled: async (...what) => (port ? port.cancelled(...what) : false),
    close: async () => {
      await port?.close();
    },
  };
}
