import type { Logger } from 'pino';
import type { Masker } from '../../masking/engine.ts';
import { type CredentialDeps, injectEnvironment } from '../credentials/inject.ts';
import { UpstreamError } from '../errors.ts';
import type { StdioConnectionSettings } from '../settings.ts';
import type { UpstreamLimits } from './limits.ts';
import { secretRemover } from './own-secrets.ts';
import { startStdioProcess } from './stdio-process.ts';
import { createSharedSession } from './shared-session.ts';
import { superviseStdio } from './stdio-supervisor.ts';
import type { TextReader } from './text-reader.ts';
import { createBridgedSession } from './translate/bridged-session.ts';
import type { Upstream, UpstreamSession } from './upstream.ts';

/** An environment variable with such a name holds a secret that the server must not echo to the agent. */
const secretName = /token|secret|password|passwd|api_?key|private_?key|credential|auth/i;

export interface StdioDeps {
  readonly injecting: CredentialDeps;
  readonly log: Logger;
  /** Masks what servers write to standard error before it is logged. */
  readonly masker: () => Masker;
  readonly reader: TextReader;
}

/** An upstream that the gateway starts: one process for each client session, at most `maxProcesses` at a time. */
export function createStdioUpstream(
  connection: string,
  settings: StdioConnectionSettings,
  limits: UpstreamLimits,
  deps: StdioDeps,
): Upstream {
  const name = `upstream "${connection}"`;
  const sessions = new Set<UpstreamSession>();
  const secrets = Object.entries(settings.env).flatMap(([key, value]) =>
    secretName.test(key) ? [value] : [],
  );
  return {
    connection,
    async open(context) {
      if (sessions.size >= settings.maxProcesses)
        throw new UpstreamError(
          'upstream_busy',
          `${name} already runs ${settings.maxProcesses} processes, as many as are allowed; try again later`,
          { sent: false },
        );
      const injected = await injectEnvironment(
        connection,
        settings.env,
        settings.secretEnv ?? {},
        deps.injecting.secrets,
      );
      const withoutSecrets = secretRemover([...secrets, ...injected.secrets]);
      const log = deps.log.child({ connection, session: context.sessionId });
      const onStderr = (line: string): void =>
        log.info({ stderr: deps.masker().text(withoutSecrets(line)).text }, 'stdio server wrote to stderr');
      const supervisor = superviseStdio(name, ({ onLine }) =>
        startStdioProcess({ ...settings, env: injected.env }, limits.messageBytes, { onLine, onStderr }, log),
      );
      const session: UpstreamSession = createSharedSession(supervisor, {
        name,
        depth: limits.depth,
        idleTimeoutMs: limits.idleTimeoutMs,
        withoutSecrets,
        reader: deps.reader,
        onInvalid: (because) => log.warn({ because }, 'stdio server wrote what is no valid message'),
        onClose: () => sessions.delete(session),
      });
      sessions.add(session);
      return context.stateless
        ? createBridgedSession({ modern: session, legacy: () => session }, name)
        : session;
    },
    // The process belongs to the replica that started it.
    resume: () => null,
    async close() {
      await Promise.all([...sessions].map((session) => session.close()));
    },
  };
}
