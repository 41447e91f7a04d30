import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { startPooledMasking } from '../../cli/roles/mask-pool.ts';
import { createRecordStore } from '../../db/records.ts';
import type { HoldingDeps } from '../../gateway/hold/holding.ts';
import { startToolDefinitions } from '../../gateway/definitions/registry.ts';
import type { AuthorizationServer } from '../../gateway/authorize/server.ts';
import type { HoldPort } from '../../gateway/hold-port.ts';
import { createIdentifier, type Identifier } from '../../gateway/identify/identify.ts';
import type { CredentialDeps } from '../../gateway/credentials/inject.ts';
import type { UpstreamTokensDeps } from '../../gateway/credentials/tokens.ts';
import { gatedUpstreams } from '../../gateway/containment/gated-upstreams.ts';
import { startGate } from '../../gateway/containment/gate.ts';
import { type Gateway, startGateway } from '../../gateway/server.ts';
import type { AgentSettings, ConnectionSettings, StdioConnectionSettings } from '../../gateway/settings.ts';
import { createUpstreams } from '../../gateway/upstreams/upstreams.ts';
import { loadMaskingConfig } from '../../masking/check-config.ts';
import type { MaskingEngine } from '../../masking/engine.ts';
import { compilePolicy, formatPolicyError } from '../../policy/compile.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Recorder } from '../../recording/event.ts';
import { type KeyRing, localKeyRing, newDataKey } from '../../recording/key-ring.ts';
import { createRecorder } from '../../recording/recorder.ts';
import type { SealedCopies } from '../../recording/sealed-copy.ts';
import { type TestDatabase, testDatabase } from './postgres.ts';

/** A gateway with real parts: PostgreSQL, recording, masking, policy. */
export interface TestGateway extends AsyncDisposable {
  readonly recorder: Recorder;
  readonly keyRing: KeyRing;
  readonly gateway: Gateway;
  readonly url: (connection: string) => string;
  readonly db: TestDatabase;
  /** Puts another policy in force, as a change of the file does. */
  readonly setPolicy: (text: string) => void;
  /** What was logged, one JSON text a line. */
  readonly log: string[];
}

/** Parts of a test gateway that holding shares with it. */
export type HoldParts = Pick<
  HoldingDeps,
  | 'pool'
  | 'policy'
  | 'databaseUrl'
  | 'keyRing'
  | 'recorder'
  | 'maskers'
  | 'upstreams'
  | 'definitions'
  | 'gate'
  | 'replica'
  | 'log'
>;

export interface TestGatewayOptions {
  readonly connections: Readonly<Record<string, ConnectionSettings>>;
  /** Policy as YAML; left out, everything passes. */
  readonly policy?: string;
  /** A hold step, or what makes one of the gateway's own parts. */
  readonly hold?: HoldPort | ((parts: HoldParts) => HoldPort | Promise<HoldPort>);
  readonly logLevel?: string;
  readonly metrics?: boolean;
  /** Left out, everybody is the anonymous local agent. */
  readonly identifier?: Identifier;
  readonly limits?: Partial<AgentSettings['limits']>;
  /** Where credentials come from that are not in the settings; given the gateway's own parts. */
  readonly injecting?: (parts: UpstreamTokensDeps) => CredentialDeps;
  /** A database of the test's own, which it disposes of itself. */
  readonly db?: TestDatabase;
  /** The port to listen on; the public URL is then that address. Left out, one is chosen, and the public URL names none. */
  readonly port?: number;
  readonly authorization?: AuthorizationServer;
  readonly consoleUrl?: string;
  /** The key-encryption key, where a gateway of another process is to read what this one sealed. */
  readonly key?: Uint8Array;
  /** Puts something between the gateway and its masking, such as a failure. */
  readonly masking?: (engine: MaskingEngine) => MaskingEngine;
  /** Connections with sealed copies, and who is sealed to. */
  readonly copies?: SealedCopies;
  /** Shares another gateway's database and keys: a second replica. */
  readonly replicaOf?: TestGateway;
}

/** Settings of an HTTP connection without anything special. */
export function httpConnection(url: string): ConnectionSettings {
  return { kind: 'http', url, headers: {}, credentials: null, connectTimeoutMs: 2000 };
}

/** Settings of a stdio connection, with nothing special but `more`. */
export function stdioConnection(
  command: string[],
  env: Record<string, string> = {},
  more: Partial<StdioConnectionSettings> = {},
): ConnectionSettings {
  return { kind: 'stdio', command, cwd: null, env, maxProcesses: 20, ...more };
}

/** Signs what tests decide on tool definitions; every test gateway knows the public half. */
const pair = generateKeyPairSync('ed25519');
export const definitionKey = {
  id: 'test',
  privateKey: pair.privateKey,
  publicKey: pair.publicKey.export({ format: 'jwk' }).x ?? '',
};

const keyRings = new WeakMap<TestDatabase, ReturnType<typeof localKeyRing>>();

/** Starts a gateway on a free port. */
export async function testGateway(options: TestGatewayOptions): Promise<TestGateway> {
  const db = options.db ?? options.replicaOf?.db ?? (await testDatabase());
  const keyRing = keyRings.get(db) ?? localKeyRing([options.key ?? newDataKey()]);
  keyRings.set(db, keyRing);
  const log: string[] = [];
  const logger = pino(
    { level: options.logLevel ?? 'debug' },
    { write: (line: string) => void log.push(line) },
  );
  const { copies = null } = options;
  const recorder = createRecorder({ store: createRecordStore(db.pool), keyRing, copies });
  let policy = policyOf(options.policy ?? 'default: pass\n', Object.keys(options.connections));
  const masking = startPooledMasking(loadMaskingConfig(policy.masking), randomBytes(32));
  const engine = (): MaskingEngine => options.masking?.(masking.engine()) ?? masking.engine();
  const definitions = await startToolDefinitions({
    pool: db.pool,
    databaseUrl: db.url,
    policy: () => policy,
    votePublicKeys: { test: definitionKey.publicKey },
    log: logger,
  });
  const replica = `test-${Math.random()}`;
  const gate = await startGate({
    pool: db.pool,
    databaseUrl: db.url,
    replica,
    log: logger,
    maskText: (text) => masking.engine().masker('default').text(text).text,
  });
  const bare = createUpstreams(options.connections, {
    ...(options.injecting && { injecting: options.injecting({ pool: db.pool, keyRing, log: logger }) }),
    log: logger,
    masker: () => masking.engine().masker('default'),
  });
  const upstreams = gatedUpstreams(bare, gate);
  const parts: HoldParts = {
    pool: db.pool,
    policy: () => policy,
    databaseUrl: db.url,
    keyRing,
    recorder,
    maskers: engine,
    upstreams,
    gate,
    definitions,
    replica,
    log: logger,
  };
  const publicUrl = options.port === undefined ? 'http://gateway.test' : `http://127.0.0.1:${options.port}`;
  const gateway = await startGateway({
    agents: {
      listen: { host: '127.0.0.1', port: options.port ?? 0 },
      publicUrl,
      allowedOrigins: [],
      allowedHosts: [],
      limits: {
        bodyBytes: 4 * 1024 * 1024,
        depth: 64,
        sessions: 1000,
        streams: 1000,
        streamsPerCaller: 1000,
        tasksPerCaller: 1000,
        sessionsPerCaller: 1000,
        requestSeconds: 60,
        ...options.limits,
      },
    },
    metrics: options.metrics ? { listen: { host: '127.0.0.1', port: 0 } } : null,
    identifier:
      options.identifier ??
      createIdentifier({ issuers: [], anonymous: { subject: 'local-agent', groups: [] } }),
    authorization: options.authorization ?? null,
    policy: () => policy,
    maskers: engine,
    tokenSecret: new Uint8Array(32).fill(5),
    recorder,
    pool: db.pool,
    keyRing,
    upstreams,
    hold: typeof options.hold === 'function' ? await options.hold(parts) : (options.hold ?? noHold),
    definitions,
    consoleUrl: options.consoleUrl ?? 'http://console.test',
    log: logger,
    replica,
    gate,
  });
  return {
    gateway,
    url: (connection) => `http://127.0.0.1:${gateway.address.port}/mcp/${connection}`,
    db,
    recorder,
    keyRing,
    log,
    setPolicy(text) {
      policy = policyOf(text, Object.keys(options.connections));
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop(1000);
      await definitions.close();
      await upstreams.close();
      await recorder.close();
      await gate.close();
      await masking.close();
      if (!options.replicaOf && !options.db) await db[Symbol.asyncDispose]();
    },
  };
}

export function policyOf(text: string, connections: string[]): Policy {
  const compiled = compilePolicy(text, {
    file: 'policy.yaml',
    connections,
    slackConfigured: true,
    checkMasking: () => [],
  });
  if ('errors' in compiled) throw new Error(compiled.errors.map(formatPolicyError).join('\n'));
  return compiled.policy;
}

/** For tests in which nothing is held. */
export const noHold: HoldPort = {
  hold: async () => {
    throw new Error('this test holds nothing');
  },
  adopt: async () => {},
  resume: async () => null,
  withdraw: async () => {},
  letGo: () => {},
  waiting: () => new Map(),
  answered: () => {},
  cancelled: async () => false,
  close: async () => {},
};
