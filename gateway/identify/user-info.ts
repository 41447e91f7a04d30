import type { Claims } from '../../policy/claims.ts';
import { discoveryOf } from './discovery.ts';
import { fetchJson, type Fetch } from './fetch-json.ts';
import { IssuerUnavailable } from './issuer-keys.ts';

/**
 * Asks issuers what they say of the person behind a token (OpenID Connect Core 5.3): for those that leave groups out
 * of access tokens. The token goes to nobody but its own issuer.
 * @returns a function that gives the answer's claims
 * @throws IssuerUnavailable (from the returned function) when the endpoint does not answer, or speaks of somebody else
 */
export function userInfo(issuer: string, fetch: Fetch): (token: string, subject: string) => Promise<Claims> {
  let endpoint: string | null = null;
  return async (token, subject) => {
    try {
      endpoint ??= endpointOf(await discoveryOf(issuer, fetch), issuer);
      const answer = await fetchJson(fetch, endpoint, `Bearer ${token}`);
      if (answer['sub'] !== subject) throw new Error(`${endpoint} speaks of somebody else`);
      return answer;
    } catch (error) {
      throw new IssuerUnavailable(issuer, error);
    }
  };
}

function endpointOf(metadata: Claims, issuer: string): string {
  const url = metadata['userinfo_endpoint'];
  if (typeof url !== 'string' || !URL.canParse(url))
    throw new Error(`the discovery document of ${issuer} has no userinfo_endpoint`);
  if (new URL(url).protocol !== 'https:' && !issuer.startsWith('http:'))
    throw new Error(`the UserInfo endpoint of ${issuer} is not served over https`);
  return url;
}
