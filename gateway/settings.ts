import type { HttpCredential, SecretReference } from './credentials/settings.ts';

/** Where a listener binds. Port 0 lets the system choose. */
export interface ListenSettings {
  readonly host: string;
  readonly port: number;
}

/** The agents' listener. `Config.agents` fits. */
export interface AgentSettings {
  readonly listen: ListenSettings;
  /** What clients type, without a trailing slash. */
  readonly publicUrl: string;
  /** Browser origins that may call, besides the public URL's own. */
  readonly allowedOrigins: readonly string[];
  /** Accepted Host headers, besides the public URL's and the listener's own. */
  readonly allowedHosts: readonly string[];
  readonly limits: {
    readonly bodyBytes: number;
    /** Deepest nesting of a message, either way. */
    readonly depth: number;
    /** Client sessions on this replica at a time. */
    readonly sessions: number;
    /** Replies and GET streams open on this replica at a time. */
    readonly streams: number;
    /** Replies and GET streams of one caller open on this replica at a time. */
    readonly streamsPerCaller: number;
    /** Tasks that one caller may have stored at a time. */
    readonly tasksPerCaller: number;
    /** Client sessions of one caller on this replica at a time. */
    readonly sessionsPerCaller: number;
    /** Within how many seconds a request must have come whole; replies may take as long as they like. */
    readonly requestSeconds: number;
  };
}

/** TLS towards an upstream server. */
export interface HttpTls {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  readonly serverName: string | null;
}

/** An upstream server over HTTP. */
export interface HttpConnectionSettings {
  readonly kind: 'http';
  readonly url: string;
  /** Sent with every request; never anything that came from the client. */
  readonly headers: Readonly<Record<string, string>>;
  /** The credential that Holdpoint holds so that agents need not. A secret. */
  readonly credentials: HttpCredential | null;
  /** Client certificate and authorities, PEM texts. */
  readonly tls?: HttpTls | null;
  readonly connectTimeoutMs: number;
  /** Longest silence of upstream within one exchange. */
  readonly idleTimeoutMs?: number;
}

/** An upstream server that the gateway starts, one process for each client session. */
export interface StdioConnectionSettings {
  readonly kind: 'stdio';
  /** Program and arguments; started without a shell. */
  readonly command: readonly string[];
  /** Absolute; null is the working directory of the gateway. */
  readonly cwd: string | null;
  /** Added to PATH, HOME and the like; nothing else of the gateway's environment is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** The same, of values that are kept elsewhere. */
  readonly secretEnv?: Readonly<Record<string, SecretReference>>;
  readonly maxProcesses: number;
  /** Longest silence of upstream within one exchange. */
  readonly idleTimeoutMs?: number;
}

export type ConnectionSettings = HttpConnectionSettings | StdioConnectionSettings;
