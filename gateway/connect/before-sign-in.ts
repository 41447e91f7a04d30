import { rawParam, type RpcRequest } from '../mcp/rpc-message.ts';
import { isModern, supportedVersions } from '../mcp/versions.ts';
import { signInTool } from './elicitation.ts';

/** Lists of a server at which somebody has signed in may have nothing in them, or not be there: each in its member. */
const emptyLists: Readonly<Record<string, string>> = {
  'prompts/list': 'prompts',
  'resources/list': 'resources',
  'resources/templates/list': 'resourceTemplates',
};

/** Notifications that tell a client to look again at everything there is. */
export const lookAgain = [
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
] as const;

/**
 * What can be answered on a connection before its person has signed in there, without upstream: the handshake, and lists
 * with nothing in them but the tool that asks to sign in. Everything is promised that upstream may turn out to have.
 * @returns null for the rest
 */
export function resultBeforeSignIn(connection: string, request: RpcRequest): object | null {
  const about = {
    capabilities: {
      tools: { listChanged: true },
      prompts: { listChanged: true },
      resources: { listChanged: true },
    },
    instructions: `Nobody has signed in to ${connection} yet. Call the tool ${signInTool} to learn where the person you work for signs in; then list the tools again.`,
  };
  const serverInfo = { name: connection, version: 'not signed in' };
  switch (request.method) {
    case 'initialize': {
      const asked = request.params?.['protocolVersion'];
      const protocolVersion =
        supportedVersions.find((known) => known === asked && !isModern(known)) ?? '2025-11-25';
      return { protocolVersion, serverInfo, ...about };
    }
    case 'server/discover':
      return {
        resultType: 'complete',
        supportedVersions: [...supportedVersions].reverse(),
        ...about,
        ...uncached,
        _meta: { 'io.modelcontextprotocol/serverInfo': serverInfo },
      };
    case 'tools/list':
      return { tools: [toolFor(connection)], ...marked(request) };
    case 'ping':
    case 'logging/setLevel':
      return {};
    default:
      return emptyList(request);
  }
}

/**
 * The answer to a list that upstream turned out not to have: it was promised before anybody could know, so it is empty
 * rather than an error.
 */
export function emptyList(request: RpcRequest): object | null {
  const member = Object.hasOwn(emptyLists, request.method) ? emptyLists[request.method] : undefined;
  return member === undefined ? null : { [member]: [], ...marked(request) };
}

/** Whether a client speaks 2026-07-28, by what its request says of itself. */
function saysModern(request: RpcRequest): boolean {
  const version = rawParam(request, '_meta', 'io.modelcontextprotocol/protocolVersion');
  return version !== null && isModern(JSON.parse(version) as string);
}

const uncached = { ttlMs: 0, cacheScope: 'private' } as const;

function marked(request: RpcRequest): object {
  return saysModern(request) ? { resultType: 'complete', ...uncached } : {};
}

function toolFor(connection: string): object {
  return {
    name: signInTool,
    title: `Sign in to ${connection}`,
    description: `${connection} wants each person to sign in themselves. This tells where: give the link to the person you work for, and list the tools again once they have signed in.`,
    inputSchema: { type: 'object', properties: {} },
    annotations: { readOnlyHint: true, openWorldHint: false },
  };
}
