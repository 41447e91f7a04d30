import type { TokenClient } from './settings.ts';

/** A token that a token endpoint gave. */
export interface IssuedToken {
  readonly accessToken: string;
  readonly livesMs: number;
}

/** A token endpoint did not give a token. Says its error code, never what was sent or what else came. */
export class TokenEndpointError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TokenEndpointError';
  }
}

const timeoutMs = 10_000;
const answerLimitChars = 64 * 1024;
/** Where the endpoint does not say how long a token lives (RFC 6749 section 5.1 only recommends it). */
const unsaidLifeMs = 5 * 60_000;

/**
 * Asks a token endpoint (RFC 6749 section 5), the client authenticated by HTTP Basic.
 * @throws TokenEndpointError
 */
export async function askForToken(
  client: TokenClient,
  grant: Readonly<Record<string, string>>,
): Promise<IssuedToken> {
  const { tokenUrl, clientId, clientSecret, scope, audience, resource } = client;
  const body = new URLSearchParams({
    ...grant,
    ...(scope !== null && { scope }),
    ...(audience !== null && { audience }),
    ...(resource !== null && { resource }),
  });
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(tokenUrl, {
      method: 'POST',
      headers: {
        authorization: basicAuthorization(clientId, clientSecret),
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
      },
      body: body.toString(),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    text = await answer.text();
  } catch (cause) {
    throw new TokenEndpointError('the token endpoint cannot be reached', { cause });
  }
  const said = text.length > answerLimitChars ? null : parsed(text);
  if (!answer.ok) throw new TokenEndpointError(`the token endpoint answered ${answer.status}${codeOf(said)}`);
  const accessToken = said?.['access_token'];
  const type = said?.['token_type'];
  if (typeof accessToken !== 'string' || accessToken === '' || !/^[\x21-\x7e]+$/.test(accessToken))
    throw new TokenEndpointError('the token endpoint answered without a usable access token');
  // `N_A` is what a token exchange says of tokens that are no bearer tokens (RFC 8693 section 2.2.1).
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer')
    throw new TokenEndpointError('the token endpoint gave a token that is no bearer token');
  const seconds = Number(said?.['expires_in']);
  return { accessToken, livesMs: seconds > 0 ? seconds * 1000 : unsaidLifeMs };
}

function codeOf(said: Readonly<Record<string, unknown>> | null): string {
  const code = said?.['error'];
  return typeof code === 'string' && /^[\w.-]{1,60}$/.test(code) ? ` (${code})` : '';
}

/**
 * RFC 6749 section 2.3.1, with no more escapes than it takes: some servers do not undo them, and secrets are full of
 * `-`, `_` and `~`, which mean the same with and without.
 */
export function basicAuthorization(clientId: string, clientSecret: string): string {
  const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
