import { resolve } from 'node:path';
import type { Problem } from '../../policy/problems.ts';
import type { Config, ConnectionConfig, Listen, TemporalTls } from './config.ts';
import { isLoopback, parseListen, urlOf } from './listen.ts';
import { decodeKey } from './forms.ts';
import { keyServiceOf } from './resolve-keys.ts';
import { recordingOf, slackCheckpoints, toMs } from './resolve-recording.ts';
import { rolesOf, rolesProblems } from './resolve-roles.ts';
import type { ConfigFile } from './schema.ts';

export interface ResolveOptions {
  readonly file: string | null;
  /** What relative paths are relative to. */
  readonly baseDir: string;
  readonly dataDir: string;
}

/**
 * Turns a well-formed file into the configuration that the program uses, and checks what concerns more than one
 * setting.
 */
export function resolveConfig(
  file: ConfigFile,
  options: ResolveOptions,
): { readonly config: Config } | { readonly problems: readonly Problem[] } {
  const listeners = listenersOf(file);
  const problems = [
    ...sharedAddresses(listeners),
    ...checkReach(file, listeners),
    ...unknownScopes(file),
    ...slackCheckpoints(file),
  ];
  return problems.length > 0 ? { problems } : { config: deepFreeze(assemble(file, options)) };
}

interface Listener {
  readonly path: readonly string[];
  readonly listen: Listen;
}

function listenersOf({ agents, console, metrics, slack }: ConfigFile): readonly Listener[] {
  const all: readonly (readonly [readonly string[], string | undefined])[] = [
    [['agents', 'listen'], agents.listen],
    [['console', 'listen'], console.listen],
    [['metrics', 'listen'], metrics?.listen],
    [['slack', 'listen'], slack?.listen],
  ];
  return all.flatMap(([path, text]) => (text === undefined ? [] : [{ path, listen: toListen(text) }]));
}

function sharedAddresses(listeners: readonly Listener[]): readonly Problem[] {
  const seen = new Map<string, Listener>();
  return listeners.flatMap((listener) => {
    const { host, port } = listener.listen;
    const taken = port === 0 ? undefined : seen.get(`${host}:${port}`);
    seen.set(`${host}:${port}`, listener);
    return taken
      ? [
          {
            path: listener.path,
            message: `is the address of ${taken.path.join('.')} too; each listener needs its own`,
          },
        ]
      : [];
  });
}

/**
 * Without identity, nothing may be reachable from elsewhere: neither by address nor by a proxy in front. Where only
 * listeners other than the agents' are reachable (a worker's metrics), nothing is said of callers, and there are none.
 */
function checkReach(file: ConfigFile, listeners: readonly Listener[]): readonly Problem[] {
  const { agents, console, identity } = file;
  const agentsPath = isPublic(agents.publicUrl) ? ['agents', 'publicUrl'] : ['agents', 'listen'];
  const agentsReach = isPublic(agents.publicUrl) || !isLoopback(toListen(agents.listen));
  const exposed = agentsReach ? agentsPath : listeners.find(({ listen }) => !isLoopback(listen))?.path;
  const problems: Problem[] = [];
  if (agentsReach && identity === undefined)
    problems.push({
      path: agentsPath,
      message:
        'reaches beyond this machine, but nothing says who may call; set `identity.issuers`, or use a loopback address such as 127.0.0.1',
    });
  if (exposed && identity?.anonymous !== undefined)
    problems.push({
      path: ['identity', 'anonymous'],
      message: `callers without a token are accepted only where every listener is on loopback, and ${exposed.join('.')} is not; remove \`anonymous\`, or use a loopback address`,
    });
  if (console.login === undefined && !isLoopback(toListen(console.listen)))
    problems.push({
      path: ['console', 'listen'],
      message:
        'reaches beyond this machine, but `console.login` does not say how people log in; set it, or use a loopback address',
    });
  if (identity?.authorizationServer && console.login === undefined)
    problems.push({
      path: ['identity', 'authorizationServer'],
      message: 'lets people sign in as they do on the console, but `console.login` does not say how; set it',
    });
  problems.push(...rolesProblems(file));
  return problems;
}

function isPublic(url: string | undefined): boolean {
  return url !== undefined && !isLoopback({ host: new URL(url).hostname.replace(/^\[|\]$/g, ''), port: 0 });
}

function assemble(file: ConfigFile, { file: name, baseDir, dataDir }: ResolveOptions): Config {
  const { agents, console, slack, temporal, keys, hold } = file;
  const agentsListen = toListen(agents.listen);
  const consoleListen = toListen(console.listen);
  return {
    file: name,
    dataDir,
    agents: { ...agents, listen: agentsListen, publicUrl: trimmed(agents.publicUrl ?? urlOf(agentsListen)) },
    metrics: file.metrics ? { listen: toListen(file.metrics.listen) } : null,
    console: {
      listen: consoleListen,
      publicUrl: trimmed(console.publicUrl ?? urlOf(consoleListen)),
      login: loginOf(console.login, trimmed(console.publicUrl ?? urlOf(consoleListen))),
      auditors: console.auditors ?? null,
    },
    roles: rolesOf(file),
    slack: slack
      ? {
          botToken: slack.botToken,
          appToken: slack.appToken ?? null,
          signingSecret: slack.signingSecret ?? null,
          listen: slack.listen === undefined ? null : toListen(slack.listen),
          apiUrl: slack.apiUrl,
        }
      : null,
    database: file.database,
    temporal: {
      address: temporal.address,
      namespace: temporal.namespace,
      uiPort: temporal.uiPort ?? 8472,
      apiKey: temporal.apiKey ?? null,
      tls: tlsOf(temporal),
    },
    keys: {
      encryption: [keys.encryption ?? []].flat().flatMap((key) => decodeKey(key) ?? []),
      kms: [keys.kms ?? []].flat().map((service) => keyServiceOf(service, baseDir)),
      votes: { privateKey: keys.votes.privateKey ?? null, publicKeys: keys.votes.publicKeys },
    },
    identity: identityOf(file),
    connections: Object.fromEntries(
      Object.entries(file.connections).map(([key, value]) => [key, connectionOf(value, baseDir)]),
    ),
    policy: resolve(baseDir, file.policy ?? 'policy.yaml'),
    hold: {
      graceMs: toMs(hold.grace),
      retentionMs: toMs(hold.retention),
      replyBudgetMs: toMs(hold.replyBudget),
      progressBudgetMs: toMs(hold.progressBudget),
    },
    recording: recordingOf(file.recording, { baseDir, dataDir }),
    log: file.log,
  };
}

function identityOf(file: ConfigFile): Config['identity'] {
  const { identity, connections } = file;
  return {
    issuers: (identity?.issuers ?? []).map(({ clockSkew, audience, jwksUrl, ...issuer }) => ({
      ...issuer,
      audience: [audience ?? []].flat(),
      jwksUrl: jwksUrl ?? null,
      clockSkewMs: toMs(clockSkew),
    })),
    workloads: (identity?.workloads ?? []).map(({ audience, scopes, jwksUrl, ...workload }) => ({
      ...workload,
      audience: [audience].flat(),
      scopes: scopes ?? null,
      jwksUrl: jwksUrl ?? null,
    })),
    authorizationServer: authorizationOf(identity?.authorizationServer),
    accessTokens: {
      named: identity?.accessTokens !== undefined,
      longestMs: toMs(identity?.accessTokens?.longest ?? '366d'),
    },
    toolClasses: Object.fromEntries(
      Object.entries(connections).flatMap(([name, { scopes }]) => (scopes ? [[name, scopes]] : [])),
    ),
    anonymous: identity === undefined ? localAgent(file) : (identity.anonymous ?? null),
  };
}

/** @param publicUrl of the console, by which a SAML provider knows it unless it is told another name */
function loginOf(login: ConfigFile['console']['login'], publicUrl: string): Config['console']['login'] {
  if (!login) return null;
  if (!('saml' in login)) return { mode: 'oidc', ...login };
  const { idpCerts, clockSkew, ...saml } = login.saml;
  return {
    mode: 'saml',
    ...saml,
    idpCerts: [idpCerts].flat(),
    entityId: saml.entityId ?? `${publicUrl}/login/saml/metadata`,
    emailAttribute: saml.emailAttribute ?? null,
    nameAttribute: saml.nameAttribute ?? null,
    subjectAttribute: saml.subjectAttribute ?? null,
    clockSkewMs: toMs(clockSkew),
    privateKey: saml.privateKey ?? null,
    publicCert: saml.publicCert ?? null,
  };
}

function authorizationOf(
  server: NonNullable<ConfigFile['identity']>['authorizationServer'],
): Config['identity']['authorizationServer'] {
  if (!server) return null;
  const { accessTokenLife, signInLife, ...rest } = server;
  return { ...rest, accessTokenLifeMs: toMs(accessTokenLife), signInLifeMs: toMs(signInLife) };
}

/** Scopes name connections and classes that there are. */
function unknownScopes({ identity, connections }: ConfigFile): readonly Problem[] {
  return (identity?.workloads ?? []).flatMap(({ scopes = [] }, index) =>
    scopes.flatMap((scope, at) => {
      const [, name = '', tools] = scope.split(':');
      const connection = Object.hasOwn(connections, name) ? connections[name] : undefined;
      const known = connection && (tools === undefined || Object.hasOwn(connection.scopes ?? {}, tools));
      const path = ['identity', 'workloads', index, 'scopes', at];
      return known
        ? []
        : [{ path, message: 'names no connection (or class of its tools) that is configured' }];
    }),
  );
}

/** Who calls when nothing is said of identity: anyone on this machine, if only this machine can call. */
function localAgent(file: ConfigFile): Config['identity']['anonymous'] {
  return listenersOf(file).every(({ listen }) => isLoopback(listen))
    ? { subject: 'local-agent', groups: [] }
    : null;
}

function connectionOf(connection: ConfigFile['connections'][string], baseDir: string): ConnectionConfig {
  if ('command' in connection) {
    const { cwd, idleTimeout, scopes: _, ...rest } = connection;
    return {
      kind: 'stdio',
      ...rest,
      cwd: cwd === undefined ? null : resolve(baseDir, cwd),
      idleTimeoutMs: toMs(idleTimeout),
    };
  }
  const { connectTimeout, idleTimeout, credentials, scopes: _, ...rest } = connection;
  return {
    kind: 'http',
    ...rest,
    credentials: credentials ?? null,
    connectTimeoutMs: toMs(connectTimeout),
    idleTimeoutMs: toMs(idleTimeout),
  };
}

function tlsOf({ tls, apiKey }: ConfigFile['temporal']): TemporalTls | null {
  if (tls === false || (tls === undefined && apiKey === undefined)) return null;
  const { ca = null, cert = null, key = null, serverName = null } = typeof tls === 'object' ? tls : {};
  return { ca, cert, key, serverName };
}

function toListen(text: string): Listen {
  const listen = parseListen(text);
  if (listen === null) throw new Error('a listener address got past the schema');
  return listen;
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, '');
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
