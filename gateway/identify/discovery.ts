import { fetchJson, type Fetch } from './fetch-json.ts';

/**
 * The metadata of an issuer: OpenID Connect discovery, then RFC 8414.
 * @throws Error when neither answers for exactly this issuer
 */
export async function discoveryOf(issuer: string, fetch: Fetch): Promise<Readonly<Record<string, unknown>>> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const candidates = [
    `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ];
  const failures: unknown[] = [];
  for (const url of candidates) {
    try {
      const metadata = await fetchJson(fetch, url);
      if (metadata['issuer'] !== issuer)
        throw new Error(`the discovery document of ${issuer} names another issuer`);
      return metadata;
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AggregateError(failures, `discovery of ${issuer} failed`);
}
