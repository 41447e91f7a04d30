import { credentialsUnavailable } from '../credentials/errors.ts';
import type { CredentialDeps } from '../credentials/inject.ts';
import type { ConnectionSettings } from '../settings.ts';
import { createHttpUpstream } from './http.ts';
import type { UpstreamLimits } from './limits.ts';
import { createStdioUpstream, type StdioDeps } from './stdio.ts';
import { createTextReader } from './text-reader.ts';
import type { Upstream } from './upstream.ts';

/** All configured upstream servers, by connection name. */
export interface Upstreams {
  get(connection: string): Upstream | undefined;
  /** Ends all sessions and processes. */
  close(): Promise<void>;
}

const defaultIdleTimeoutMs = 10 * 60_000;
const defaultMessageBytes = 8 * 1024 * 1024;

/** Without stores and token endpoints: whatever is asked of them cannot be had. */
const nothingElsewhere: CredentialDeps = {
  secrets: {
    value: (connection) => Promise.reject(credentialsUnavailable(connection, 'no secret store is set up')),
    forget: () => {},
    close: () => {},
  },
  tokens: {
    token: ({ connection }) =>
      Promise.reject(credentialsUnavailable(connection, 'no token endpoint is set up')),
    refused: async () => false,
  },
  bearers: null,
};

/**
 * @param limits apply to every upstream; left out, messages may have 8 MiB and 64 levels
 * @throws Error when a connection's URL can never be an upstream
 */
export function createUpstreams(
  connections: Readonly<Record<string, ConnectionSettings>>,
  deps: Omit<StdioDeps, 'injecting' | 'reader'> & {
    /** Left out where no credential comes from elsewhere. */
    readonly injecting?: CredentialDeps;
    readonly limits?: Partial<Omit<UpstreamLimits, 'idleTimeoutMs'>>;
  },
): Upstreams {
  const byName = new Map<string, Upstream>();
  const injecting = deps.injecting ?? nothingElsewhere;
  const reader = createTextReader();
  for (const [name, settings] of Object.entries(connections)) {
    const limits: UpstreamLimits = {
      messageBytes: deps.limits?.messageBytes ?? defaultMessageBytes,
      depth: deps.limits?.depth ?? 64,
      idleTimeoutMs: settings.idleTimeoutMs ?? defaultIdleTimeoutMs,
    };
    byName.set(
      name,
      settings.kind === 'http'
        ? createHttpUpstream(name, settings, limits, { log: deps.log, injecting, reader })
        : createStdioUpstream(name, settings, limits, { ...deps, injecting, reader }),
    );
  }
  return {
    get: (connection) => byName.get(connection),
    close: async () => {
      await Promise.all([...byName.values()].map((upstream) => upstream.close()));
      await reader.close();
    },
  };
}
