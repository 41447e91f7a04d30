import type { IncomingHttpHeaders } from 'node:http';
import { GatewayError } from './errors.ts';
import type { AgentSettings, ListenSettings } from './settings.ts';

/**
 * Refuses requests that a web page made a browser send: a foreign Origin, or a Host that is not this gateway's (DNS
 * rebinding).
 * @param bound the address that the listener got
 * @returns a check that throws GatewayError `origin_refused` or `host_refused`
 */
export function createGuard(
  settings: Pick<AgentSettings, 'publicUrl' | 'allowedHosts' | 'allowedOrigins'>,
  bound: () => ListenSettings,
): (headers: IncomingHttpHeaders) => void {
  const publicUrl = new URL(settings.publicUrl);
  const origins = new Set([publicUrl.origin, ...settings.allowedOrigins]);
  const configured = new Set([publicUrl.host, publicUrl.hostname, ...settings.allowedHosts]);
  let own: ReadonlySet<string> | null = null;
  return (headers) => {
    own ??= ownHosts(bound());
    const { host = '', origin } = headers;
    const name = host.toLowerCase();
    if (!own.has(name) && !configured.has(name) && !configured.has(name.replace(/:\d+$/, '')))
      throw new GatewayError(
        'host_refused',
        'the Host header names none of the hosts of this gateway; set agents.publicUrl or agents.allowedHosts',
      );
    if (origin === undefined || origins.has(origin)) return;
    if (own.has(origin.replace(/^http:\/\//, ''))) return;
    throw new GatewayError(
      'origin_refused',
      'web pages of this origin may not call this gateway; agents.allowedOrigins names those that may',
    );
  };
}

function ownHosts({ host, port }: ListenSettings): Set<string> {
  const shown = host.includes(':') ? `[${host}]` : host;
  const hosts = [`${shown}:${port}`];
  if (host === '127.0.0.1' || host === '::1' || host === 'localhost')
    hosts.push(`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`);
  return new Set(hosts);
}
