import type { Caller } from '../../policy/caller.ts';
import type { Bearers } from './bearers.ts';
import { settingsHash } from '../connect/sealing.ts';
import { credentialsUnavailable } from './errors.ts';
import type { KeptSecrets } from './kept-secrets.ts';
import type { CodeClient, CredentialSource, HttpCredential, SecretReference } from './settings.ts';
import type { TokenWanted, UserTokens } from '../connect/user-tokens.ts';
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
  /** @throws UpstreamError `credentials_unavailable`, `sign_in_needed` */
  inject(): Promise<Injected>;
  /**
   * Upstream did not accept it: the next one is fetched anew.
   * @param secret the one that was not accepted
   * @returns whether it is worth while to ask upstream once more
   * @throws UpstreamError `credentials_unavailable`
   */
  rejected(secret: string): Promise<boolean>;
  /**
   * Upstream wants scopes that the credential lacks; left out where nobody could be asked for more.
   * @returns whether it is worth while to ask upstream once more
   * @throws UpstreamError `sign_in_needed`, `upstream_unauthorized`, `credentials_unavailable`
   */
  tooNarrow?(secret: string, scopes: readonly string[]): Promise<boolean>;
}

/** What injecting works with; one for all connections. */
export interface CredentialDeps {
  readonly secrets: KeptSecrets;
  readonly tokens: UpstreamTokens;
  /** Null where no connection exchanges tokens. */
  readonly bearers: Bearers | null;
  /** Left out where nobody signs in at an upstream themselves. */
  readonly userTokens?: UserTokens;
}

/** Who wants what, where. */
export interface InjectFor {
  readonly connection: string;
  readonly url: string;
  readonly caller: Pick<Caller, 'key'>;
}

/** The injector of a connection for whoever calls. */
export function injectorFor(wanted: InjectFor, credential: HttpCredential, deps: CredentialDeps): Injector {
  const { connection } = wanted;
  const source = sourceFor(wanted, credential.source, deps);
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
    rejected: source.refused,
    ...(source.tooNarrow && { tooNarrow: source.tooNarrow }),
  };
}

interface Source {
  value(): Promise<string>;
  refused(secret: string): Promise<boolean>;
  tooNarrow?(secret: string, scopes: readonly string[]): Promise<boolean>;
}

function sourceFor(wanted: InjectFor, source: CredentialSource, deps: CredentialDeps): Source {
  const { connection, caller } = wanted;
  const { secrets, tokens, bearers } = deps;
  if (source.kind === 'value') return { value: async () => source.value, refused: async () => false };
  if (source.kind === 'authorizationCode') return ofPerson(wanted, source, deps);
  if (source.kind === 'secret') {
    const { secret } = source;
    const refused = async (was: string): Promise<boolean> => {
      secrets.forget(secret);
      return (await secrets.value(connection, secret)) !== was;
    };
    return { value: () => secrets.value(connection, secret), refused };
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
  return { value: () => tokens.token(wish), refused: (token) => tokens.refused(wish, token) };
}

/** The token that a person's own sign-in gave. */
function ofPerson(
  { connection, url, caller }: InjectFor,
  { client }: Extract<CredentialSource, { kind: 'authorizationCode' }>,
  { userTokens }: CredentialDeps,
): Source {
  const place = tokenWanted({ connection, url }, client, caller);
  const open = (): UserTokens => {
    if (userTokens) return userTokens;
    throw credentialsUnavailable(connection, 'nobody can sign in here');
  };
  return {
    value: () => open().token(place),
    refused: (token) => open().refused(place, token),
    tooNarrow: (token, scopes) => open().tooNarrow(place, token, scopes),
  };
}

/** Names somebody's tokens for a connection at which people sign in. */
export function tokenWanted(
  { connection, url }: Pick<InjectFor, 'connection' | 'url'>,
  client: CodeClient,
  { key: holder }: Pick<Caller, 'key'>,
): TokenWanted {
  return { connection, holder, settings: settingsHash(url, client), mayWiden: client.scope === null };
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
