import type { FastifyInstance } from 'fastify';
import type { ConsoleContext } from '../deps.ts';
import { apiScope } from './scope.ts';

/** What the API's tokens are made for (RFC 8707): its address. */
export function apiResource(consoleUrl: string): string {
  return `${consoleUrl.replace(/\/$/, '')}/api/v1`;
}

/** Says where to sign in for the API (RFC 9728), so that `holdpoint login` needs nothing but the console's address. */
export function resourceRoutes(app: FastifyInstance, context: ConsoleContext): void {
  const { signIns, login } = context;
  app.get('/.well-known/oauth-protected-resource/api/v1', async () => ({
    resource: apiResource(context.origin()),
    resource_name: 'Holdpoint',
    ...(signIns && { authorization_servers: [signIns.issuer] }),
    scopes_supported: [apiScope],
    bearer_methods_supported: ['header'],
    // Where nobody signs in, whoever has the data directory's credential is let in.
    holdpoint_login: login.mode,
  }));
}
