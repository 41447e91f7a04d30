import { createServer, type Server } from 'node:http';
import * as oidc from 'openid-client';
import { apiScope } from '../../console/api/scope.ts';
import { authorizationServer, keptOf, LoginError } from './authorization.ts';
import type { KeptSignIn } from './sign-ins.ts';

/** How a sign-in gets to the person's browser, and back. */
export interface BrowserDeps {
  /** Opens an address in a browser, where there is one; the address is printed all the same. */
  readonly openBrowser: (address: string) => void;
  readonly say: (text: string) => void;
  /** What the person types or pastes, for browsers on other machines; null where nobody can. */
  readonly pasted: AsyncIterable<string> | null;
  readonly withinMs?: number;
}

const usualWaitMs = 10 * 60_000;

/**
 * Signs somebody in with their browser: the authorization code flow with PKCE, answered to a loopback address that was
 * opened for this one sign-in (RFC 8252 section 7.3). The answer counts only with the state that was sent out and the
 * issuer that was asked (RFC 9207).
 * @throws LoginError
 */
export async function signInByBrowser(
  place: { readonly issuer: string; readonly resource: string },
  deps: BrowserDeps,
): Promise<KeptSignIn> {
  const config = await authorizationServer(place.issuer);
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  const waiting = await answerServer(state);
  try {
    const address = oidc.buildAuthorizationUrl(config, {
      redirect_uri: waiting.redirectUri,
      scope: apiScope,
      resource: place.resource,
      state,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    deps.say(`Sign in with your browser:\n\n  ${address.toString()}\n\n`);
    deps.say(`Its page says that the answer goes to ${new URL(waiting.redirectUri).origin}.\n`);
    if (deps.pasted)
      deps.say('If that browser is on another machine, paste here the address at which it ends.\n');
    deps.openBrowser(address.toString());
    const answer = await firstOf(waiting, state, deps);
    const tokens = await oidc.authorizationCodeGrant(
      config,
      answer,
      { pkceCodeVerifier: verifier, expectedState: state },
      { resource: place.resource },
    );
    return keptOf(tokens, { ...place, name: '' });
  } catch (error) {
    if (error instanceof LoginError) throw error;
    if (error instanceof oidc.AuthorizationResponseError && error.error === 'access_denied')
      throw new LoginError('You were not signed in: the request was refused in the browser.', {
        cause: error,
      });
    const said = error instanceof oidc.AuthorizationResponseError ? ` (${error.error})` : '';
    throw new LoginError(`You were not signed in: the answer did not pass the checks${said}.`, {
      cause: error,
    });
  } finally {
    waiting.close();
  }
}

interface Waiting {
  readonly redirectUri: string;
  readonly answer: Promise<URL>;
  close(): void;
}

/** Listens for the one answer; what does not carry the state is answered, and changes nothing. */
async function answerServer(state: string): Promise<Waiting> {
  const { promise: answer, resolve } = Promise.withResolvers<URL>();
  let redirectUri = '';
  const server: Server = createServer((request, reply) => {
    const url = new URL(request.url ?? '/', redirectUri);
    const isOurs =
      request.method === 'GET' && url.pathname === '/callback' && url.searchParams.get('state') === state;
    reply.writeHead(isOurs ? 200 : 404, {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'",
      'referrer-policy': 'no-referrer',
      connection: 'close',
    });
    reply.end(isOurs ? 'Go back to your terminal. You may close this window.\n' : 'Nothing is here.\n');
    if (isOurs) resolve(url);
  });
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(0, '127.0.0.1', listening);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new LoginError('no address for the answer');
  redirectUri = `http://127.0.0.1:${address.port}/callback`;
  return {
    redirectUri,
    answer,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function firstOf(
  waiting: Waiting,
  state: string,
  { pasted, withinMs = usualWaitMs }: BrowserDeps,
): Promise<URL> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new LoginError('Nobody signed in within ten minutes.')), withinMs);
  try {
    return await Promise.race([waiting.answer, late, ...(pasted ? [pastedAnswer(pasted, state)] : [])]);
  } finally {
    clearTimeout(timer);
  }
}

async function pastedAnswer(lines: AsyncIterable<string>, state: string): Promise<URL> {
  for await (const line of lines) {
    const text = line.trim();
    if (URL.canParse(text) && new URL(text).searchParams.get('state') === state) return new URL(text);
  }
  // The end of the input ends nothing: the browser may still answer.
  return new Promise<never>(() => {});
}
