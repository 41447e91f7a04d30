import type { ConnectionSettings } from '../settings.ts';
import { createHttpUpstream } from './http.ts';
import type { UpstreamLimits } from './limits.ts';
import { createStdioUpstream, type StdioDeps } from './stdio.ts';
import type { Upstream } from './upstream.ts';

/** All configured upstream servers, by connection name. */
export interface Upstreams {
  get(connection: string): Upstream | undefined;
  /** Ends all sessions and processes. */
  close(): Promise<void>;
}

const defaultIdleTimeoutMs = 10 * 60_000;
const defaultMessageBytes = 8 * 1024 * 1024;

/**
 * @param limits apply to every upstream; left out, messages may have 8 MiB and 64 levels
 * @throws Error when a connection's URL can never be an upstream
 */
export function createUpstreams(
  connections: Readonly<Record<string, ConnectionSettings>>,
  deps: StdioDeps & { readonly limits?: Partial<Omit<UpstreamLimits, 'idleTimeoutMs'>> },
): Upstreams {
  const byName = new Map<string, Upstream>();
  for (const [name, settings] of Object.entries(connections)) {
    const limits: UpstreamLimits = {
      messageBytes: deps.limits?.messageBytes ?? defaultMessageBytes,
      depth: deps.limits?.depth ?? 64,
      idleTimeoutMs: settings.idleTimeoutMs ?? defaultIdleTimeoutMs,
    };
    byName.set(
      name,
      settings.kind === 'http'
        ? createHttpUpstream(name, settings, limits, deps.log)
        : createStdioUpstream(name, settings, limits, deps),
    );
  }
  return {
    get: (connection) => byName.get(connection),
    close: async () => {
      await Promise.all([...byName.values()].map((upstream) => upstream.close()));
    },
  };
}
