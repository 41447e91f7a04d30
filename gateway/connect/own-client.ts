import { forgetClient, sharedClient } from '../../db/connection-sign-ins.ts';
import type { Pool } from '../../db/pool.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import type { CodeClient } from '../credentials/settings.ts';
import { ConnectError, type FoundServer } from './discovery.ts';
import { guardedFetch } from './guarded-fetch.ts';
import { type OwnClient, sealValue, unsealValue } from './sealing.ts';

/** What Holdpoint says of itself as a client (RFC 7591, and the document of a client id). */
export interface ClientDescription {
  readonly redirectUri: string;
  /** Where the document is; null where no stranger could fetch it by https. */
  readonly documentUrl: string | null;
}

interface ClientDeps {
  readonly pool: Pool;
  readonly keyRing: KeyRing;
}

/**
 * As which client Holdpoint asks: the configured one; else, where the authorization server reads such documents, one
 * that a document describes; else one that is registered, once for all replicas.
 * @throws ConnectError
 */
export async function ownClient(
  deps: ClientDeps,
  server: FoundServer,
  client: CodeClient,
  description: ClientDescription,
): Promise<OwnClient> {
  const { clientId, clientSecret } = client;
  if (clientId !== null)
    return {
      clientId,
      clientSecret,
      method: clientSecret === null ? 'none' : secretMethod(server.methods),
    };
  if (server.readsDocuments && description.documentUrl !== null)
    return { clientId: description.documentUrl, clientSecret: null, method: 'none' };
  const { registrationUrl } = server;
  const { host } = new URL(server.issuer);
  if (registrationUrl === null)
    throw new ConnectError(
      `the authorization server ${host} registers no clients by itself: ${byHand(description)}`,
    );
  const place = placeOf(server, description);
  const sealed = await sharedClient(deps.pool, place, async () =>
    sealValue(deps.keyRing, await register(server, registrationUrl, description), place),
  );
  return unsealValue<OwnClient>(deps.keyRing, sealed, place);
}

function byHand({ redirectUri }: ClientDescription): string {
  return `register one there with the redirect URI ${redirectUri}, and set clientId`;
}

/** The authorization server does not know it any more: the next one is registered anew. */
export function forgetOwnClient(
  { pool }: ClientDeps,
  server: Pick<FoundServer, 'issuer'>,
  description: ClientDescription,
): Promise<void> {
  return forgetClient(pool, placeOf(server, description));
}

function placeOf({ issuer }: Pick<FoundServer, 'issuer'>, { redirectUri }: ClientDescription): string {
  return `connection-client:${JSON.stringify([issuer, redirectUri])}`;
}

/** RFC 7591 section 2, as Holdpoint fills it in. */
export function clientMetadata(redirectUri: string, method: OwnClient['method']): object {
  return {
    client_name: 'Holdpoint',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: method,
  };
}

async function register(
  server: FoundServer,
  registrationUrl: string,
  description: ClientDescription,
): Promise<OwnClient> {
  const { redirectUri } = description;
  const wanted = server.methods?.includes('none') === false ? secretMethod(server.methods) : 'none';
  const { host } = new URL(registrationUrl);
  const answer = await guardedFetch(server.inward)(registrationUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(clientMetadata(redirectUri, wanted)),
    signal: AbortSignal.timeout(10_000),
  }).catch((cause: unknown) => {
    throw new ConnectError(`${host} cannot be reached to register with`, { cause });
  });
  const said = (await answer.json().catch(() => null)) as Record<string, unknown> | null;
  const clientId = said?.['client_id'];
  if (answer.status === 401 || answer.status === 403)
    throw new ConnectError(`${host} registers no clients that it does not know: ${byHand(description)}`);
  if (!answer.ok || typeof clientId !== 'string' || clientId === '')
    throw new ConnectError(`${host} did not register Holdpoint as a client (HTTP ${answer.status})`);
  const clientSecret = typeof said?.['client_secret'] === 'string' ? said['client_secret'] : null;
  const method = said?.['token_endpoint_auth_method'];
  if (clientSecret === null) return { clientId, clientSecret, method: 'none' };
  return {
    clientId,
    clientSecret,
    method:
      method === 'client_secret_post' || method === 'none'
        ? method
        : method === 'client_secret_basic'
          ? method
          : secretMethod(server.methods),
  };
}

function secretMethod(methods: readonly string[] | null): 'client_secret_basic' | 'client_secret_post' {
  // What the server lists first of the two is what it takes most surely; what is not said is Basic (RFC 8414 section 2).
  const first = methods?.find((one) => one === 'client_secret_basic' || one === 'client_secret_post');
  return first === 'client_secret_post' ? first : 'client_secret_basic';
}
