import type { Caller } from '../../policy/caller.ts';
import type { Bearers } from './bearers.ts';
import { credentialsUnavailable } from './errors.ts';
import type { KeptSecrets } from './kept-secrets.ts';
import type { CredentialSource, HttpCredential, SecretReference } from './settings.ts';
import type { TokenWish, UpstreamTokens } from './tokens.ts';

/** What goes with one request to an upstream. */
export interface Injected {
  readonly headers: Readonly<Record<string, string>>;
  /** Query parameters, encoded, without `?`; empty for none. */
  readonly query: string;
  /** What must never be seen in what comes back. */
  readonly secret: string;
}

/** Gives the credential of a connection for one caller. */
export interface Injector {
  /** @throws UpstreamError `credentials_unavailable` */
  inject(): Promise<Injected>;
  /** Upstream did not accept it: the next one is fetched anew. */
  rejected(): void;
}

/** What injecting works with; one for all connections. */
export interface CredentialDeps {
  readonly secrets: KeptSecrets;
  readonly tokens: UpstreamTokens;
  /** Null where no connection exchanges tokens. */
  readonly bearers: Bearers | null;
}

/** The injector of a connection for whoever calls. */
export function injectorFor(
  connection: string,
  credential: HttpCredential,
  caller: Pick<Caller, 'key'>,
  deps: CredentialDeps,
): Injector {
  const source = sourceFor(connection, credential.source, caller, deps);
  const { name, prefix } = credential;
  return {
    async inject() {
      const secret = await source.value();
      const value = prefix + secret;
      if (!/^[\t\x20-\x7e]*$/.test(value))
        throw credentialsUnavailable(connection, 'it is no printable ASCII on one line');
      return credential.in === 'header'
        ? { headers: { [name.toLowerCase()]: value }, query: '', secret }
        : { headers: {}, query: new URLSearchParams([[name, value]]).toString(), secret };
    },
    rejected: source.forget,
  };
}

function sourceFor(
  connection: string,
  source: CredentialSource,
  caller: Pick<Caller, 'key'>,
  { secrets, tokens, bearers }: CredentialDeps,
): { value(): Promise<string>; forget(): void } {
  if (source.kind === 'value') return { value: async () => source.value, forget: () => {} };
  if (source.kind === 'secret') {
    const { secret } = source;
    return { value: () => secrets.value(connection, secret), forget: () => secrets.forget(secret) };
  }
  const wish: TokenWish =
    source.kind === 'clientCredentials'
      ? {
          connection,
          client: source.client,
          holder: '',
          grant: () => ({ grant_type: 'client_credentials' }),
        }
      : {
          connection,
          client: source.client,
          holder: caller.key,
          grant: () => exchangeOf(connection, bearers?.of(caller.key) ?? null),
        };
  return { value: () => tokens.token(wish), forget: () => tokens.forget(wish) };
}

/** RFC 8693 section 2.1. */
function exchangeOf(connection: string, token: string | null): Readonly<Record<string, string>> {
  if (token === null)
    throw credentialsUnavailable(
      connection,
      'it is exchanged for the token of whoever calls, and that is not at hand: call again with a valid token',
    );
  return {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  };
}

/** The environment of a process, with the secrets in it. @throws UpstreamError `credentials_unavailable` */
export async function injectEnvironment(
  connection: string,
  plain: Readonly<Record<string, string>>,
  references: Readonly<Record<string, SecretReference>>,
  secrets: KeptSecrets,
): Promise<{ env: Record<string, string>; secrets: string[] }> {
  const found = await Promise.all(
    Object.entries(references).map(
      async ([name, reference]) => [name, await secrets.value(connection, reference)] as const,
    ),
  );
  return { env: { ...plain, ...Object.fromEntries(found) }, secrets: found.map(([, value]) => value) };
}
