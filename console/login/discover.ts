import * as oidc from 'openid-client';
import type { LoginSettings } from '../deps.ts';
import { ConsoleError } from '../errors.ts';
import { isLoopback } from '../guard.ts';

/**
 * Reads the provider's discovery document. Plain http is taken from loopback issuers only.
 * @throws ConsoleError `login_unreachable`
 */
export async function discover(
  settings: Extract<LoginSettings, { mode: 'oidc' }>,
): Promise<oidc.Configuration> {
  const issuer = new URL(settings.issuer);
  const plain = issuer.protocol === 'http:' && isLoopback(issuer.hostname);
  const authenticate: oidc.ClientAuth = (server, client, body, headers) => {
    // What the provider lists first of the two is what it takes most surely; what is not said is Basic.
    const offered = server.token_endpoint_auth_methods_supported ?? [];
    const first = offered.find((one) => one === 'client_secret_basic' || one === 'client_secret_post');
    if (first !== 'client_secret_post')
      headers.set('authorization', basicOf(client.client_id, settings.clientSecret));
    else oidc.ClientSecretPost(settings.clientSecret)(server, client, body, headers);
  };
  try {
    return await oidc.discovery(issuer, settings.clientId, undefined, authenticate, {
      timeout: 10,
      ...(plain && { execute: [oidc.allowInsecureRequests] }),
    });
  } catch (error) {
    throw new ConsoleError(
      'login_unreachable',
      `the identity provider ${settings.issuer} (console.login.issuer) gave no usable discovery document: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

/**
 * RFC 6749 section 2.3.1, with no more escapes than it takes: some providers do not undo them, and secrets are full of
 * `-`, `_` and `~`, which mean the same with and without.
 */
function basicOf(id: string, secret: string): string {
  const pair = `${encodeURIComponent(id)}:${encodeURIComponent(secret)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}
