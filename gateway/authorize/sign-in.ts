import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { keepClient } from '../../db/oauth-artifacts.ts';
import {
  askForSignIn,
  type AskingClient,
  type SignedInPerson,
  storeSignIn,
  takeSignInAnswer,
} from '../../db/oauth-sign-ins.ts';
import type { Pool } from '../../db/pool.ts';
import { revokedAmong } from '../../db/revocations.ts';
import { paths } from './paths.ts';
import { interactionLifeMs } from './provider.ts';
import { targetOfResource } from './resources.ts';
import type { AuthorizationSettings } from './settings.ts';

/** One sign-in on its way: the browser's request, and what answers it. */
interface Step {
  readonly provider: Provider;
  readonly settings: AuthorizationSettings;
  readonly pool: Pool;
  readonly request: IncomingMessage;
  readonly reply: ServerResponse;
}

/** A registered client is kept for this long after somebody signed in with it. */
const clientLifeMs = 180 * 86_400_000;

/**
 * Hands a browser over to the console, where the person signs in and is asked. The cookie of the interaction stays
 * here: together with the proof that comes back it makes sure that it was one browser all the way. Somebody who is sent
 * a link to answer for another's browser lets nobody in.
 * @throws errors.OIDCProviderError
 */
export async function beginSignIn({ provider, settings, pool, request, reply }: Step): Promise<void> {
  const { uid, params } = await provider.interactionDetails(request, reply);
  const { client_id: clientId, redirect_uri: redirectUri } = params;
  const [resource = '', ...more] = [params['resource']].flat().map(String);
  const target = typeof clientId === 'string' ? targetOfResource(settings, resource, clientId) : null;
  if (more.length > 0 || target === null || typeof clientId !== 'string')
    return provider.interactionFinished(request, reply, {
      error: 'invalid_target',
      error_description: 'name one connection as `resource`',
    });
  if (await revokedAmong(pool, [`client:${clientId}`, `connection:${target.name}`]))
    return provider.interactionFinished(request, reply, {
      error: 'access_denied',
      error_description: 'access of this client, or to this connection, has been revoked',
    });
  const asked = typeof params['scope'] === 'string' ? params['scope'].split(' ') : [];
  const secret = randomBytes(32).toString('base64url');
  await askForSignIn(
    pool,
    secret,
    {
      client: await clientAsShown(provider, clientId, String(redirectUri)),
      connection: target.name,
      resource,
      scopes: target.scopes.filter((scope) => asked.includes(scope)),
      returnTo: returnAddress(settings, uid),
    },
    interactionLifeMs,
  );
  redirect(reply, `${settings.consoleUrl}/authorize?request=${secret}`);
}

/**
 * Takes the browser back, with the proof that the person answered in it, and lets the authorization server go on.
 * @throws errors.OIDCProviderError
 */
export async function finishSignIn(
  { provider, settings, pool, request, reply }: Step,
  proof: string,
): Promise<void> {
  const { uid, params } = await provider.interactionDetails(request, reply);
  const answer = await takeSignInAnswer(pool, { proof, returnTo: returnAddress(settings, uid) });
  if (!answer)
    throw new errors.SessionNotFound(
      'the answer does not belong to a sign-in of this browser, or came too late',
    );
  const { person, client } = answer;
  if (client.id !== params['client_id'])
    throw new errors.SessionNotFound('the answer was given to another client');
  if (!person)
    return provider.interactionFinished(
      request,
      reply,
      { error: 'access_denied', error_description: 'the person refused' },
      { mergeWithLastSubmission: false },
    );
  const grantId = await grantTo(provider, person, answer);
  const signIn = { grantId, person, clientId: client.id, clientName: client.name };
  const { resource, scopes } = answer;
  await storeSignIn(pool, { ...signIn, resource, scopes }, settings.signInLifeMs);
  await keepClient(pool, client.id, clientLifeMs);
  await provider.interactionFinished(
    request,
    reply,
    {
      login: {
        accountId: person.key,
        remember: false,
        amr: [...person.amr],
        ...(person.acr !== null && { acr: person.acr }),
        ...(person.authenticatedAtMs !== null && { ts: Math.floor(person.authenticatedAtMs / 1000) }),
      },
      consent: { grantId },
    },
    { mergeWithLastSubmission: false },
  );
}

async function grantTo(
  provider: Provider,
  person: SignedInPerson,
  answer: { readonly client: AskingClient; readonly resource: string; readonly scopes: readonly string[] },
): Promise<string> {
  const grant = new provider.Grant({ accountId: person.key, clientId: answer.client.id });
  grant.addOIDCScope('openid offline_access');
  grant.addResourceScope(answer.resource, answer.scopes.join(' '));
  return grant.save();
}

async function clientAsShown(
  provider: Provider,
  clientId: string,
  redirectUri: string,
): Promise<AskingClient> {
  const client = await provider.Client.find(clientId);
  const { clientName } = client ?? {};
  return {
    id: clientId,
    name: typeof clientName === 'string' && clientName !== '' ? clientName.slice(0, 200) : null,
    host: clientId.startsWith('https://') ? new URL(clientId).host : null,
    redirectUri,
  };
}

function returnAddress({ issuer }: AuthorizationSettings, uid: string): string {
  return `${issuer}${paths.signIn}/${uid}/done`;
}

function redirect(reply: ServerResponse, location: string): void {
  reply.writeHead(303, { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }).end();
}
