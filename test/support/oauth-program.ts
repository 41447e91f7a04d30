import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Client as ClientV2,
  type OAuthClientProvider as OAuthClientProviderV2,
  StreamableHTTPClientTransport as TransportV2,
  UnauthorizedError as UnauthorizedV2,
} from '@modelcontextprotocol/client';
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';

/** A program on somebody's machine that signs in with the OAuth provider of an SDK. */
export type Program = Awaited<ReturnType<typeof program>>;

/** A program on somebody's machine: what the SDK wants of it, and the page that gets the code. */
export async function program(more: { clientMetadataUrl?: string } = {}) {
  const back: URL[] = [];
  const waiting: ((url: URL) => void)[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://program');
    response.end('signed in');
    if (url.pathname === '/callback') (waiting.shift() ?? ((late: URL) => void back.push(late)))(url);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const redirectUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`;
  const kept: { client?: OAuthClientInformationMixed; tokens?: OAuthTokens; verifier?: string; url?: URL } =
    {};
  const provider: OAuthClientProvider = {
    ...more,
    redirectUrl,
    clientMetadata: { client_name: 'A <b>program</b>', redirect_uris: [redirectUrl] },
    state: () => 'the-state',
    clientInformation: () => kept.client,
    saveClientInformation: (client) => void (kept.client = client),
    tokens: () => kept.tokens,
    saveTokens: (tokens) => void (kept.tokens = tokens),
    redirectToAuthorization: (url) => void (kept.url = url),
    saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
    codeVerifier: () => kept.verifier ?? '',
  };
  return {
    provider,
    kept,
    redirectUrl,
    callback: async (): Promise<URL> =>
      back.shift() ?? new Promise<URL>((resolve) => void waiting.push(resolve)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Connects as the SDK does; where it is told to sign in, a person does. */
export async function connectAs(
  own: Program,
  resource: string,
  signIn: (url: string) => Promise<void>,
): Promise<Client> {
  const client = new Client({ name: 'program', version: '1' });
  const transport = new StreamableHTTPClientTransport(new URL(resource), { authProvider: own.provider });
  try {
    await client.connect(transport);
    return client;
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    const came = own.callback();
    await signIn(String(own.kept.url));
    const url = await came;
    assert.equal(url.searchParams.get('state'), 'the-state');
    await transport.finishAuth(url.searchParams.get('code') ?? '');
    return connectAs(own, resource, signIn);
  }
}

/** The same with SDK 2.x, which checks who answered (RFC 9207) by itself. */
export async function connectAsV2(
  own: Program,
  resource: string,
  signIn: (url: string) => Promise<void>,
): Promise<ClientV2> {
  const client = new ClientV2({ name: 'program', version: '2' });
  const authProvider = own.provider as OAuthClientProviderV2;
  const transport = new TransportV2(new URL(resource), { authProvider });
  try {
    await client.connect(transport);
    return client;
  } catch (error) {
    if (!(error instanceof UnauthorizedV2)) throw error;
    const came = own.callback();
    await signIn(String(own.kept.url));
    const url = await came;
    assert.equal(url.searchParams.get('state'), 'the-state');
    await transport.finishAuth(url.searchParams);
    return connectAsV2(own, resource, signIn);
  }
}
