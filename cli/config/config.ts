import type { LoginSettings } from '../../console/deps.ts';
import type {
  HttpCredential,
  SecretReference,
  SecretStoreSettings,
} from '../../gateway/credentials/settings.ts';
import type { ClientHoldSettings } from '../../gateway/hold/settings.ts';
import type { IssuerSettings, ToolClasses, WorkloadSettings } from '../../gateway/identify/settings.ts';
import type { AgentSettings, HttpTls } from '../../gateway/settings.ts';
import type { AwsCredentials } from '../../recording/keys/aws-credentials.ts';
import type { AwsKmsSettings } from '../../recording/keys/aws-kms.ts';
import type { AzureKeySettings } from '../../recording/keys/azure-key-vault.ts';
import type { GcpKmsSettings } from '../../recording/keys/gcp-kms.ts';
import type { VaultSettings } from '../../recording/keys/vault.ts';
import type { RetentionRule } from '../../recording/purge.ts';

/** Where a listener binds. Port 0 lets the system choose (tests). */
export interface Listen {
  readonly host: string;
  readonly port: number;
}

/** A caller without a token is this subject. Only where every listener is on loopback. */
export interface AnonymousConfig {
  readonly subject: string;
  readonly groups: readonly string[];
}

export interface HttpConnection {
  readonly kind: 'http';
  readonly url: string;
  /** Sent with every request; never anything that came from the client. */
  readonly headers: Readonly<Record<string, string>>;
  /** The credential that Holdpoint holds so that agents need not. A secret. */
  readonly credentials: HttpCredential | null;
  readonly tls: HttpTls | null;
  readonly connectTimeoutMs: number;
  /** How long upstream may be silent within one exchange. */
  readonly idleTimeoutMs: number;
}

export interface StdioConnection {
  readonly kind: 'stdio';
  /** Program and arguments; started without a shell. */
  readonly command: readonly string[];
  /** Absolute; null is the working directory of the gateway. */
  readonly cwd: string | null;
  /** The whole environment beyond PATH, HOME and the like: nothing else of the gateway's is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly secretEnv: Readonly<Record<string, SecretReference>>;
  readonly maxProcesses: number;
  /** How long the process may be silent within one exchange. */
  readonly idleTimeoutMs: number;
}

export type ConnectionConfig = HttpConnection | StdioConnection;

/** TLS towards Temporal. `ca`, `cert` and `key` are PEM texts. */
export interface TemporalTls {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  readonly serverName: string | null;
}

/** Somewhere a checkpoint is kept that whoever can change the database cannot. */
export type CheckpointTarget =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'webhook'; readonly url: string; readonly secret: Uint8Array | null }
  | { readonly kind: 'slack'; readonly channel: string; readonly everyMs: number }
  | {
      readonly kind: 's3';
      readonly bucketUrl: string;
      readonly key: string;
      readonly region: string;
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
    };

/** A key service. */
export type KeyServiceConfig =
  | { readonly kind: 'vault'; readonly settings: VaultSettings }
  | {
      readonly kind: 'aws';
      readonly settings: AwsKmsSettings;
      /** Null: those of the task or the instance. */
      readonly credentials: AwsCredentials | null;
    }
  | { readonly kind: 'gcp'; readonly settings: GcpKmsSettings }
  | { readonly kind: 'azure'; readonly settings: AzureKeySettings };

/** The tamper-evident log over all recordings. */
export interface RecordingConfig {
  /** Name under which checkpoints are signed. */
  readonly origin: string;
  /** Ed25519 seed, 32 bytes; null when none is configured. */
  readonly signingKey: Uint8Array | null;
  readonly checkpoints: readonly CheckpointTarget[];
  /** `key` is the witness's verification key (C2SP). */
  readonly witnesses: readonly { readonly url: string; readonly key: string }[];
  /** The first rule that names a session applies. Empty: everything is kept for ever. */
  readonly retention: readonly RetentionRule[];
  readonly purgeEveryMs: number;
}

/** Everything that is configured, checked, defaulted and frozen. Durations in milliseconds, paths absolute. */
export interface Config {
  /** The file it was read from; null when only defaults and the environment apply. */
  readonly file: string | null;
  readonly dataDir: string;
  readonly agents: Omit<AgentSettings, 'limits'> & {
    readonly limits: AgentSettings['limits'] & { readonly heldCallsPerCaller: number };
  };
  readonly metrics: { readonly listen: Listen } | null;
  readonly console: {
    readonly listen: Listen;
    readonly publicUrl: string;
    /** null: the one-time link of the embedded default, loopback only. */
    readonly login: Exclude<LoginSettings, { mode: 'local' }> | null;
    /** Who may look at every request and recording, where people log in. null: nobody. */
    readonly auditors: { readonly people: readonly string[]; readonly groups: readonly string[] } | null;
  };
  /** Who is what on Holdpoint itself; `console.auditors` are among the auditors. */
  readonly roles: Readonly<
    Partial<
      Record<
        'viewer' | 'approver' | 'auditor' | 'operator' | 'owner',
        { readonly people: readonly string[]; readonly groups: readonly string[] }
      >
    >
  >;
  /** null: no Slack. Socket Mode when `appToken` is set, HTTP mode when `signingSecret` and `listen` are. */
  readonly slack: {
    readonly botToken: string;
    readonly appToken: string | null;
    readonly signingSecret: string | null;
    readonly listen: Listen | null;
    readonly apiUrl: string;
  } | null;
  /** `embedded`, or a postgres:// URL (a secret). */
  readonly database: { readonly url: string };
  readonly temporal: {
    /** `embedded`, or host:port. */
    readonly address: string;
    readonly namespace: string;
    /** Where the UI of the embedded server listens, on loopback. Meaningless for any other server. */
    readonly uiPort: number;
    readonly apiKey: string | null;
    /** null: no TLS. */
    readonly tls: TemporalTls | null;
    /** null: workers are not versioned. */
    readonly deployment: { readonly name: string; readonly buildId: string } | null;
    /** null: payloads are decoded for nobody (the embedded default has its own). */
    readonly codecServer: {
      readonly listen: Listen;
      readonly uiOrigin: string;
      readonly issuer: string;
      readonly audience: string;
      readonly groupsClaim: string;
      readonly readers: { readonly people: readonly string[]; readonly groups: readonly string[] };
    } | null;
  };
  readonly keys: {
    /** Key-encryption keys of 32 bytes; the first seals, all open. Empty: none configured. */
    readonly encryption: readonly Uint8Array[];
    /** Services that wrap data keys in their place: the first wraps, all open. */
    readonly kms: readonly KeyServiceConfig[];
    /** Sealed copies and who they are sealed to; null: none are kept. */
    readonly breakGlass: {
      /** X25519, raw. */
      readonly publicKey: Uint8Array;
      /** A secret; null where this process opens nothing. */
      readonly privateKey: string | null;
      /** Connections whose unmasked messages are kept as sealed copies. */
      readonly connections: readonly string[];
    } | null;
    readonly votes: {
      /** Ed25519, PKCS8 PEM or JWK. A secret; null where this process signs no votes. */
      readonly privateKey: string | null;
      /** Raw Ed25519 public keys, base64url, by key id. */
      readonly publicKeys: Readonly<Record<string, string>>;
    };
  };
  readonly identity: {
    readonly issuers: readonly IssuerSettings[];
    readonly workloads: readonly WorkloadSettings[];
    /** null: none. */
    readonly authorizationServer: {
      readonly accessTokenLifeMs: number;
      readonly signInLifeMs: number;
      readonly registration: boolean;
      readonly clientDocuments: boolean;
    } | null;
    /** Access tokens of Holdpoint's own are accepted always; `named` says that somebody means to use them. */
    readonly accessTokens: { readonly named: boolean; readonly longestMs: number };
    /** Whether DPoP proofs must carry a nonce of the gateway. */
    readonly dpopNonces: boolean;
    /** By connection; those that have none are left out. */
    readonly toolClasses: Readonly<Record<string, ToolClasses>>;
    readonly anonymous: AnonymousConfig | null;
  };
  readonly connections: Readonly<Record<string, ConnectionConfig>>;
  /** Where credentials of connections are kept. */
  readonly secretStores: Readonly<Record<string, SecretStoreSettings>>;
  /** The policy file, absolute. */
  readonly policy: string;
  /** Whether somebody named it, or it is the one that is looked for by itself. */
  readonly policyNamed: boolean;
  readonly hold: {
    /** How long a held call outlives its client under `onDisconnect: keep`. */
    readonly graceMs: number;
    /** How long an undelivered result is kept for a client that comes back. */
    readonly retentionMs: number;
    /** How long a request waits before it is answered "pending", when its client gave no progress token. */
    readonly replyBudgetMs: number;
    /** The same for a client that gave one. */
    readonly progressBudgetMs: number;
    /** Differently for some clients; the first that fits all that is named counts. */
    readonly clients: readonly ClientHoldSettings[];
  };
  readonly recording: RecordingConfig;
  readonly log: { readonly level: LogLevel };
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
