/** An OpenID Connect issuer whose tokens agents may present. */
export interface IssuerSettings {
  /** Exactly as in the tokens' `iss`. */
  readonly issuer: string;
  /** Accepted `aud` values; empty means the URL of the connection that is called (RFC 8707). */
  readonly audience: readonly string[];
  /** Claim that holds the groups; dots go into nested claims. */
  readonly groupsClaim: string;
  readonly algorithms: readonly string[];
  readonly clockSkewMs: number;
  /** Where the keys are; null asks the issuer's discovery document. */
  readonly jwksUrl: string | null;
}

/** Who may call. */
export interface IdentitySettings {
  readonly issuers: readonly IssuerSettings[];
  /** Who a caller without a token is; null refuses such callers. */
  readonly anonymous: { readonly subject: string; readonly groups: readonly string[] } | null;
}
