import cookie from '@fastify/cookie';
import formbody from '@fastify/formbody';
import fastify, { type FastifyInstance, LogController } from 'fastify';
import { sweepConsole } from '../db/console-sessions.ts';
import { apiPrefix, apiRoutes, refuseAddress } from './api/serve.ts';
import { resourceRoutes } from './api/resource.ts';
import type { Streams } from './api/send-stream.ts';
import { assetRoutes } from './assets.ts';
import { refuseBroken } from './broken-request.ts';
import { actContext } from './context.ts';
import type { ConsoleContext, ConsoleDeps, Login } from './deps.ts';
import { ConsoleError } from './errors.ts';
import { failures } from './failures.ts';
import { guard, isLoopback, ownNames } from './guard.ts';
import { type LookIntoSlack, placed } from './identity.ts';
import { mintLoginLink } from './login/link.ts';
import { localLogin } from './login/local.ts';
import { oidcLogin } from './login/oidc.ts';
import { samlAnswerPath, samlLogin } from './login/saml.ts';
import { approvalRoutes } from './routes-approvals.ts';
import { authorizeRoutes } from './routes-authorize.ts';
import { breakGlassRoutes } from './routes-break-glass.ts';
import { connectAnswerRoutes, connectionRoutes } from './routes-connections.ts';
import { definitionRoutes } from './routes-definitions.ts';
import { killSwitchRoutes } from './routes-kill-switch.ts';
import { linkRoutes } from './routes-link.ts';
import { grantRoutes } from './routes-grants.ts';
import { liveRoutes } from './routes-live.ts';
import { passkeyRoutes } from './routes-passkeys.ts';
import { maskReportRoutes } from './routes-mask-report.ts';
import { policyRoutes } from './routes-policy.ts';
import { packageRoutes } from './routes-packages.ts';
import { sessionRoutes } from './routes-sessions.ts';
import { togetherRoutes } from './routes-together.ts';
import { tokenRoutes } from './routes-tokens.ts';
import { formOf } from './requests.ts';
import { containmentRoutes } from './routes-containment.ts';
import { requireVisit, visitOf } from './sign-in.ts';
import { createVisits } from './visits.ts';

const sweepEveryMs = 10 * 60_000;
const bodyLimitBytes = 64 * 1024;
/** A provider's answers carry certificates and groups. */
const samlBodyLimitBytes = 512 * 1024;

/** A console that is listening. */
export interface RunningConsole {
  /** Where it listens: `http://127.0.0.1:8471`. */
  readonly address: string;
  /** Where browsers reach it. */
  readonly publicUrl: string;
  /** A new one-time login link, or null where people sign in at an identity provider. */
  loginLink(): string | null;
  /** Ends live pages, finishes what is under way, stops listening. Safe to repeat. */
  stop(): Promise<void>;
}

/**
 * Starts the web console on its own listener.
 * @throws ConsoleError when nobody could sign in, when local sign-in would be offered beyond this machine, when the
 * identity provider cannot be reached, or when the port is taken
 */
export async function startConsole(deps: ConsoleDeps): Promise<RunningConsole> {
  const lookIntoSlack = deps.lookIntoSlack ?? null;
  const login = placing(await loginOf(deps), lookIntoSlack);
  const configured = new URL(deps.publicUrl);
  const secure = configured.protocol === 'https:';
  const loopback = isLoopback(deps.listen.host);
  const app = fastify({
    loggerInstance: deps.log,
    // Addresses are not logged: login links carry a secret.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: login.mode === 'saml' ? samlBodyLimitBytes : bodyLimitBytes,
    forceCloseConnections: true,
    frameworkErrors: refuseAddress,
    clientErrorHandler: refuseBroken,
  });
  let port = deps.listen.port;
  const publicUrl = (): URL => {
    const url = new URL(configured);
    if (url.port === '0') url.port = String(port);
    return url;
  };
  const context: ConsoleContext = {
    ...actContext(deps),
    login,
    visits: createVisits(deps.pool, login.binding, secure),
    signIns: deps.signIns ?? null,
    origin: () => publicUrl().origin,
  };
  const fromElsewhere = login.mode === 'saml' ? samlAnswerPath : null;
  guard(app, () => ownNames(publicUrl(), loopback ? { port } : null), { secure, fromElsewhere });
  failures(app);
  await app.register(cookie);
  await app.register(formbody);
  const endStreams = await routes(app, context);
  await listen(app, deps.listen);
  port = boundPort(app);
  const sweep = setInterval(() => {
    sweepConsole(deps.pool).catch((error: unknown) =>
      deps.log.warn({ err: error }, 'old console sessions were not removed'),
    );
  }, sweepEveryMs).unref();
  return {
    address: `http://${deps.listen.host.includes(':') ? `[${deps.listen.host}]` : deps.listen.host}:${port}`,
    publicUrl: publicUrl().toString(),
    loginLink: () =>
      deps.login?.mode === 'local'
        ? mintLoginLink(deps.login.credential, publicUrl().toString(), context.now())
        : null,
    async stop() {
      clearInterval(sweep);
      endStreams();
      await app.close();
      await context.runningReports.close();
    },
  };
}

async function routes(app: FastifyInstance, context: ConsoleContext): Promise<() => void> {
  await assetRoutes(app);
  app.get('/healthz', async () => ({ status: 'ok' }));
  context.login.routes(app, context);
  connectAnswerRoutes(app, context);
  const apiStreams: Streams = new Set();
  await app.register(async (api) => apiRoutes(api, context, apiStreams), { prefix: apiPrefix });
  resourceRoutes(app, context);
  let endPages = (): void => {};
  await app.register(async (inside) => {
    requireVisit(inside, context);
    approvalRoutes(inside, context);
    togetherRoutes(inside, context);
    grantRoutes(inside, context);
    sessionRoutes(inside, context);
    packageRoutes(inside, context);
    breakGlassRoutes(inside, context);
    definitionRoutes(inside, context);
    policyRoutes(inside, context);
    maskReportRoutes(inside, context);
    linkRoutes(inside, context);
    authorizeRoutes(inside, context);
    passkeyRoutes(inside, context);
    killSwitchRoutes(inside, context);
    tokenRoutes(inside, context);
    connectionRoutes(inside, context);
    containmentRoutes(inside, context);
    endPages = liveRoutes(inside, context);
    inside.post('/logout', async (request, reply) => {
      context.visits.checkForm(visitOf(request), formOf(request));
      await context.visits.end(request, reply);
      return reply.redirect('/login', 303);
    });
  });
  return () => {
    endPages();
    for (const stream of apiStreams) stream.abort();
  };
}

/** Whoever is looked up again right before an act is looked up in Slack too. */
function placing(login: Login, look: LookIntoSlack | null): Login {
  return {
    ...login,
    lookAgain: async (visit, context) => {
      const again = await login.lookAgain(visit, context);
      return 'signInAgain' in again ? again : { identity: await placed(again.identity, look) };
    },
  };
}

async function loginOf({ login, listen, publicUrl }: ConsoleDeps): Promise<Login> {
  if (!login)
    throw new ConsoleError(
      'login_missing',
      'nobody could sign in to the console: set console.login to an OpenID Connect or SAML provider, or start with `holdpoint up` on a loopback address',
    );
  if (login.mode === 'oidc') return oidcLogin(login);
  if (login.mode === 'saml') return samlLogin(login);
  if (!isLoopback(listen.host) || !isLoopback(new URL(publicUrl).hostname.replace(/^\[|\]$/g, '')))
    throw new ConsoleError(
      'local_needs_loopback',
      `the console would be reachable beyond this machine (console.listen ${listen.host}, console.publicUrl ${publicUrl}) while people are not told apart: set console.login, or let both be a loopback address`,
    );
  return localLogin(login.credential);
}

async function listen(app: FastifyInstance, { host, port }: ConsoleDeps['listen']): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === 'EADDRINUSE' ? 'another program listens there' : String(code ?? error);
    throw new ConsoleError(
      'listen_failed',
      `the console cannot listen on ${host}:${port}: ${why}; change console.listen`,
      {
        cause: error,
      },
    );
  }
}

function boundPort(app: FastifyInstance): number {
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('the console listens on no port');
  return address.port;
}
