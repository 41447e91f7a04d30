import type { SAML } from '@node-saml/node-saml';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { beginLogin, newSecret, takeLogin } from '../../db/console-sessions.ts';
import {
  samlRequestWaits,
  type SamlPerson,
  storeArrival,
  sweepSaml,
  takeArrival,
  useAssertion,
} from '../../db/saml-logins.ts';
import type { ConsoleContext, LookedAgain, Login, Visit } from '../deps.ts';
import { PageError } from '../errors.ts';
import type { Identity } from '../identity.ts';
import { providerLoginPage } from '../pages/login.ts';
import { formOf, returnTo } from '../requests.ts';
import { settlePerson } from './person.ts';
import { provenBy, samlOf, type SamlSettings, UnacceptableResponse } from './saml-response.ts';

const loginLifeMs = 10 * 60_000;
/** From the provider's answer to the browser's next request. */
const arrivalLifeMs = 60_000;
/** How old the provider's word on groups may be: SAML cannot be asked anew without the person. */
const freshMs = 15 * 60_000;

/** At the end of the id of a request that asks for a fresh proof (ForceAuthn): its answer names it, signed. */
const anewMark = '.anew';

/** Where the provider's answers are posted, from its own pages. */
export const samlAnswerPath = '/login/saml';

/**
 * Signing in at a SAML 2.0 identity provider (Web Browser SSO: redirect to it, its answer by POST). The answer comes
 * from another site, and so without cookies: it is checked and used up there, and the browser goes on to where the
 * cookie of its sign-in says that it is the one that began it.
 */
export function samlLogin(settings: SamlSettings): Login {
  return {
    mode: 'saml',
    binding: `saml:${settings.idpEntityId} ${settings.entityId}`,
    routes: (app, context) => addRoutes(app, context, settings),
    lookAgain: async (visit, context) => lookAgain(visit, context),
  };
}

function addRoutes(app: FastifyInstance, context: ConsoleContext, settings: SamlSettings): void {
  const secure = context.origin().startsWith('https:');
  const cookie = secure ? '__Host-holdpoint-login' : 'holdpoint-login';
  const options = { path: '/', httpOnly: true, sameSite: 'lax', secure } as const;
  let opened: SAML | undefined;
  const saml = (): SAML =>
    (opened ??= samlOf(settings, `${context.origin()}${samlAnswerPath}`, (id) =>
      samlRequestWaits(context.pool, id),
    ));
  const host = new URL(settings.entryPoint).host;

  app.get<{ Querystring: { to?: unknown } }>('/login', async (request, reply) => {
    reply.type('text/html');
    return providerLoginPage(host, returnTo(request.query.to)).toString();
  });
  app.get('/login/saml/metadata', async (_, reply) => {
    reply.type('application/samlmetadata+xml');
    return saml().generateServiceProviderMetadata(null, settings.publicCert);
  });
  app.get<{ Querystring: { to?: unknown; fresh?: unknown } }>('/login/start', async (request, reply) => {
    const secret = newSecret();
    const { url, requestId } = await askProvider(saml(), request.query.fresh === 'yes');
    const to = returnTo(request.query.to);
    await beginLogin(
      context.pool,
      secret,
      { state: requestId, nonce: '', codeVerifier: '', returnTo: to },
      loginLifeMs,
    );
    reply.setCookie(cookie, secret, { ...options, maxAge: loginLifeMs / 1000 });
    return reply.redirect(url, 303);
  });
  app.post(samlAnswerPath, async (request, reply) => {
    const secret = await arrive(request, context, saml(), settings);
    return reply.redirect(`/login/saml/done?arrival=${secret}`, 303);
  });
  app.get<{ Querystring: { arrival?: unknown } }>('/login/saml/done', async (request, reply) => {
    const to = await finish(request, reply, request.cookies[cookie]);
    reply.clearCookie(cookie, options);
    return reply.redirect(to, 303);
  });

  async function finish(
    request: FastifyRequest,
    reply: FastifyReply,
    secret: string | undefined,
  ): Promise<string> {
    const { arrival } = request.query as { arrival?: unknown };
    const came = typeof arrival === 'string' ? await takeArrival(context.pool, arrival) : null;
    const login = secret && came ? await takeLogin(context.pool, secret, came.requestId) : null;
    if (!login || !came) throw notBegunHere();
    await begin(request, reply, context, settings, came);
    return login.returnTo;
  }
}

/** Makes a request of ours, and the address at which the provider takes it. */
async function askProvider(
  saml: SAML,
  forceAuthn: boolean,
): Promise<{ readonly url: string; readonly requestId: string }> {
  const requestId = `_${newSecret()}${forceAuthn ? anewMark : ''}`;
  // The library takes both from its options alone.
  const asking = Object.assign(Object.create(Object.getPrototypeOf(saml) as object) as SAML, saml, {
    options: { ...saml.options, forceAuthn, generateUniqueId: () => requestId },
  });
  return { url: await asking.getAuthorizeUrlAsync('', undefined, {}), requestId };
}

/** Checks an answer and uses it up. @returns a secret with which the browser goes on */
async function arrive(
  request: FastifyRequest,
  context: ConsoleContext,
  saml: SAML,
  settings: SamlSettings,
): Promise<string> {
  await sweepSaml(context.pool);
  try {
    const proven = await provenBy(saml, settings, formOf(request)['SAMLResponse']);
    const { assertionId: id, expiresAt, requestId, person } = proven;
    if (!(await useAssertion(context.pool, { issuer: settings.idpEntityId, id, expiresAt })))
      throw new UnacceptableResponse('its assertion was used before');
    const secret = newSecret();
    await storeArrival(context.pool, secret, { requestId, person }, arrivalLifeMs);
    return secret;
  } catch (error) {
    if (!(error instanceof UnacceptableResponse)) throw error;
    context.log.warn({ because: error.message }, 'a sign-in was refused');
    throw new PageError(
      403,
      'You were not signed in',
      'The answer of the identity provider did not pass the checks.',
      'Begin again; if it goes on, ask whoever runs this console to look into its log.',
    );
  }
}

async function begin(
  request: FastifyRequest,
  reply: FastifyReply,
  context: ConsoleContext,
  settings: SamlSettings,
  { person, requestId }: { readonly person: SamlPerson; readonly requestId: string },
): Promise<void> {
  const authenticatedAt = person.authenticatedAtMs === null ? null : new Date(person.authenticatedAtMs);
  const now = context.now();
  const key = `saml:${settings.idpEntityId}#${person.subject}`;
  const identity: Identity = {
    person: { keys: [key], name: person.name ?? person.email ?? person.subject },
    subject: person.subject,
    email: person.email,
    groups: person.groups,
    local: false,
  };
  const settled = await settlePerson(context.pool, `saml:${settings.idpEntityId}`, identity, now);
  await context.visits.begin(request, reply, {
    binding: context.login.binding,
    personKeys: settled.person.keys,
    name: settled.person.name,
    subject: settled.subject,
    email: settled.email,
    groups: settled.groups,
    sealedTokens: null,
    acr: person.acr,
    amr: [],
    authenticatedAt,
    // Keycloak among others names the time of its answer, also where nobody was asked for anything.
    provenAt: requestId.endsWith(anewMark) ? authenticatedAt : null,
    signedInAt: now,
    seenAt: now,
  });
}

function lookAgain(visit: Visit, context: ConsoleContext): LookedAgain {
  if (context.now().getTime() - visit.signedInAt.getTime() < freshMs) return { identity: visit.identity };
  return {
    signInAgain:
      'Your groups must be looked up again before you go on, and your identity provider is asked by signing in.',
  };
}

function notBegunHere(): PageError {
  return new PageError(
    403,
    'This sign-in was not begun here',
    'The answer of the identity provider does not belong to a sign-in of this browser, or came too late.',
    'Begin again from the sign-in page of this console.',
  );
}
