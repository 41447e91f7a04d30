import { ownKey } from '../identity.ts';
import type { Identity } from '../identity.ts';
import { ApiProblem, endpoint } from './endpoint.ts';
import * as schema from './schemas-administration.ts';
import { done, none } from './schemas.ts';
import { recordActOf } from './tokens.ts';

/** One's own sign-ins at upstream servers. They begin in a browser, on the console. */
export const connections = {
  listConnections: endpoint({
    id: 'listConnections',
    method: 'GET',
    path: '/connections',
    summary: 'The connections at which each person signs in, and whether you have.',
    permission: null,
    params: none,
    query: none,
    body: null,
    status: 200,
    response: schema.connections,
    async run({ identity, context }) {
      const { connections: desk } = context;
      const standing = desk ? await desk.standing(holdersOf(identity)) : [];
      return {
        connections: [...(desk?.connections ?? [])].map(([name, { host }]) => {
          const signIn = standing.find(({ connection }) => connection === name);
          return { name, host, signedInAt: signIn?.connectedAt.toISOString() ?? null };
        }),
      };
    },
  }),
  disconnect: endpoint({
    id: 'disconnect',
    method: 'DELETE',
    path: '/connections/{id}/sign-in',
    summary: 'Ends your sign-in at an upstream server, here and, where it offers that, there.',
    permission: null,
    params: schema.connectionParam,
    query: none,
    body: null,
    status: 200,
    response: done,
    async run({ params, identity, context }) {
      const { connections: desk } = context;
      if (!desk?.connections.has(params.id))
        throw new ApiProblem('not_found', 'nobody signs in at a connection of this name');
      const by = holderFor(identity);
      await recordActOf(context)('connections.disconnect', { connection: params.id, by });
      let ended = false;
      for (const holder of holdersOf(identity))
        if (await desk.disconnect({ connection: params.id, holder })) ended = true;
      return { done: ended };
    },
  }),
};

/** As whom a person's programs call. Where nobody signs in, the program on this machine is this person's. */
export function holdersOf(identity: Identity): readonly string[] {
  return identity.local ? ['local:agent'] : identity.person.keys.filter((key) => !key.startsWith('email:'));
}

/** The one of them that a sign-in is kept under. */
export function holderFor(identity: Identity): string {
  return identity.local ? 'local:agent' : ownKey(identity);
}
