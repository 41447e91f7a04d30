import { membersAt } from '../mcp/strict-json.ts';
import { isModern, metaKeys } from '../mcp/versions.ts';
import type { UpstreamSession } from '../upstreams/upstream.ts';
import { type ListedTool, nextCursor, toolsIn } from './tool-list.ts';

/** Beyond this many pages a list counts as endless. */
const maxPages = 100;
const listTimeoutMs = 15_000;

/** How the gateway itself asks an upstream what its tools are, in the place of a client. */
export interface Asking {
  readonly session: UpstreamSession;
  /** Begins the ids of the requests: unlike any of the client's. */
  readonly idPrefix: string;
  readonly protocolVersion: string;
  /** `params._meta` of the client's own request as JSON text, for what 2026-07-28 wants every request to say. */
  readonly metaJson: string | null;
  /** The client's own headers, of which the version goes along. */
  readonly headers: Readonly<Record<string, string>>;
  /** Records a message that goes up or came down, before anything is made of it. */
  readonly record: (json: string, direction: 'client-to-upstream' | 'upstream-to-client') => Promise<void>;
}

/**
 * All tools that upstream lists, page by page, on the session given.
 * @returns null when upstream answered with an error or not at all
 * @throws UpstreamError when upstream cannot be asked
 */
export async function askTools(asking: Asking): Promise<readonly ListedTool[] | null> {
  const found: ListedTool[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < maxPages; page++) {
    const idJson = JSON.stringify(`${asking.idPrefix}-tools-${page}`);
    const response = await ask(asking, listRequest(asking, idJson, cursor), idJson);
    if (response === null) return null;
    found.push(...toolsIn(response));
    cursor = nextCursor(response);
    if (cursor === null) break;
  }
  return found;
}

/** The same request as the client's own would be: of 2026-07-28, with what its request said of the client. */
function listRequest({ protocolVersion, metaJson }: Asking, idJson: string, cursor: string | null): string {
  const params: string[] = cursor === null ? [] : [`"cursor":${cursor}`];
  if (isModern(protocolVersion) && metaJson?.startsWith('{')) {
    const known: readonly string[] = Object.values(metaKeys);
    const written = [...membersAt(metaJson, 0)]
      .filter(([key]) => known.includes(key))
      .map(([key, { start, end }]) => `${JSON.stringify(key)}:${metaJson.slice(start, end)}`);
    params.push(`"_meta":{${written.join(',')}}`);
  }
  return `{"jsonrpc":"2.0","id":${idJson},"method":"tools/list","params":{${params.join(',')}}}`;
}

async function ask(
  { session, headers, record }: Asking,
  json: string,
  idJson: string,
): Promise<string | null> {
  const { 'mcp-protocol-version': version } = headers;
  const listHeaders = {
    ...(version !== undefined && { 'mcp-protocol-version': version }),
    ...(headers['mcp-method'] !== undefined && { 'mcp-method': 'tools/list' }),
  };
  await record(json, 'client-to-upstream');
  const options = { idJson, signal: AbortSignal.timeout(listTimeoutMs), headers: listHeaders };
  for await (const message of session.send(json, options)) {
    if (message.kind !== 'response') continue;
    await record(message.json, 'upstream-to-client');
    return message.json;
  }
  return null;
}
