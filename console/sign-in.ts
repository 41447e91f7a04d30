import type { FastifyInstance, FastifyRequest } from 'fastify';
import { freezeInForce } from '../db/kill-switch.ts';
import { personHandles, revokedAmong } from '../db/revocations.ts';
import type { ConsoleContext, Visit } from './deps.ts';
import { PageError } from './errors.ts';
import { placed } from './identity.ts';

const visits = new WeakMap<FastifyRequest, Visit>();

/** Sends whoever is not signed in to the login page (a POST gets 401), before any route of `app` runs. */
export function requireVisit(app: FastifyInstance, context: ConsoleContext): void {
  app.addHook('preHandler', async (request, reply) => {
    const visit = await context.visits.find(request);
    if (visit) {
      await refuseRevoked(context, visit);
      const identity = await placed(visit.identity, context.lookIntoSlack);
      visits.set(request, { ...visit, identity, freeze: await freezeInForce(context.pool) });
      return undefined;
    }
    const to = request.method === 'GET' ? request.url : '/';
    return reply.redirect(`/login?to=${encodeURIComponent(to)}`, 303);
  });
}

/** @throws PageError 403 when whoever is signed in has been cut off */
export async function refuseRevoked({ pool }: Pick<ConsoleContext, 'pool'>, visit: Visit): Promise<void> {
  const by = await revokedAmong(pool, personHandles(visit.identity.person.keys));
  if (!by) return;
  throw new PageError(
    403,
    'Your access has been revoked',
    `The act is ${by.id}. Nothing was shown and nothing was done.`,
    'Whoever runs this console can say why, and lift it.',
  );
}

/** The visit of a request on a route behind {@link requireVisit}. */
export function visitOf(request: FastifyRequest): Visit {
  const visit = visits.get(request);
  if (!visit) throw new Error('this route does not stand behind requireVisit');
  return visit;
}

/** The visit of a request if there is one: for error pages. */
export function visitIfAny(request: FastifyRequest): Visit | null {
  return visits.get(request) ?? null;
}
