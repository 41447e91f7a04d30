import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { putArtifact, recentRegistrations } from '../../db/oauth-artifacts.ts';
import type { Queryable } from '../../db/pool.ts';

/** A registration that is refused (RFC 7591 section 3.2.2). */
export class RegistrationRefused extends Error {
  readonly status: 400 | 413 | 429;
  readonly code: 'invalid_redirect_uri' | 'invalid_client_metadata' | 'too_many_requests';
  constructor(
    code: RegistrationRefused['code'],
    message: string,
    status: RegistrationRefused['status'] = 400,
  ) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

const maxBytes = 32 * 1024;
/** More would be somebody filling the database: people register a client when they set one up. */
const maxPerHour = 1_000;
/** A client with which nobody signs in is forgotten after this long. */
const unusedLifeMs = 24 * 3_600_000;

const metadata = z.object({
  redirect_uris: z.array(z.string().min(1).max(2_000)).min(1).max(20),
  client_name: z.string().max(200).optional(),
  grant_types: z.array(z.string()).max(10).optional(),
  response_types: z.array(z.string()).max(10).optional(),
});

/**
 * Registers a client that asks for it (RFC 7591). Anybody may: a registration proves nothing, and people are told so
 * when they are asked to agree. Every client is a public one, whatever it asks for: PKCE binds a code to whoever began.
 * @returns the client as it was registered
 * @throws RegistrationRefused
 */
export async function registerClient(
  db: Queryable,
  body: unknown,
): Promise<Readonly<Record<string, unknown>>> {
  const parsed = metadata.safeParse(body);
  if (!parsed.success)
    throw new RegistrationRefused(
      'invalid_client_metadata',
      'redirect_uris must be a list of 1 to 20 URIs, client_name a text of at most 200 characters',
    );
  const { redirect_uris: redirectUris, client_name: name, grant_types: grants } = parsed.data;
  for (const uri of redirectUris) refuseUri(uri);
  if (grants && !grants.includes('authorization_code'))
    throw new RegistrationRefused('invalid_client_metadata', 'grant_types must include authorization_code');
  if ((await recentRegistrations(db)) >= maxPerHour)
    throw new RegistrationRefused('too_many_requests', 'too many clients register now; try again later', 429);
  const client = {
    client_id: randomBytes(18).toString('base64url'),
    client_id_issued_at: Math.floor(Date.now() / 1000),
    ...(name !== undefined && { client_name: name }),
    redirect_uris: redirectUris,
    application_type: applicationTypeOf(redirectUris),
    grant_types: [
      'authorization_code',
      ...(grants?.includes('refresh_token') === false ? [] : ['refresh_token']),
    ],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
  await putArtifact(db, { kind: 'Client', id: client.client_id }, client, unusedLifeMs);
  return client;
}

/** A web site, or a program on the person's own machine, to any port of which a code may go (RFC 8252 section 7.3). */
export function applicationTypeOf(redirectUris: readonly string[]): 'web' | 'native' {
  return redirectUris.every((uri) => uri.startsWith('https:')) ? 'web' : 'native';
}

/**
 * A code may go to a web site over https, to a program on the person's own machine (RFC 8252 section 7.3), or to one
 * that the system knows by a scheme of its own (section 7.1).
 * @throws RegistrationRefused
 */
export function refuseUri(uri: string): void {
  const refuse = (why: string): never => {
    throw new RegistrationRefused('invalid_redirect_uri', `a redirect URI ${why}`);
  };
  if (!URL.canParse(uri) || uri.includes('#') || /[\s\\]/.test(uri))
    return refuse('must be a URI without fragment');
  const { protocol, hostname, username, password } = new URL(uri);
  if (username !== '' || password !== '') return refuse('must not have a user or password');
  if (protocol === 'https:') return isLoopback(hostname) ? refuse('on loopback must use http') : undefined;
  if (protocol === 'http:')
    return isLoopback(hostname) ? undefined : refuse('must use https beyond this machine');
  return dangerous.test(protocol)
    ? refuse('must not use a scheme that browsers act on themselves')
    : undefined;
}

const dangerous =
  /^(?:javascript|data|vbscript|file|filesystem|blob|about|view-source|ftp|wss?|mailto|tel|sms|intent):$/;

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** Reads a small JSON body. @throws RegistrationRefused */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > maxBytes)
      throw new RegistrationRefused('invalid_client_metadata', 'the registration is too long', 413);
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8')) as unknown;
  } catch {
    throw new RegistrationRefused('invalid_client_metadata', 'the body must be JSON');
  }
}
