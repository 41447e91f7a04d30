import * as oidc from 'openid-client';
import { basicAuthorization } from '../credentials/token-endpoint.ts';
import { guardedFetch } from './guarded-fetch.ts';
import type { KeptTokens, TokenSource } from './sealing.ts';

/** What a token endpoint gave for a person. */
export interface PersonsTokens {
  readonly kept: KeptTokens;
  /** For how long the access token is good, in milliseconds; null where nothing says so. */
  readonly livesMs: number | null;
  readonly scope: string | null;
}

/** A token endpoint did not give tokens. Says its error code, never what was sent or what else came. */
export class TokensRefused extends Error {
  /** The sign-in is over: only the person can begin another. */
  readonly final: boolean;
  /** The authorization server does not know Holdpoint as a client any more. */
  readonly unknownClient: boolean;
  constructor(message: string, options: ErrorOptions & { final: boolean; unknownClient?: boolean }) {
    super(message, options);
    this.name = 'TokensRefused';
    this.final = options.final;
    this.unknownClient = options.unknownClient ?? false;
  }
}

/** Exchanges the code in an answer of the authorization server (RFC 6749, RFC 7636, RFC 9207). @throws TokensRefused */
export async function tokensForCode(
  source: TokenSource,
  answer: URL,
  checks: { readonly state: string; readonly codeVerifier: string; readonly saysIssuer: boolean },
): Promise<PersonsTokens> {
  const { state: expectedState, codeVerifier: pkceCodeVerifier, saysIssuer } = checks;
  return asking(
    source,
    null,
    (config, parameters) =>
      oidc.authorizationCodeGrant(config, answer, { expectedState, pkceCodeVerifier }, parameters),
    saysIssuer,
  );
}

/** Renews tokens. A refresh token that is not replaced stays good. @throws TokensRefused */
export async function renewedTokens(kept: KeptTokens): Promise<PersonsTokens> {
  const { refreshToken } = kept;
  if (refreshToken === null) throw new TokensRefused('the sign-in cannot be renewed', { final: true });
  return asking(kept, refreshToken, (config, parameters) =>
    oidc.refreshTokenGrant(config, refreshToken, parameters),
  );
}

/** Tells the authorization server that tokens are no longer needed (RFC 7009). A courtesy: it may fail. */
export async function revokeTokens(kept: KeptTokens): Promise<void> {
  if (kept.revocationUrl === null) return;
  await oidc.tokenRevocation(configOf(kept, false), kept.refreshToken ?? kept.accessToken);
}

async function asking(
  source: TokenSource,
  refreshToken: string | null,
  grant: (
    config: oidc.Configuration,
    parameters: Record<string, string>,
  ) => Promise<oidc.TokenEndpointResponse>,
  saysIssuer = false,
): Promise<PersonsTokens> {
  const { issuer, tokenUrl, revocationUrl, resource, client, inward } = source;
  let given: oidc.TokenEndpointResponse;
  try {
    given = await grant(configOf(source, saysIssuer), resource === null ? {} : { resource });
  } catch (error) {
    throw refusalOf(error);
  }
  const { access_token: accessToken, token_type: type, expires_in: seconds, scope } = given;
  if (type !== 'bearer' || !/^[\x21-\x7e]+$/.test(accessToken))
    throw new TokensRefused('the token endpoint gave no usable bearer token', { final: false });
  return {
    kept: {
      issuer,
      tokenUrl,
      revocationUrl,
      resource,
      client,
      inward,
      accessToken,
      refreshToken: given.refresh_token ?? refreshToken,
    },
    livesMs: seconds === undefined ? null : seconds * 1000,
    scope: scope ?? null,
  };
}

function configOf(
  { issuer, tokenUrl, revocationUrl, client, inward }: TokenSource,
  saysIssuer: boolean,
): oidc.Configuration {
  const secret = client.clientSecret ?? '';
  const authentication = {
    client_secret_basic: (): oidc.ClientAuth => (_server, _client, _body, headers) =>
      headers.set('authorization', basicAuthorization(client.clientId, secret)),
    client_secret_post: () => oidc.ClientSecretPost(secret),
    none: () => oidc.None(),
  }[client.method]();
  const server: oidc.ServerMetadata = {
    issuer,
    token_endpoint: tokenUrl,
    ...(revocationUrl !== null && { revocation_endpoint: revocationUrl }),
    authorization_response_iss_parameter_supported: saysIssuer,
  };
  const config = new oidc.Configuration(server, client.clientId, undefined, authentication);
  // Which addresses may be plain http is for the guard to say.
  oidc.allowInsecureRequests(config);
  config.timeout = 10;
  const fetch = guardedFetch(inward);
  config[oidc.customFetch] = (url, init) => fetch(url, init as RequestInit);
  return config;
}

/** What went wrong, in the words of the standards alone. */
function refusalOf(error: unknown): TokensRefused {
  if (error instanceof TokensRefused) return error;
  if (error instanceof oidc.AuthorizationResponseError)
    return new TokensRefused(`the authorization server refused (${codeIn(error.error)})`, { final: true });
  if (error instanceof oidc.ResponseBodyError)
    return new TokensRefused(`the token endpoint refused (${codeIn(error.error)})`, {
      final: error.error === 'invalid_grant' || error.error === 'invalid_client',
      unknownClient: error.error === 'invalid_client',
    });
  const code = error instanceof oidc.ClientError ? ` (${codeIn(error.code ?? '')})` : '';
  return new TokensRefused(`the token endpoint cannot be asked${code}`, { final: false });
}

function codeIn(text: string): string {
  return /^[\w.-]{1,60}$/.test(text) ? text : 'an error';
}
