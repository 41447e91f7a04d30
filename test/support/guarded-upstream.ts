import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';

/** An MCP server that wants each person's own token, and the authorization server (node-oidc-provider) that gives it. */
export interface GuardedUpstream extends AsyncDisposable {
  /** Of the MCP server. */
  readonly url: string;
  readonly issuer: string;
  /** Access tokens with which it was called, in order, each once. */
  readonly tokens: string[];
  /** Calls that a tool got, by whom. */
  readonly calls: { readonly tool: string; readonly by: string }[];
  /** Requests to the token endpoint, by grant type. */
  readonly grants: string[];
  /** Makes the MCP server refuse an access token from now on. */
  refuse(token: string): void;
  /** Ends everything that was ever given. */
  endAllGrants(): Promise<void>;
  /** Whether a token still counts at the authorization server. */
  counts(token: string): Promise<boolean>;
  /** Changes the answer of the authorization server to the browser, before it is sent. */
  tamper: (location: URL) => void;
}

export interface GuardedOptions {
  readonly accessTokenSeconds?: number;
  /** Where the MCP server says that it is described; the default is right. */
  readonly metadata?: (metadata: Record<string, unknown>) => Record<string, unknown>;
}

/** Starts both on one port each; the MCP server keeps sessions, and wants a handshake first. */
export async function startGuardedUpstream(options: GuardedOptions = {}): Promise<GuardedUpstream> {
  const grants: string[] = [];
  const provided: { provider: Provider | null } = { provider: null };
  const authorization = createServer((request, response) => {
    if (request.url?.startsWith('/token')) noteGrant(request, grants);
    tampering(response, () => upstream.tamper);
    void provided.provider?.callback()(request, response);
  });
  const issuer = await listen(authorization);
  const mcp = createServer((request, response) => void answer(request, response));
  const origin = await listen(mcp);
  const url = `${origin}/mcp`;
  const provider = await makeProvider(issuer, url, options.accessTokenSeconds ?? 600);
  provided.provider = provider;
  const refused = new Set<string>();
  const calls: GuardedUpstream['calls'] = [];
  const tokens: string[] = [];
  const transports = new Map<string, StreamableHTTPServerTransport>();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url?.startsWith('/.well-known/oauth-protected-resource')) {
      const metadata = { resource: url, authorization_servers: [issuer], scopes_supported: ['tools'] };
      response.setHeader('content-type', 'application/json');
      return void response.end(JSON.stringify(options.metadata?.(metadata) ?? metadata));
    }
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const found = refused.has(token) ? undefined : await provider.AccessToken.find(token);
    if (!found || found.aud !== url) {
      const where = `${origin}/.well-known/oauth-protected-resource/mcp`;
      response.writeHead(401, { 'www-authenticate': `Bearer resource_metadata="${where}"` });
      return void response.end();
    }
    if (!tokens.includes(token)) tokens.push(token);
    const body = request.method === 'POST' ? await jsonOf(request) : undefined;
    const wanted = scopesOfTools[body?.params?.name ?? ''];
    if (wanted !== undefined && !found.scopes.has(wanted)) {
      const where = `resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`;
      const challenge = `Bearer error="insufficient_scope", scope="tools ${wanted}", ${where}`;
      response.writeHead(403, { 'www-authenticate': challenge });
      return void response.end();
    }
    const id = request.headers['mcp-session-id'];
    const known = typeof id === 'string' ? transports.get(id) : undefined;
    if (typeof id === 'string' && !known) return void response.writeHead(404).end();
    const transport = known ?? (await session(transports, calls));
    Object.assign(request, { auth: { token, clientId: '', scopes: [], extra: { by: found.accountId } } });
    await transport.handleRequest(request, response, body);
  }

  const upstream: GuardedUpstream = {
    url,
    issuer,
    tokens,
    calls,
    grants,
    tamper: () => {},
    refuse: (token) => void refused.add(token),
    counts: async (token) => (await provider.AccessToken.find(token)) !== undefined,
    async endAllGrants() {
      for (const token of tokens) {
        const found = await provider.AccessToken.find(token);
        if (found?.grantId === undefined) continue;
        await provider.RefreshToken.revokeByGrantId(found.grantId);
        await provider.AccessToken.revokeByGrantId(found.grantId);
      }
    },
    async [Symbol.asyncDispose]() {
      for (const transport of transports.values()) await transport.close();
      for (const server of [mcp, authorization]) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
  return upstream;
}

/** Scopes that tools want beside `tools`; `never` is one that the authorization server gives nobody. */
const scopesOfTools: Readonly<Record<string, string>> = { write: 'write', impossible: 'never' };

interface Body {
  readonly params?: { readonly name?: string };
}

async function jsonOf(request: IncomingMessage): Promise<Body> {
  let text = '';
  for await (const part of request) text += String(part);
  return JSON.parse(text) as Body;
}

async function session(
  transports: Map<string, StreamableHTTPServerTransport>,
  calls: GuardedUpstream['calls'],
): Promise<StreamableHTTPServerTransport> {
  const server = new McpServer({ name: 'guarded', version: '1' });
  server.registerTool('whoami', { description: 'Says who is signed in.' }, async (extra) => {
    const by = String(extra.authInfo?.extra?.['by']);
    calls.push({ tool: 'whoami', by });
    return { content: [{ type: 'text', text: `you are ${by}` }] };
  });
  for (const name of Object.keys(scopesOfTools))
    server.registerTool(name, { description: 'Wants a scope of its own.' }, async () => {
      calls.push({ tool: name, by: '' });
      return { content: [{ type: 'text', text: `done: ${name}` }] };
    });
  server.registerTool('echo_token', { description: 'Tells its credential.' }, async (extra) => ({
    content: [{ type: 'text', text: `token ${extra.authInfo?.token ?? ''}` }],
  }));
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (id) => void transports.set(id, transport),
  });
  await server.connect(transport);
  return transport;
}

async function makeProvider(issuer: string, resource: string, seconds: number): Promise<Provider> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return new Provider(issuer, {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kty: 'RSA', alg: 'RS256', use: 'sig' }] },
    cookies: { keys: ['test'] },
    scopes: ['tools', 'write', 'offline_access'],
    clientDefaults: { grant_types: ['authorization_code', 'refresh_token'] },
    ttl: { AccessToken: seconds, RefreshToken: 3600, Grant: 3600 },
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
    features: {
      devInteractions: { enabled: true },
      registration: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: async () => resource,
        useGrantedResource: async () => true,
        getResourceServerInfo: async (_, indicator) => {
          if (indicator !== resource) throw new Error('unknown resource');
          return { scope: 'tools write', audience: resource, accessTokenFormat: 'opaque' };
        },
      },
    },
    findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  });
}

/** The authorization server's answers to browsers can be changed on their way. */
function tampering(response: ServerResponse, tamper: () => (location: URL) => void): void {
  const setHeader = response.setHeader.bind(response);
  response.setHeader = (name: string, value: number | string | readonly string[]) => {
    if (name.toLowerCase() !== 'location' || typeof value !== 'string' || !URL.canParse(value))
      return setHeader(name, value);
    const location = new URL(value);
    if (location.searchParams.has('code')) tamper()(location);
    return setHeader(name, location.href);
  };
}

function noteGrant(request: IncomingMessage, grants: string[]): void {
  let body = '';
  request.on('data', (part: Buffer) => (body += part.toString()));
  request.on('end', () => {
    grants.push(new URLSearchParams(body).get('grant_type') ?? '');
  });
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
