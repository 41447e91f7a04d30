import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Provider } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { sweepAuthorization } from '../../db/oauth-artifacts.ts';
import { standingSignIn } from '../../db/oauth-sign-ins.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import type { OwnIssuer } from '../identify/verify-token.ts';
import { errorPage } from './error-page.ts';
import { serverMetadata } from './metadata.ts';
import { paths } from './paths.ts';
import { createProvider, type ProviderDeps } from './provider.ts';
import { readJson, registerClient, RegistrationRefused } from './register.ts';
import { asPublic, withDefaults } from './rewrite.ts';
import type { AuthorizationSettings } from './settings.ts';
import { beginSignIn, finishSignIn } from './sign-in.ts';
import { createSigningKeys } from './signing-keys.ts';

/** The built-in authorization server of a gateway. Any replica serves any step. */
export interface AuthorizationServer {
  /** How this gateway trusts its tokens. */
  readonly own: OwnIssuer;
  /**
   * Adds its routes to the agents' listener.
   * @param isOurs whether a request came to a Host of the gateway's
   */
  routes(app: FastifyInstance, isOurs: (request: IncomingMessage) => boolean): void;
  close(): void;
}

export interface AuthorizationDeps extends ProviderDeps {
  readonly keyRing: KeyRing;
}

const sweepEveryMs = 10 * 60_000;

/** Sets the authorization server up. Nothing is asked of the database before the first request. */
export function createAuthorizationServer(
  settings: AuthorizationSettings,
  deps: AuthorizationDeps,
): AuthorizationServer {
  const keys = createSigningKeys(deps.pool, deps.keyRing, settings.issuer);
  let built: { readonly version: string; readonly provider: Provider } | null = null;
  const provider = async (): Promise<Provider> => {
    const current = await keys.current();
    if (built?.version !== current.version)
      built = { version: current.version, provider: createProvider(settings, current, deps) };
    return built.provider;
  };
  const sweep = setInterval(() => {
    sweepAuthorization(deps.pool).catch((error: unknown) =>
      deps.log.warn({ err: error }, 'old sign-ins were not removed'),
    );
  }, sweepEveryMs).unref();
  return {
    own: {
      issuer: settings.issuer,
      keys: keys.verify,
      signedIn: async (grantId) => (await standingSignIn(deps.pool, grantId)) !== null,
    },
    routes: (app, isOurs) => {
      documentRoutes(app, settings, isOurs);
      browserRoutes(app, { settings, deps, isOurs, provider });
    },
    close: () => clearInterval(sweep),
  };
}

/** What anybody may read, web pages too. */
function documentRoutes(
  app: FastifyInstance,
  settings: AuthorizationSettings,
  isOurs: (request: IncomingMessage) => boolean,
): void {
  const metadata = serverMetadata(settings);
  const path = new URL(settings.issuer).pathname.replace(/\/$/, '');
  const places = ['oauth-authorization-server', 'openid-configuration'].flatMap((name) => [
    `/.well-known/${name}`,
    // With the path of the public URL behind (RFC 8414) or before (OpenID Connect) the well-known part.
    ...(path === '' ? [] : [`/.well-known/${name}${path}`, `${path}/.well-known/${name}`]),
  ]);
  for (const place of places)
    app.get(place, (request, reply) => {
      if (!isOurs(request.raw)) return reply.code(403).send({ error: 'host_refused' });
      return reply.header('access-control-allow-origin', '*').send(metadata);
    });
}

interface Serving {
  readonly settings: AuthorizationSettings;
  readonly deps: AuthorizationDeps;
  readonly isOurs: (request: IncomingMessage) => boolean;
  readonly provider: () => Promise<Provider>;
}

type Act = (provider: Provider, request: IncomingMessage, reply: ServerResponse) => Promise<void>;

function browserRoutes(app: FastifyInstance, serving: Serving): void {
  const { settings, deps } = serving;
  const pass: Act = (provider, request, reply) => provider.callback()(request, reply);
  const serve = (method: 'GET' | 'POST' | 'OPTIONS', url: string, act: Act): void => {
    app.route<{ Params: { uid?: string } }>({
      method,
      url,
      handler: (request, reply) => {
        reply.hijack();
        void run(serving, act, request.raw, reply.raw);
      },
    });
  };
  serve('GET', paths.authorize, async (provider, request, reply) => {
    withDefaults(request, settings);
    await pass(provider, request, reply);
  });
  serve('GET', `${paths.authorize}/:uid`, pass);
  for (const path of [paths.token, paths.revoke]) {
    serve('POST', path, pass);
    serve('OPTIONS', path, pass);
  }
  serve('GET', paths.keys, pass);
  serve('OPTIONS', paths.keys, pass);
  serve('GET', `${paths.signIn}/:uid`, (provider, request, reply) =>
    beginSignIn({ provider, settings, pool: deps.pool, request, reply }),
  );
  serve('GET', `${paths.signIn}/:uid/done`, (provider, request, reply) => {
    const proof = new URL(request.url ?? '/', 'http://here').searchParams.get('proof') ?? '';
    return finishSignIn({ provider, settings, pool: deps.pool, request, reply }, proof);
  });
  if (!settings.registration) return;
  serve('OPTIONS', paths.register, async (_, __, reply) => void reply.writeHead(204, cors).end());
  serve('POST', paths.register, (_, request, reply) => register(deps, request, reply));
}

const cors = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'POST',
  'access-control-allow-headers': 'content-type, mcp-protocol-version',
} as const;

async function register(
  deps: AuthorizationDeps,
  request: IncomingMessage,
  reply: ServerResponse,
): Promise<void> {
  const answer = (status: number, body: object): void => {
    const headers = { ...cors, 'content-type': 'application/json', 'cache-control': 'no-store' };
    reply.writeHead(status, headers).end(JSON.stringify(body));
  };
  try {
    answer(201, await registerClient(deps.pool, await readJson(request)));
  } catch (error) {
    if (!(error instanceof RegistrationRefused)) throw error;
    answer(error.status, { error: error.code, error_description: error.message });
  }
}

/** One request. Never rejects: what fails is answered, and without what failed. */
async function run(
  { settings, deps, isOurs, provider }: Serving,
  act: Act,
  request: IncomingMessage,
  reply: ServerResponse,
): Promise<void> {
  try {
    if (!isOurs(request)) return void reply.writeHead(403).end();
    asPublic(request, settings);
    await act(await provider(), request, reply);
  } catch (error) {
    if (reply.headersSent) return void reply.destroy();
    const told = error instanceof errors.OIDCProviderError ? error : null;
    const refused = hasStatus(error) ? error.statusCode : null;
    const status = told?.statusCode ?? refused ?? 503;
    if (!told && refused === null) deps.log.error({ err: error }, 'the authorization server failed');
    const page = errorPage(
      told?.error ?? 'temporarily_unavailable',
      told?.error_description ?? (refused === null ? 'Signing in does not work at the moment.' : undefined),
    );
    reply
      .writeHead(status, {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'cache-control': 'no-store',
      })
      .end(page);
  }
}

function hasStatus(error: unknown): error is { readonly statusCode: number } {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number';
}
