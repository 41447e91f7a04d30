import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { discoveryOf } from '../../gateway/identify/discovery.ts';
import { type RunningCodecServer, startCodecServer } from '../../workflows/codec-server.ts';
import type { TemporalLink } from '../../workflows/client.ts';
import type { Config } from '../config/config.ts';
import type { Logger } from '../log.ts';

type Settings = NonNullable<Config['temporal']['codecServer']>;

const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];

/** Decodes payloads for those whom the configuration names, as the UI's identity provider vouches for them. */
export async function startConfiguredCodecServer(
  settings: Settings,
  parts: { readonly link: TemporalLink; readonly namespace: string; readonly log: Logger },
): Promise<RunningCodecServer> {
  const { listen, uiOrigin } = settings;
  const mayRead = readerCheck(settings);
  return startCodecServer({
    listen,
    uiOrigin,
    codec: parts.link.codec,
    namespace: parts.namespace,
    authorize: async (token) => {
      try {
        return await mayRead(token);
      } catch (error) {
        // The token itself is not repeated; jose's messages name the rule that was broken.
        parts.log.warn({ because: (error as Error).message }, 'the codec server refused a token');
        return false;
      }
    },
  });
}

/** Checks a token's signature, issuer, audience and time, then whether its person is among the readers. */
function readerCheck({
  issuer,
  audience,
  groupsClaim,
  readers,
}: Settings): (token: string) => Promise<boolean> {
  let keys: ReturnType<typeof createRemoteJWKSet> | undefined;
  return async (token) => {
    keys ??= createRemoteJWKSet(new URL(String((await discoveryOf(issuer, fetch))['jwks_uri'])));
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms,
      requiredClaims: ['exp', 'sub'],
    });
    return isReader(payload, groupsClaim, readers);
  };
}

function isReader(claims: JWTPayload, groupsClaim: string, { people, groups }: Settings['readers']): boolean {
  const email =
    claims['email_verified'] === true && typeof claims['email'] === 'string'
      ? claims['email'].toLowerCase()
      : null;
  const theirs = claims[groupsClaim];
  return (
    people.some((person) =>
      person.includes('@') ? person.toLowerCase() === email : person === claims.sub,
    ) ||
    (Array.isArray(theirs) && groups.some((group) => theirs.includes(group)))
  );
}
