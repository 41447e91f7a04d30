import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import * as oidc from 'openid-client';
import { beginLogin, newSecret, type SignedIn, takeLogin, updateSession } from '../../db/console-sessions.ts';
import type { ConsoleContext, LookedAgain, Login, LoginSettings, Visit } from '../deps.ts';
import { PageError } from '../errors.ts';
import { claimAt, UnusableClaims } from '../../policy/claims.ts';
import { identityFromClaims } from '../identity.ts';
import { providerLoginPage } from '../pages/login.ts';
import { returnTo } from '../requests.ts';
import { discover } from './discover.ts';
import { claimsOf, freshClaims, openTokens, sealTokens } from './oidc-tokens.ts';
import { settlePerson } from './person.ts';

type Settings = Extract<LoginSettings, { mode: 'oidc' }>;

/** What a sign-in is to be. */
interface Asked {
  readonly to?: unknown;
  /** `yes`: the person must prove themselves anew. */
  readonly fresh?: unknown;
  /** `yes`: without `offline_access`, which some providers refuse to some people. */
  readonly plain?: unknown;
}

const plainScope = 'openid email profile';
/** How a sign-in was asked for, at the end of its state, which nobody but us could have made. */
const [freshMark, plainMark] = ['f', 'p'];
/** A sign-in that is asked for once more, without `offline_access`, follows on the first at once. */
const retriedWithinSec = 120;

const loginLifeMs = 10 * 60_000;
/** How old a provider's word on groups may be where it cannot be asked anew without the person. */
const freshMs = 5 * 60_000;

/**
 * Signing in at an OpenID Connect provider: authorization code flow with PKCE, state and nonce (OpenID Connect Core
 * 3.1, RFC 7636). Before each decision the provider is asked again.
 * @throws ConsoleError `login_unreachable` when its discovery document cannot be had
 */
export async function oidcLogin(settings: Settings): Promise<Login> {
  const config = await discover(settings);
  const { issuer } = config.serverMetadata();
  return {
    mode: 'oidc',
    binding: `oidc:${issuer} ${settings.clientId}`,
    routes: (app, context) => addRoutes(app, context, config, settings),
    lookAgain: (visit, context) => lookAgain(visit, context, config, settings),
  };
}

function addRoutes(
  app: FastifyInstance,
  context: ConsoleContext,
  config: oidc.Configuration,
  settings: Settings,
): void {
  const secure = context.origin().startsWith('https:');
  const cookie = secure ? '__Host-holdpoint-login' : 'holdpoint-login';
  const options = { path: '/', httpOnly: true, sameSite: 'lax', secure } as const;
  const redirectUri = (): string => `${context.origin()}/login/callback`;

  app.get<{ Querystring: { to?: unknown } }>('/login', async (request, reply) => {
    reply.type('text/html');
    return providerLoginPage(new URL(settings.issuer).host, returnTo(request.query.to)).toString();
  });
  app.get<{ Querystring: Asked }>('/login/start', async (request, reply) => {
    const secret = newSecret();
    const { fresh, plain } = request.query;
    const login = {
      state: `${oidc.randomState()}.${fresh === 'yes' ? freshMark : ''}${plain === 'yes' ? plainMark : ''}`,
      nonce: oidc.randomNonce(),
      codeVerifier: oidc.randomPKCECodeVerifier(),
      returnTo: returnTo(request.query.to),
    };
    await beginLogin(context.pool, secret, login, loginLifeMs);
    reply.setCookie(cookie, secret, { ...options, maxAge: loginLifeMs / 1000 });
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri(),
      scope: settings.scope ?? (plain === 'yes' ? plainScope : `${plainScope} offline_access`),
      state: login.state,
      nonce: login.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(login.codeVerifier),
      code_challenge_method: 'S256',
      // Whoever must prove themselves anew is not let through by a session of the provider's, but by the one that they
      // have just begun for it.
      ...(fresh === 'yes' &&
        (plain === 'yes' ? { max_age: String(retriedWithinSec) } : { prompt: 'login', max_age: '0' })),
    });
    return reply.redirect(url.toString(), 303);
  });
  app.get<{ Querystring: { state?: unknown } }>('/login/callback', async (request, reply) => {
    const to = await finish(request, reply, request.cookies[cookie]);
    reply.clearCookie(cookie, options);
    return reply.redirect(to, 303);
  });

  async function finish(
    request: FastifyRequest,
    reply: FastifyReply,
    secret: string | undefined,
  ): Promise<string> {
    const { state } = request.query as { state?: unknown };
    const login = secret && typeof state === 'string' ? await takeLogin(context.pool, secret, state) : null;
    if (!login || typeof state !== 'string') throw notBegunHere();
    const tokens = await oidc
      .authorizationCodeGrant(config, new URL(request.url, context.origin()), {
        expectedState: state,
        expectedNonce: login.nonce,
        pkceCodeVerifier: login.codeVerifier,
        idTokenExpected: true,
      })
      .catch((error: unknown) => {
        context.log.warn({ err: error }, 'a sign-in was refused');
        const marks = state.slice(state.indexOf('.') + 1);
        if (settings.scope !== undefined || marks.includes(plainMark) || !refusesScope(error))
          throw notSignedIn();
        return null;
      });
    if (!tokens) {
      const fresh = state.endsWith(`.${freshMark}`) ? '&fresh=yes' : '';
      return `/login/start?plain=yes${fresh}&to=${encodeURIComponent(login.returnTo)}`;
    }
    const claims = await claimsOf(config, tokens);
    const identity = await settlePerson(
      context.pool,
      `oidc:${config.serverMetadata().issuer}`,
      readable(() =>
        identityFromClaims(config.serverMetadata().issuer, claims, settings.groupsClaim ?? 'groups'),
      ),
      context.now(),
    );
    const sessionSecret = newSecret();
    const now = context.now();
    await context.visits.begin(
      request,
      reply,
      {
        binding: context.login.binding,
        personKeys: identity.person.keys,
        name: identity.person.name,
        subject: identity.subject,
        email: identity.email,
        groups: identity.groups,
        sealedTokens: sealTokens(sessionSecret, {
          access: tokens.access_token,
          refresh: tokens.refresh_token ?? null,
        }),
        ...authenticationOf(tokens.claims() ?? {}),
        signedInAt: now,
        seenAt: now,
      },
      sessionSecret,
    );
    return login.returnTo;
  }
}

/**
 * Whether it is what was asked for that the provider refuses, at either endpoint: RFC 6749 calls it `invalid_scope`,
 * Keycloak `not_allowed` where somebody may have no offline tokens.
 */
function refusesScope(error: unknown): boolean {
  return (
    (error instanceof oidc.ResponseBodyError || error instanceof oidc.AuthorizationResponseError) &&
    ['invalid_scope', 'not_allowed'].includes(error.error)
  );
}

/** How and when the person proved themselves, as the ID token says it (OpenID Connect Core 2). */
function authenticationOf(
  claims: Readonly<Record<string, unknown>>,
): Pick<SignedIn, 'acr' | 'amr' | 'authenticatedAt' | 'provenAt'> {
  const { acr, amr, auth_time: at } = claims;
  const authenticatedAt = typeof at === 'number' && Number.isFinite(at) ? new Date(at * 1000) : null;
  return {
    acr: typeof acr === 'string' ? acr : null,
    amr: Array.isArray(amr) ? amr.filter((method): method is string => typeof method === 'string') : [],
    authenticatedAt,
    provenAt: authenticatedAt,
  };
}

async function lookAgain(
  visit: Visit,
  context: ConsoleContext,
  config: oidc.Configuration,
  settings: Settings,
): Promise<LookedAgain> {
  const { issuer } = config.serverMetadata();
  const now = context.now();
  const groupsClaim = settings.groupsClaim ?? 'groups';
  const fresh = visit.sealedTokens
    ? await freshClaims(config, openTokens(visit.secret, visit.sealedTokens), visit.identity.subject)
    : null;
  if (fresh && (claimAt(fresh.claims, groupsClaim) !== undefined || visit.identity.groups.length === 0)) {
    const identity = await settlePerson(
      context.pool,
      `oidc:${issuer}`,
      readable(() => identityFromClaims(issuer, fresh.claims, groupsClaim)),
      now,
    );
    await updateSession(context.pool, visit.secret, {
      name: identity.person.name,
      email: identity.email,
      groups: identity.groups,
      personKeys: identity.person.keys,
      sealedTokens: sealTokens(visit.secret, fresh.kept),
      seenAt: now,
    });
    return { identity };
  }
  // The provider vouches for groups at sign-in only: its word may be used while it is fresh.
  if (fresh && now.getTime() - visit.signedInAt.getTime() < freshMs) return { identity: visit.identity };
  return {
    signInAgain:
      'Your groups must be looked up again before you decide, and your identity provider wants you to sign in for that.',
  };
}

/** Groups that cannot be read are not taken for none. */
function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UnusableClaims)) throw error;
    throw new PageError(
      403,
      'Your groups cannot be read',
      `What the identity provider says of you cannot be used: ${error.message}.`,
      'Whoever runs the identity provider can set it right (docs/identity.md).',
    );
  }
}

function notBegunHere(): PageError {
  return new PageError(
    403,
    'This sign-in was not begun here',
    'The answer of the identity provider does not belong to a sign-in of this browser, or came too late.',
    'Begin again from the sign-in page of this console.',
  );
}

function notSignedIn(): PageError {
  return new PageError(
    403,
    'You were not signed in',
    'The identity provider refused, or its answer did not pass the checks.',
    'Begin again; if it goes on, ask whoever runs this console to look into its log.',
  );
}
