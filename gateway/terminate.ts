import type { IncomingMessage, ServerResponse } from 'node:http';
import { refuseModern } from './era.ts';
import { identify, sessionOf, type EnterDeps } from './enter.ts';

/** `DELETE /mcp/<connection>`: the client ends its session, here and upstream. */
export async function terminate(
  deps: EnterDeps,
  request: IncomingMessage,
  reply: ServerResponse,
  connection: string,
  correlationId: string,
): Promise<void> {
  refuseModern(request.headers);
  const identified = await identify(deps, request, connection);
  const session = await sessionOf(deps, identified, request, correlationId);
  await deps.sessions.end(session, 'ended by the client');
  reply.writeHead(200).end();
}
