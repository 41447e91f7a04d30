import { resolve } from 'node:path';
import type { Problem } from '../../policy/problems.ts';
import type { Config, ConnectionConfig, Listen, TemporalTls } from './config.ts';
import { isLoopback, parseListen, urlOf } from './listen.ts';
import { decodeKey } from './forms.ts';
import { breakGlassOf, breakGlassProblems, keyServiceOf } from './resolve-keys.ts';
import { recordingOf, slackCheckpoints, toMs } from './resolve-recording.ts';
import {
  connectionTlsOf,
  credentialOf,
  secretEnvOf,
  secretStoresOf,
  storeProblems,
} from './resolve-credentials.ts';
import { rolesOf, rolesProblems } from './resolve-roles.ts';
import { identityOf, loginOf, unknownScopes } from './resolve-identity.ts';
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
    ...breakGlassProblems(file),
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
  for (const [index, { connections = [] }] of file.hold.clients.entries())
    for (const name of connections)
      if (!Object.hasOwn(file.connections, name))
        problems.push({
          path: ['hold', 'clients', index, 'connections'],
          message: `names "${name}", which is no connection of this file`,
        });
  problems.push(...rolesProblems(file), ...storeProblems(file));
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
      deployment: temporal.deployment ?? null,
      codecServer: codecServerOf(temporal),
    },
    keys: {
      encryption: [keys.encryption ?? []].flat().flatMap((key) => decodeKey(key) ?? []),
      kms: [keys.kms ?? []].flat().map((service) => keyServiceOf(service, baseDir)),
      breakGlass: breakGlassOf(file),
      votes: { privateKey: keys.votes.privateKey ?? null, publicKeys: keys.votes.publicKeys },
    },
    identity: identityOf(
      file,
      listenersOf(file).every(({ listen }) => isLoopback(listen)),
    ),
    secretStores: secretStoresOf(file, baseDir),
    connections: Object.fromEntries(
      Object.entries(file.connections).map(([key, value]) => [key, connectionOf(value, baseDir)]),
    ),
    policy: resolve(baseDir, file.policy ?? 'policy.yaml'),
    policyNamed: file.policy !== undefined,
    hold: {
      graceMs: toMs(hold.grace),
      retentionMs: toMs(hold.retention),
      replyBudgetMs: toMs(hold.replyBudget),
      progressBudgetMs: toMs(hold.progressBudget),
      clients: hold.clients.map(heldClientOf),
    },
    recording: recordingOf(file.recording, { baseDir, dataDir }),
    log: file.log,
  };
}

function heldClientOf(client: ConfigFile['hold']['clients'][number]): Config['hold']['clients'][number] {
  const { connections = null, subjects = null, credentials = null, elicit } = client;
  const budgetMs = (budget: string): number | null => (budget === 'unlimited' ? null : toMs(budget));
  return {
    connections,
    subjects,
    credentials,
    ...(client.replyBudget !== undefined && { replyBudgetMs: budgetMs(client.replyBudget) }),
    ...(client.progressBudget !== undefined && { progressBudgetMs: budgetMs(client.progressBudget) }),
    ...(elicit && { elicit }),
  };
}

function connectionOf(connection: ConfigFile['connections'][string], baseDir: string): ConnectionConfig {
  if ('command' in connection) {
    const { cwd, idleTimeout, secretEnv, scopes: _, sealedCopy: __, ...rest } = connection;
    return {
      kind: 'stdio',
      ...rest,
      secretEnv: secretEnvOf(secretEnv),
      cwd: cwd === undefined ? null : resolve(baseDir, cwd),
      idleTimeoutMs: toMs(idleTimeout),
    };
  }
  const { connectTimeout, idleTimeout, credentials, tls, scopes: _, sealedCopy: __, ...rest } = connection;
  return {
    kind: 'http',
    ...rest,
    credentials: credentialOf(credentials),
    tls: connectionTlsOf(tls),
    connectTimeoutMs: toMs(connectTimeout),
    idleTimeoutMs: toMs(idleTimeout),
  };
}

function codecServerOf({ codecServer }: ConfigFile['temporal']): Config['temporal']['codecServer'] {
  if (!codecServer) return null;
  const { people = [], groups = [] } = codecServer.readers;
  return { ...codecServer, listen: toListen(codecServer.listen), readers: { people, groups } };
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
