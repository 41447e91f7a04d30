import { type Actor, recentRevocations, type Revocation, RevocationError } from '../../db/revocations.ts';
import { revoke, unrevoke } from '../../db/revoke.ts';
import type { ActContext } from '../deps.ts';
import type { Identity } from '../identity.ts';
import { ApiProblem, endpoint } from './endpoint.ts';
import * as schema from './schemas-administration.ts';
import { none } from './schemas.ts';

/** Revoking and lifting. */
export const containment = {
  listRevocations: endpoint({
    id: 'listRevocations',
    method: 'GET',
    path: '/revocations',
    summary: 'What is revoked, and what was.',
    permission: 'containment.see',
    params: none,
    query: none,
    body: null,
    status: 200,
    response: schema.revocations,
    run: async ({ context }) => ({ revocations: (await recentRevocations(context.pool, 500)).map(shown) }),
  }),
  revoke: endpoint({
    id: 'revoke',
    method: 'POST',
    path: '/revocations',
    summary: 'Cuts something off on every gateway, and lists what was under way.',
    permission: 'containment.act',
    params: none,
    query: none,
    body: schema.revokeBody,
    status: 201,
    response: schema.revoked,
    async run({ body, identity, caller, context }) {
      const by = actorOf(identity, caller.via);
      const done = await told(() => revoke(context.pool, { ...body, by }, depsOf(context)));
      return { ...done, revocation: shown(done.revocation), inFlight: [...done.inFlight] };
    },
  }),
  unrevoke: endpoint({
    id: 'unrevoke',
    method: 'POST',
    path: '/revocations/lift',
    summary: 'Lets something in again.',
    permission: 'containment.act',
    params: none,
    query: none,
    body: schema.revokeBody,
    status: 200,
    response: schema.revocation,
    async run({ body, identity, caller, context }) {
      const by = actorOf(identity, caller.via);
      return shown(await told(() => unrevoke(context.pool, { ...body, by }, depsOf(context))));
    },
  }),
};

/** Somebody as the acts of containment name them. */
function actorOf({ person, subject }: Identity, via: string): Actor {
  return { key: person.keys[0] ?? subject, name: person.name, via };
}

function depsOf({ containment: deps, recordings }: ActContext) {
  if (deps && recordings) return { ...deps, recordAct: recordings.recordAct };
  throw new ApiProblem('unavailable', 'acts cannot be recorded here, so nothing is revoked here');
}

async function told<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof RevocationError)) throw error;
    const conflict = error.code === 'already_revoked' || error.code === 'not_revoked';
    throw new ApiProblem(conflict ? 'conflict' : 'invalid', error.message, { cause: error });
  }
}

function shown(revocation: Revocation) {
  const { revokedAt, liftedAt, ...rest } = revocation;
  return { ...rest, revokedAt: revokedAt.toISOString(), liftedAt: liftedAt?.toISOString() ?? null };
}
