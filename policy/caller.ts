/** What kind of credential proved a caller. */
export type CredentialKind =
  | 'anonymous' // none: somebody on this machine
  | 'oauth' // an access token of an issuer, for a person
  | 'workload' // an OpenID Connect token of a machine, by claim match
  | 'token'; // a personal or service access token of Holdpoint's own

/** How a caller was proven. */
export interface CallerProof {
  readonly kind: CredentialKind;
  /** What the credential may be used for (`mcp:<connection>`, `mcp:<connection>:<class>`); null where it is not limited. */
  readonly scopes: readonly string[] | null;
  /** Authentication context class, as the issuer says it. */
  readonly acr: string | null;
  /** Authentication methods (RFC 8176). */
  readonly amr: readonly string[];
  /** When the person last proved themselves to the issuer; null where it does not say. */
  readonly authenticatedAtMs: number | null;
}

/**
 * Who is calling: the identity that a credential proved. `key` is stable and unique
 * (`oidc:<issuer>#<subject>`, `saml:<issuer>#<name>`, `workload:<issuer>#<subject>`, `service:<name>` or
 * `local:agent`); everything else may change from one call to the next.
 */
export interface Caller {
  readonly key: string;
  /** The subject as policy and people see it: OIDC `sub`, or `local-agent`. */
  readonly subject: string;
  readonly issuer: string | null;
  /** Only when the issuer says it is verified. */
  readonly email: string | null;
  readonly name: string | null;
  readonly groups: readonly string[];
  /** Who acts for the subject (RFC 8693 `act`), outermost first. */
  readonly actors: readonly string[];
  /** OAuth client id, or the MCP client's self-given name in `mcp:<name>` form (unverified). */
  readonly client: string | null;
  /**
   * Names the credential without revealing it: `jti:<jti>`, `sha256:<prefix>`, `oauth:<grant>` for everything that one
   * sign-in at the built-in authorization server gave, `token:<id>` for access tokens of Holdpoint's own.
   */
  readonly credentialId: string | null;
  /** The verified claims, for policy. Empty for local callers. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** How they were proven; absent in calls that were held by earlier versions. */
  readonly proof?: CallerProof;
}
