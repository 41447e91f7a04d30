import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import {
  artifact,
  endGrant,
  consumeArtifact,
  dropArtifact,
  dropGrant,
  dropOfGrant,
  putArtifact,
} from '../../db/oauth-artifacts.ts';
import type { Queryable } from '../../db/pool.ts';

/** For artifacts that name no life of their own. */
const longestLifeMs = 400 * 86_400_000;

/**
 * Lets oidc-provider keep its artifacts in PostgreSQL, so that any replica serves any step. Ids of codes, refresh
 * tokens and sessions are secrets: they are stored as hashes, and put back into what is found by them.
 */
export function postgresAdapter(db: Queryable): (kind: string) => Adapter {
  return (kind) => ({
    upsert: async (id, payload, expiresInSec) => {
      const { jti: _, ...stored } = payload;
      const lifeMs = expiresInSec === undefined ? longestLifeMs : expiresInSec * 1000;
      await putArtifact(db, { kind, id }, stored, lifeMs);
    },
    find: async (id) => {
      const found = await artifact(db, { kind, id });
      if (!found) return undefined;
      const payload: AdapterPayload = { ...found.payload };
      if (kind !== 'Client') payload.jti = id;
      if (found.consumedAt) payload.consumed = Math.floor(found.consumedAt.getTime() / 1000);
      return payload;
    },
    // Neither is used: there are no device codes, and nothing lives only as long as a session.
    findByUserCode: async () => undefined,
    findByUid: async () => undefined,
    consume: async (id) => {
      if (await consumeArtifact(db, { kind, id })) return;
      // Two replicas found it unused at the same moment; one of the two presented a copy.
      const found = await artifact(db, { kind, id });
      const grantId = found?.payload['grantId'];
      if (typeof grantId === 'string') await endGrant(db, grantId);
      throw new errors.InvalidGrant('used already');
    },
    // The sign-in ends with its grant, before anybody is answered that it has.
    destroy: (id) => (kind === 'Grant' ? dropGrant(db, id) : dropArtifact(db, { kind, id })),
    revokeByGrantId: (grantId) => dropOfGrant(db, kind, grantId),
  });
}
