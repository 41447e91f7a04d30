/**
 * Who is calling: the identity that a credential proved. `key` is stable and unique
 * (`oidc:<issuer>#<subject>` or `local:agent`); everything else may change from one call to the next.
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
  /** Names the credential without revealing it: token `jti`, or a hash prefix. */
  readonly credentialId: string | null;
  /** The verified claims, for policy. Empty for local callers. */
  readonly claims: Readonly<Record<string, unknown>>;
}
