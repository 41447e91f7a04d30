import type { FastifyRequest } from 'fastify';
import { noteTokenUse, standingToken } from '../../db/access-tokens.ts';
import { linkedKeys } from '../../db/people.ts';
import { isPersonalToken } from '../../db/personal-token.ts';
import { personHandles, revokedAmong } from '../../db/revocations.ts';
import type { ConsoleContext, Visit } from '../deps.ts';
import { type Identity, placed } from '../identity.ts';
import { proofFor } from '../step-up.ts';
import { formMark } from '../visits.ts';
import { type ApiCaller, ApiProblem } from './endpoint.ts';
import { apiScope } from './scope.ts';

/**
 * What a provider said of somebody at `holdpoint login` counts for deciding as long; then one signs in again. As long as
 * the ID token that a command line may show.
 */
const vouchedForMs = 15 * 60_000;

/** Somebody who was let in, and by what they can be cut off. */
type LetIn = ApiCaller & { readonly handles: readonly string[] };

/**
 * Who calls: by an access token, by the sign-in of a command line, or by the browser's session, whose other requests
 * than GET carry its mark in the `x-csrf-token` header. A request with an `Authorization` header is judged by that alone.
 * @throws ApiProblem
 */
export async function callerOf(context: ConsoleContext, request: FastifyRequest): Promise<ApiCaller> {
  const { authorization } = request.headers;
  const letIn =
    authorization === undefined ? await visitor(context, request) : await bearer(context, authorization);
  await refuseRevoked(context, letIn);
  const { handles: _, ...caller } = letIn;
  const { stands } = caller;
  const identity = await placed(caller.identity, context.lookIntoSlack);
  return {
    ...caller,
    identity,
    lookAgain: async () => {
      const again = await caller.lookAgain();
      return again === caller.identity ? identity : again;
    },
    stands: async () => !(await revokedBy(context, letIn)) && stands(),
  };
}

/** Somebody in a browser's session, for the pages. */
export function callerOfVisit(context: ConsoleContext, visit: Visit): ApiCaller {
  return {
    identity: visit.identity,
    via: 'console',
    lookAgain: async () => {
      const again = await context.login.lookAgain(visit, context);
      if ('signInAgain' in again) throw new ApiProblem('unauthorized', again.signInAgain);
      return again.identity;
    },
    proofFor: (call, passkey) => proofFor(context, visit, call, passkey),
    stands: () => context.visits.isAlive(visit.secret),
  };
}

async function revokedBy({ pool }: ConsoleContext, { identity, handles }: LetIn) {
  return revokedAmong(pool, [...personHandles(identity.person.keys), ...handles]);
}

async function refuseRevoked(context: ConsoleContext, letIn: LetIn): Promise<void> {
  const by = await revokedBy(context, letIn);
  if (by) throw new ApiProblem('revoked', `access of this ${by.kind} has been revoked (${by.id})`);
}

async function bearer(context: ConsoleContext, authorization: string): Promise<LetIn> {
  const secret = /^bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
  if (isPersonalToken(secret)) return byToken(context, secret);
  const local = await context.login.atCommandLine?.(secret, context);
  if (local) return plain({ identity: local, via: 'cli', handles: [], stands: async () => true });
  return bySignIn(context, secret);
}

async function byToken(context: ConsoleContext, secret: string): Promise<LetIn> {
  const { pool, login } = context;
  const token = await standingToken(pool, secret);
  if (!token) throw notLetIn(context);
  if (!token.scopes?.includes(apiScope))
    throw new ApiProblem('forbidden', `the access token does not have the scope ${apiScope}`);
  await noteTokenUse(pool, token.id);
  const { kind, personKey, subject } = token;
  const email = token.email?.toLowerCase() ?? null;
  const name = kind === 'service' ? subject : (token.email ?? subject);
  const keys = kind === 'service' ? [personKey] : await linkedKeys(pool, [personKey]);
  return plain({
    identity: {
      person: { keys: [...keys, ...(email === null ? [] : [`email:${email}`])], name },
      subject,
      email,
      groups: token.groups,
      local: login.mode === 'local' && personKey === 'local:approver',
    },
    via: 'api',
    handles: [`credential:token:${token.id}`],
    stands: async () => (await standingToken(pool, secret)) !== null,
  });
}

/** By the sign-in of `holdpoint login`. What its provider said of the person is too old for deciding after a while. */
async function bySignIn(context: ConsoleContext, secret: string): Promise<LetIn> {
  const signIn = (await context.signIns?.verify(secret)) ?? null;
  if (!signIn) throw notLetIn(context);
  const { person, grantId, clientId, vouchedAt } = signIn;
  if (!signIn.scopes.includes(apiScope))
    throw new ApiProblem('forbidden', `the sign-in does not have the scope ${apiScope}`);
  const email = person.email?.toLowerCase() ?? null;
  const keys = await linkedKeys(context.pool, [person.key]);
  const identity: Identity = {
    person: { keys: [...keys, ...(email === null ? [] : [`email:${email}`])], name: person.name },
    subject: person.subject,
    email,
    groups: person.groups,
    local: false,
  };
  return {
    ...plain({
      identity,
      via: 'cli',
      handles: [`credential:oauth:${grantId}`, `client:${clientId}`],
      stands: async () => (await context.signIns?.verify(secret)) !== null,
    }),
    lookAgain: async () => {
      if (context.now().getTime() - vouchedAt.getTime() < vouchedForMs) return identity;
      throw new ApiProblem(
        'unauthorized',
        'your groups must be looked up again before you do this, and your identity provider is asked by signing in: holdpoint login',
        { headers: challengeOf(context) },
      );
    },
  };
}

/** A token's groups were looked up when the request came. */
function plain(one: Pick<LetIn, 'identity' | 'via' | 'handles' | 'stands'>): LetIn {
  return { ...one, lookAgain: async () => one.identity, proofFor: async () => null };
}

async function visitor(context: ConsoleContext, request: FastifyRequest): Promise<LetIn> {
  const visit = await context.visits.find(request);
  if (!visit)
    throw new ApiProblem('unauthorized', 'sign in on the console, or send an access token', {
      headers: challengeOf(context),
    });
  if (request.method !== 'GET' && request.method !== 'HEAD')
    context.visits.checkForm(visit, { [formMark]: request.headers['x-csrf-token'] });
  return { ...callerOfVisit(context, visit), handles: [] };
}

function notLetIn(context: ConsoleContext): ApiProblem {
  return new ApiProblem('unauthorized', 'the access token is none, has expired, or was revoked', {
    headers: challengeOf(context),
  });
}

function challengeOf({ origin }: ConsoleContext): Record<string, string> {
  return {
    'www-authenticate': `Bearer realm="holdpoint", resource_metadata="${origin()}/.well-known/oauth-protected-resource/api/v1"`,
  };
}
