import { noteTokenUse, standingToken } from '../../db/access-tokens.ts';
import { sweepDpopProofs, useDpopProof } from '../../db/dpop-proofs.ts';
import { createIdentifier, type Identifier } from '../../gateway/identify/identify.ts';
import type { Config } from '../config/config.ts';
import type { RoleContext } from './context.ts';

const sweepEveryMs = 10 * 60_000;

/** Says who calls, from the configuration and the database. */
export interface Identifying {
  readonly identifier: Identifier;
  close(): void;
}

/**
 * Puts together who may call.
 * @throws Error when nobody could
 */
export function startIdentifying({ config, pool, log }: RoleContext): Identifying {
  refuseNobody(config.identity);
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
  });
  return { identifier, close: () => clearInterval(sweep) };
}

function refuseNobody({ issuers, workloads, accessTokens, anonymous }: Config['identity']): void {
  if (issuers.length + workloads.length > 0 || accessTokens.named || anonymous !== null) return;
  throw new Error(
    "nobody could call: set identity.issuers to whoever issues your agents' tokens (docs/identity.md)",
  );
}
