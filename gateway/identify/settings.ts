/** An OpenID Connect issuer whose tokens agents may present. */
export interface IssuerSettings {
  /** Exactly as in the tokens' `iss`. */
  readonly issuer: string;
  /** Accepted `aud` values; empty means the URL of the connection that is called (RFC 8707). */
  readonly audience: readonly string[];
  /** Claim that holds the groups; dots go into nested claims. */
  readonly groupsClaim: string;
  /** Where that claim is: in the token, or in the answer of the issuer's UserInfo endpoint. `token` when left out. */
  readonly groupsFrom?: 'token' | 'userinfo';
  readonly algorithms: readonly string[];
  readonly clockSkewMs: number;
  /** Where the keys are; null asks the issuer's discovery document. */
  readonly jwksUrl: string | null;
}

/** Machines that prove themselves by an OpenID Connect token of where they run. */
export interface WorkloadSettings {
  readonly issuer: string;
  /** Accepted `aud` values; at least one, since such issuers give tokens to anybody. */
  readonly audience: readonly string[];
  /** Claims (dots go into nested ones) and the glob that each must match; all of them must. */
  readonly match: Readonly<Record<string, string>>;
  /** What a caller that matches is called. */
  readonly subject: string;
  readonly groups: readonly string[];
  /** What it may call (`mcp:<connection>[:<class>]`); null: not limited. */
  readonly scopes: readonly string[] | null;
  readonly jwksUrl: string | null;
}

/** Classes of a connection's tools, each with the globs of its tools. The first class that matches is a tool's class. */
export type ToolClasses = Readonly<Record<string, readonly string[]>>;

/** Who may call. */
export interface IdentitySettings {
  readonly issuers: readonly IssuerSettings[];
  /** Who a caller without a token is; null refuses such callers. */
  readonly anonymous: { readonly subject: string; readonly groups: readonly string[] } | null;
  readonly workloads?: readonly WorkloadSettings[];
  /** Tool classes by connection; a connection that has none asks tokens of foreign issuers for no scope. */
  readonly toolClasses?: Readonly<Record<string, ToolClasses>>;
}
