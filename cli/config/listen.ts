import type { Listen } from './config.ts';

/** Reads `HOST:PORT` or `[IPv6]:PORT`; null when it is anything else. */
export function parseListen(text: string): Listen | null {
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text);
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3]);
  return host !== undefined && port <= 65_535 ? { host, port } : null;
}

/** Whether only this machine can reach the listener. Names other than `localhost` count as reachable. */
export function isLoopback({ host }: Listen): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/** `http://127.0.0.1:8470`: how the machine itself reaches the listener. */
export function urlOf({ host, port }: Listen): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
