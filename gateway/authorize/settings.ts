import type { ToolClasses } from '../identify/settings.ts';

/** The built-in authorization server. */
export interface AuthorizationSettings {
  /** The gateway's public URL, which is the issuer too; without a trailing slash. */
  readonly issuer: string;
  /** Where people sign in and agree; without a trailing slash. */
  readonly consoleUrl: string;
  readonly accessTokenLifeMs: number;
  /** How long a client may renew its tokens before the person signs in anew. */
  readonly signInLifeMs: number;
  /** Whether clients may register themselves (RFC 7591). */
  readonly registration: boolean;
  /** Whether a client id may be the URL of a document that describes the client (CIMD). */
  readonly clientDocuments: boolean;
  /** Whether DPoP proofs must carry a nonce (RFC 9449 section 8). */
  readonly dpopNonces: boolean;
  /** Names of the connections. */
  readonly connections: readonly string[];
  /** The API for administration, and the one program that may be let in to it: no agent's ever is. */
  readonly api: {
    readonly resource: string;
    readonly scope: string;
    readonly client: { readonly id: string; readonly name: string };
  };
  readonly toolClasses: Readonly<Record<string, ToolClasses>>;
}
