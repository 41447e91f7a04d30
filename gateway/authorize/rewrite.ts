import type { IncomingMessage } from 'node:http';
import { firstScope, scopesOf } from '../identify/scopes.ts';
import { connectionOfResource } from './resources.ts';
import type { AuthorizationSettings } from './settings.ts';

/**
 * Makes a request look as if it had come to the public URL, whatever proxies stand in front and whatever headers it
 * brought: addresses that the authorization server makes are those of the public URL alone. The cookie by which it
 * would know somebody who signed in before is taken away, since it is to know nobody.
 */
export function asPublic(request: IncomingMessage, { issuer }: AuthorizationSettings): void {
  const { protocol, host, pathname } = new URL(issuer);
  const { headers } = request;
  headers.host = host;
  headers['x-forwarded-host'] = host;
  headers['x-forwarded-proto'] = protocol.slice(0, -1);
  delete headers['x-forwarded-for'];
  if (headers.cookie !== undefined)
    headers.cookie = headers.cookie
      .split('; ')
      .filter((pair) => !/^_session(?:\.legacy)?(?:\.sig)?=/.test(pair))
      .join('; ');
  const base = pathname.replace(/\/$/, '');
  Object.assign(request, { originalUrl: base + (request.url ?? '/') });
}

/**
 * Fills in what a client left out of an authorization request: the resource, where there is only one connection, and
 * the least scope of it, where it asks for none.
 */
export function withDefaults(request: IncomingMessage, settings: AuthorizationSettings): void {
  const url = new URL(request.url ?? '/', 'http://here');
  const query = url.searchParams;
  const [only, ...more] = settings.connections;
  if (!query.has('resource') && only !== undefined && more.length === 0)
    query.set('resource', `${settings.issuer}/mcp/${only}`);
  const connection = connectionOfResource(settings, query.get('resource') ?? '');
  if (connection !== null) {
    const classes = settings.toolClasses[connection];
    const asked = (query.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
    const known = scopesOf(connection, classes);
    if (!asked.some((scope) => known.includes(scope)))
      query.set('scope', [...asked, firstScope(connection, classes)].join(' '));
  }
  const before = request.url ?? '/';
  request.url = url.pathname + url.search;
  const { originalUrl } = request as { originalUrl?: string };
  if (originalUrl !== undefined)
    Object.assign(request, {
      originalUrl: originalUrl.slice(0, originalUrl.length - before.length) + request.url,
    });
}
