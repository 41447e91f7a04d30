import type { Page } from 'playwright-core';
import { pino } from 'pino';
import { freePort } from '../../cli/embedded/postgres.ts';
import { type RunningConsole, startConsole } from '../../console/server.ts';
import { createConnectDesk } from '../../gateway/connect/desk.ts';
import { createUserTokens } from '../../gateway/connect/user-tokens.ts';
import type { CodeClient } from '../../gateway/credentials/settings.ts';
import type { Identifier } from '../../gateway/identify/identify.ts';
import type { Masked } from '../../masking/masked.ts';
import { localKeyRing, newDataKey } from '../../recording/key-ring.ts';
import { type TestGateway, type TestGatewayOptions, testGateway } from './gateway.ts';
import { type TestProvider, testProvider } from './oidc-provider.ts';
import { type TestDatabase, testDatabase } from './postgres.ts';

/** Gateways and a console, with connections at which people sign in themselves. */
export interface ConnectScene extends AsyncDisposable {
  readonly db: TestDatabase;
  readonly console: RunningConsole;
  readonly consoleUrl: string;
  readonly gateway: TestGateway;
  /** A second replica. */
  readonly other: TestGateway;
  /** Signs in to the console whoever is set there. */
  readonly people: TestProvider;
  readonly keyOf: (name: string) => string;
  readonly log: readonly string[];
  /** Acts that were recorded. */
  readonly acts: { readonly act: string; readonly details: object }[];
}

export const anyClient: CodeClient = {
  issuer: null,
  authorizationUrl: null,
  tokenUrl: null,
  clientId: null,
  clientSecret: null,
  scope: null,
  resource: null,
};

/** Agents come as `Bearer NAME`; their people are `NAME` at the console's provider. */
export async function connectScene(
  connections: Readonly<Record<string, { readonly url: string; readonly client?: Partial<CodeClient> }>>,
  more: Partial<TestGatewayOptions> = {},
): Promise<ConnectScene> {
  const consolePort = await freePort();
  const consoleUrl = `http://127.0.0.1:${consolePort}`;
  const [db, people] = [await testDatabase(), await testProvider()];
  const key = newDataKey();
  const keyRing = localKeyRing([key]);
  const log: string[] = [];
  const acts: ConnectScene['acts'] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void log.push(line) });
  const personal = Object.fromEntries(
    Object.entries(connections).map(([name, { url, client }]) => [
      name,
      { url, client: { ...anyClient, ...client } },
    ]),
  );
  const keyOf = (name: string): string => `oidc:${people.issuer}#${name}`;
  const desk = createConnectDesk(personal, {
    pool: db.pool,
    keyRing,
    log: logger,
    consoleUrl: () => consoleUrl,
  });
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
    login: {
      mode: 'oidc',
      issuer: people.issuer,
      clientId: people.clientId,
      clientSecret: people.clientSecret,
    },
    connections: desk,
    recordings: {
      reader: {} as never,
      keyRing,
      recordAct: async (act, details) => void acts.push({ act, details }),
    },
    log: logger,
  });
  const identifier: Identifier = {
    metadata: () => null,
    lacks: () => null,
    identify: async ({ authorization = '' }) => {
      const name = authorization.replace(/^Bearer /, '');
      const machine = name.startsWith('service:');
      return {
        key: machine ? name : keyOf(name),
        subject: name,
        issuer: people.issuer,
        email: null,
        name,
        groups: [],
        actors: [],
        client: null,
        credentialId: `jti:${name}`,
        claims: {},
      };
    },
  };
  const options: TestGatewayOptions = {
    ...more,
    db,
    key,
    identifier,
    consoleUrl,
    connections: Object.fromEntries(
      Object.entries(personal).map(([name, { url, client }]) => [
        name,
        {
          kind: 'http',
          url,
          headers: {},
          connectTimeoutMs: 2000,
          credentials: {
            in: 'header',
            name: 'Authorization',
            prefix: 'Bearer ',
            source: { kind: 'authorizationCode', client },
          },
        } as const,
      ]),
    ),
    injecting: (parts) => ({
      secrets: { value: () => Promise.reject(new Error('none')), forget: () => {}, close: () => {} },
      tokens: { token: () => Promise.reject(new Error('none')), refused: async () => false },
      bearers: null,
      userTokens: createUserTokens(parts),
    }),
  };
  const gateway = await testGateway(options);
  const other = await testGateway(options);
  return {
    db,
    console,
    consoleUrl,
    gateway,
    other,
    people,
    keyOf,
    log,
    acts,
    async [Symbol.asyncDispose]() {
      await other[Symbol.asyncDispose]();
      await gateway[Symbol.asyncDispose]();
      await console.stop();
      await people[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
    },
  };
}

/** Signs somebody in to the console, in a browser. */
export async function atConsole(scene: ConnectScene, page: Page, name: string): Promise<void> {
  scene.people.user = { sub: name, name };
  await page.goto(`${scene.consoleUrl}/login`);
  await page.getByRole('link', { name: /^Continue to/ }).click();
  await page.getByRole('heading', { name: 'Approvals' }).waitFor();
}

/** The person's part at the upstream's authorization server. */
export async function agreeUpstream(page: Page, login: string): Promise<void> {
  await page.getByPlaceholder('Enter any login').fill(login);
  await page.getByPlaceholder('and password').fill('x');
  await page.getByRole('button', { name: 'Sign-in' }).click();
  await page.getByRole('button', { name: 'Continue' }).click();
}
