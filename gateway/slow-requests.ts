import type { FastifyServerOptions } from 'fastify';
import type { ServerOptions } from 'node:http';

/**
 * The listener's options that cut off whoever does not send a request whole in time; replies may take as long as
 * they like.
 */
export function slowRequests(
  seconds: number,
): Pick<FastifyServerOptions, 'requestTimeout'> & { http: ServerOptions } {
  const requestTimeout = seconds * 1000;
  // Node looks for late requests this often: at its 30 s a limit of a few seconds would be none.
  const connectionsCheckingInterval = Math.min(30_000, requestTimeout / 4);
  return { requestTimeout, http: { connectionsCheckingInterval, headersTimeout: requestTimeout } };
}
