import type { FastifyRequest } from 'fastify';
import { noteTokenUse, standingToken } from '../../db/access-tokens.ts';
import { isPersonalToken } from '../../db/personal-token.ts';
import { personHandles, revokedAmong } from '../../db/revocations.ts';
import type { ConsoleContext } from '../deps.ts';
import { placed } from '../identity.ts';
import { formMark } from '../visits.ts';
import { type ApiCaller, ApiProblem } from './endpoint.ts';

/** The scope that a token needs here; one without limits, such as an agent's, does not have it. */
export const apiScope = 'holdpoint:api';

const challenge = { 'www-authenticate': 'Bearer realm="holdpoint"' };

/**
 * Who calls: by an access token, or by the browser's session, whose other requests than GET carry its mark in the
 * `x-csrf-token` header. A request with an `Authorization` header is judged by that alone.
 * @throws ApiProblem
 */
export async function callerOf(context: ConsoleContext, request: FastifyRequest): Promise<ApiCaller> {
  const { authorization } = request.headers;
  const caller =
    authorization === undefined ? await visitor(context, request) : await bearer(context, authorization);
  const by = await revokedAmong(context.pool, [
    ...personHandles(caller.identity.person.keys),
    ...caller.handles,
  ]);
  if (by) throw new ApiProblem('revoked', `access of this ${by.kind} has been revoked (${by.id})`);
  return { ...caller, identity: await placed(caller.identity, context.lookIntoSlack) };
}

async function bearer(
  { pool, login }: ConsoleContext,
  authorization: string,
): Promise<ApiCaller & { handles: string[] }> {
  const secret = /^bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
  const token = isPersonalToken(secret) ? await standingToken(pool, secret) : null;
  if (!token)
    throw new ApiProblem('unauthorized', 'the access token is none, has expired, or was revoked', {
      headers: challenge,
    });
  if (!token.scopes?.includes(apiScope))
    throw new ApiProblem('forbidden', `the access token does not have the scope ${apiScope}`);
  await noteTokenUse(pool, token.id);
  const email = token.email?.toLowerCase() ?? null;
  return {
    via: 'api',
    visit: null,
    handles: [`credential:token:${token.id}`],
    identity: {
      person: {
        keys: [token.personKey, ...(email === null ? [] : [`email:${email}`])],
        name: token.kind === 'service' ? token.subject : (token.email ?? token.subject),
      },
      subject: token.subject,
      email,
      groups: token.groups,
      local: login.mode === 'local' && token.personKey === 'local:approver',
    },
  };
}

async function visitor(
  context: ConsoleContext,
  request: FastifyRequest,
): Promise<ApiCaller & { handles: string[] }> {
  const visit = await context.visits.find(request);
  if (!visit)
    throw new ApiProblem('unauthorized', 'sign in on the console, or send an access token', {
      headers: challenge,
    });
  if (request.method !== 'GET' && request.method !== 'HEAD')
    context.visits.checkForm(visit, { [formMark]: request.headers['x-csrf-token'] });
  return { via: 'console', visit, identity: visit.identity, handles: [] };
}
