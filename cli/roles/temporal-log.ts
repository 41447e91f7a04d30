import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import type { Logger } from '../log.ts';

/** Sends what Temporal's SDK and its native core log to the process's own log. Once a process, before any worker. */
export function logTemporalTo(log: Logger): void {
  const logger = new DefaultLogger('WARN', ({ level, message, meta }) => {
    // Gateways host activities only; that is no mistake.
    if (message.startsWith('No workflows registered')) return;
    const facts = { temporal: meta };
    if (level === 'ERROR') log.error(facts, message);
    else log.warn(facts, message);
  });
  Runtime.install({
    logger,
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
    },
    // Signals are handled by whoever started the roles: everything is stopped in order.
    shutdownSignals: [],
  });
}
