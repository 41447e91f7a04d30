import type { Pool } from '../../db/pool.ts';
import type { Masked } from '../../masking/masked.ts';
import type { Page } from 'playwright-core';
import { pino } from 'pino';
import { freePort } from '../../cli/embedded/postgres.ts';
import { commandLineClient } from '../../cli/login/authorization.ts';
import { apiResource } from '../../console/api/resource.ts';
import { apiScope } from '../../console/api/scope.ts';
import type { ConsoleDeps, LoginSettings } from '../../console/deps.ts';
import { type RunningConsole, startConsole } from '../../console/server.ts';
import { noteTokenUse, standingToken } from '../../db/access-tokens.ts';
import { useDpopProof } from '../../db/dpop-proofs.ts';
import { apiTokens } from '../../gateway/authorize/api-tokens.ts';
import type { FetchDocument } from '../../gateway/authorize/provider.ts';
import { createAuthorizationServer } from '../../gateway/authorize/server.ts';
import type { AuthorizationSettings } from '../../gateway/authorize/settings.ts';
import { createIdentifier } from '../../gateway/identify/identify.ts';
import type { IssuerSettings } from '../../gateway/identify/settings.ts';
import { localKeyRing, newDataKey } from '../../recording/key-ring.ts';
import { httpConnection, type TestGateway, testGateway } from './gateway.ts';
import { type TestDatabase, testDatabase } from './postgres.ts';

/** A gateway with its authorization server, and the console where people sign in. */
export interface SignInScene extends AsyncDisposable {
  readonly db: TestDatabase;
  readonly console: RunningConsole;
  readonly gateway: TestGateway;
  /** The gateway's public URL: the issuer. */
  readonly issuer: string;
  readonly resource: (connection: string) => string;
  /** What the gateway and the console logged. */
  readonly log: readonly string[];
}

export interface SignInSceneOptions {
  readonly upstreamUrl: string;
  readonly login: (consoleUrl: string) => Promise<LoginSettings>;
  readonly fetchDocument?: FetchDocument;
  readonly settings?: Partial<AuthorizationSettings>;
  readonly policy?: string;
  /** Issuers whose tokens count beside the gateway's own. */
  readonly issuers?: (gatewayUrl: string) => readonly IssuerSettings[];
  readonly console?: Partial<ConsoleDeps>;
  /** The same, from what the scene has. */
  readonly consoleOn?: (parts: { readonly pool: Pool }) => Partial<ConsoleDeps>;
}

const toolClasses = { files: { read: ['echo'], write: ['*'] } };

/** Starts both on loopback, as one origin for each. */
export async function signInScene(options: SignInSceneOptions): Promise<SignInScene> {
  const [port, consolePort] = [await freePort(), await freePort()];
  const [issuer, consoleUrl] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${consolePort}`];
  const db = await testDatabase();
  const keyRing = localKeyRing([newDataKey()]);
  const log: string[] = [];
  const resource = apiResource(consoleUrl);
  const logger = pino({ level: 'debug' }, { write: (line: string) => void log.push(line) });
  const console = await startConsole({
    listen: { host: '127.0.0.1', port: consolePort },
    publicUrl: consoleUrl,
    pool: db.pool,
    approvals: {
      decide: async () => ({ kind: 'ended' }),
      extend: async () => ({ kind: 'ended' }),
      cancel: async () => {},
    },
    maskText: (text) => text as Masked<string>,
    login: await options.login(consoleUrl),
    signIns: apiTokens({ pool: db.pool, keyRing, issuer, resource, clientId: commandLineClient }),
    ...options.console,
    ...options.consoleOn?.({ pool: db.pool }),
    log: logger,
  });
  const authorization = createAuthorizationServer(
    {
      issuer,
      consoleUrl,
      accessTokenLifeMs: 300_000,
      signInLifeMs: 3_600_000,
      registration: true,
      clientDocuments: true,
      dpopNonces: false,
      connections: ['everything', 'files'],
      api: { resource, scope: apiScope, client: { id: commandLineClient, name: 'Holdpoint command line' } },
      toolClasses,
      ...options.settings,
    },
    {
      pool: db.pool,
      log: logger,
      keyRing,
      cookieSecret: 'test',
      fetchDocument: options.fetchDocument ?? (async () => Promise.reject(new Error('no documents here'))),
    },
  );
  const gateway = await testGateway({
    port,
    connections: {
      everything: httpConnection(options.upstreamUrl),
      files: httpConnection(options.upstreamUrl),
    },
    authorization,
    ...(options.policy !== undefined && { policy: options.policy }),
    identifier: createIdentifier(
      { issuers: options.issuers?.(issuer) ?? [], anonymous: null, toolClasses },
      {
        own: authorization.own,
        tokens: { find: (secret) => standingToken(db.pool, secret), used: (id) => noteTokenUse(db.pool, id) },
        useProof: (proof) => useDpopProof(db.pool, proof),
      },
    ),
  });
  return {
    db,
    console,
    gateway,
    issuer,
    resource: (connection) => `${issuer}/mcp/${connection}`,
    log,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      authorization.close();
      await console.stop();
      await db[Symbol.asyncDispose]();
    },
  };
}

/** The person's part: from the page of a program that wants in to its answer. */
export async function letIn(
  page: Page,
  url: string,
  {
    idp,
    name,
    answer = 'Let it in',
    onQuestion = async () => {},
  }: {
    idp: 'oidc' | 'saml';
    name: string;
    answer?: string;
    /** Once the console asks. */
    onQuestion?: () => Promise<void>;
  },
): Promise<void> {
  // The pages of test providers ask for fonts that are nowhere to be had.
  await page.route(/fonts\.googleapis/, (route) => route.abort());
  await page.goto(url);
  await page.getByRole('link', { name: /^Continue to/ }).click();
  if (idp === 'oidc') {
    await page.getByPlaceholder('Enter any login').fill(name);
    await page.getByPlaceholder('and password').fill('x');
    await page.getByRole('button', { name: 'Sign-in' }).click();
    await page.getByRole('button', { name: 'Continue' }).click();
  } else {
    await page.getByLabel('Name').fill(name);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }
  await page.getByRole('button', { name: answer }).waitFor();
  await onQuestion();
  await page.getByRole('button', { name: answer }).click();
}
