import type { GcpServiceAccount } from '../../recording/keys/gcp-kms.ts';
import type { AzureKeySettings } from '../../recording/keys/azure-key-vault.ts';
import type { AwsCredentials } from '../../recording/keys/aws-credentials.ts';
import type { VaultLogin } from '../../recording/keys/vault.ts';

/** Where secrets are kept. `Config.secretStores` fits. */
export type SecretStoreSettings =
  | {
      readonly kind: 'vault';
      readonly address: string;
      readonly namespace: string | null;
      readonly login: VaultLogin;
    }
  | {
      readonly kind: 'aws';
      readonly region: string;
      readonly endpoint: string | null;
      /** Null: the machine's own. */
      readonly credentials: AwsCredentials | null;
    }
  | { readonly kind: 'gcp'; readonly endpoint: string; readonly serviceAccount: GcpServiceAccount | null }
  | { readonly kind: 'azure'; readonly vaultUrl: string; readonly client: AzureKeySettings['client'] };

/** One value in a store. */
export interface SecretReference {
  /** Name in `secretStores`. */
  readonly store: string;
  /** The store's own name of the secret. */
  readonly path: string;
  /** Which member of it; null for the whole text. */
  readonly field: string | null;
}

/** A client of a token endpoint. */
export interface TokenClient {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string | null;
  readonly audience: string | null;
  readonly resource: string | null;
}

/** A client of an authorization server at which each person signs in. */
export interface CodeClient {
  /** Null: the one that the upstream server names. */
  readonly issuer: string | null;
  /** In place of discovery, both or none. */
  readonly authorizationUrl: string | null;
  readonly tokenUrl: string | null;
  /** Null: described by a document, or registered. */
  readonly clientId: string | null;
  /** Null for a public client. */
  readonly clientSecret: string | null;
  /** Null: what the upstream server says. */
  readonly scope: string | null;
  /** RFC 8707. Null: what the upstream server says. */
  readonly resource: string | null;
}

/** Where an injected value comes from. */
export type CredentialSource =
  | { readonly kind: 'value'; readonly value: string }
  | { readonly kind: 'secret'; readonly secret: SecretReference }
  /** OAuth 2.0 client credentials (RFC 6749 section 4.4): Holdpoint as itself. */
  | { readonly kind: 'clientCredentials'; readonly client: TokenClient }
  /** OAuth 2.0 token exchange (RFC 8693): on behalf of whoever calls. */
  | { readonly kind: 'tokenExchange'; readonly client: TokenClient }
  /** OAuth 2.0 authorization code: whoever calls has signed in at the upstream's authorization server themselves. */
  | { readonly kind: 'authorizationCode'; readonly client: CodeClient };

/** What is injected into requests to an HTTP upstream, and where. */
export interface HttpCredential {
  readonly in: 'header' | 'query';
  /** Of the header or the query parameter. */
  readonly name: string;
  /** Before the value, such as `Bearer `. */
  readonly prefix: string;
  readonly source: CredentialSource;
}
