import fastify, { type FastifyInstance } from 'fastify';
import type { Metrics } from './metrics.ts';
import type { ListenSettings } from './settings.ts';

/** Starts the listener that Prometheus reads; it is never the agents'. @throws Error when its port is taken */
export async function listenForMetrics(listen: ListenSettings, metrics: Metrics): Promise<FastifyInstance> {
  const app = fastify({ logger: false, forceCloseConnections: true });
  app.get('/metrics', (_request, reply) => reply.type('text/plain; version=0.0.4').send(metrics.text()));
  await app.listen({ ...listen });
  return app;
}
