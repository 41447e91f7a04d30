import { apiScope } from '../../console/api/scope.ts';
import { apiResource } from '../../console/api/resource.ts';
import { noteTokenUse, standingToken } from '../../db/access-tokens.ts';
import { sweepDpopProofs, useDpopProof } from '../../db/dpop-proofs.ts';
import { publicFetch } from '../../gateway/authorize/public-fetch.ts';
import { type AuthorizationServer, createAuthorizationServer } from '../../gateway/authorize/server.ts';
import { dpopNonces } from '../../gateway/identify/dpop-nonce.ts';
import { createIdentifier, type Identifier, type IdentifierDeps } from '../../gateway/identify/identify.ts';
import { commandLineClient } from '../login/authorization.ts';
import type { Config } from '../config/config.ts';
import type { RoleContext } from './context.ts';

const sweepEveryMs = 10 * 60_000;

/** Says who calls, from the configuration and the database. */
export interface Identifying {
  readonly identifier: Identifier;
  readonly authorization: AuthorizationServer | null;
  close(): void;
}

/**
 * Puts together who may call.
 * @param onBearer told of tokens that may be exchanged; null where none is
 * @throws Error when nobody could
 */
export function startIdentifying(
  context: RoleContext,
  onBearer: IdentifierDeps['onBearer'] = null,
): Identifying {
  const { config, pool, log } = context;
  refuseNobody(config.identity);
  const authorization = authorizationServer(context);
  const sweep = setInterval(() => {
    sweepDpopProofs(pool).catch((error: unknown) =>
      log.warn({ err: error }, 'old proofs of possession were not removed'),
    );
  }, sweepEveryMs).unref();
  const identifier = createIdentifier(config.identity, {
    tokens: {
      find: (secret) => standingToken(pool, secret),
      used: (id) => noteTokenUse(pool, id),
    },
    useProof: (proof) => useDpopProof(pool, proof),
    nonces: config.identity.dpopNonces ? dpopNonces(context.keys.cookieSecret) : null,
    own: authorization?.own ?? null,
    onBearer,
  });
  return {
    identifier,
    authorization,
    close: () => {
      clearInterval(sweep);
      authorization?.close();
    },
  };
}

function authorizationServer({ config, keys, pool, log }: RoleContext): AuthorizationServer | null {
  const { authorizationServer: settings, toolClasses, dpopNonces } = config.identity;
  if (!settings) return null;
  return createAuthorizationServer(
    {
      ...settings,
      issuer: config.agents.publicUrl,
      consoleUrl: config.console.publicUrl,
      connections: Object.keys(config.connections),
      dpopNonces,
      api: apiTarget(config),
      toolClasses,
    },
    { pool, log, keyRing: keys.keyRing, cookieSecret: keys.cookieSecret, fetchDocument: publicFetch },
  );
}

/** The API for administration, as the authorization server makes tokens for it. */
export function apiTarget({ console: { publicUrl } }: Pick<Config, 'console'>) {
  return {
    resource: apiResource(new URL(publicUrl).origin),
    scope: apiScope,
    client: { id: commandLineClient, name: 'Holdpoint command line' },
  };
}

function refuseNobody(identity: Config['identity']): void {
  const { issuers, workloads, authorizationServer, accessTokens, anonymous } = identity;
  if (issuers.length + workloads.length > 0 || accessTokens.named) return;
  if (authorizationServer !== null || anonymous !== null) return;
  throw new Error(
    "nobody could call: set identity.issuers to whoever issues your agents' tokens, or identity.authorizationServer (docs/identity.md)",
  );
}
