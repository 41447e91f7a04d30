import { isModern, metaKeys } from '../mcp/versions.ts';
import type { UpstreamSession } from '../upstreams/upstream.ts';
import { definitionHashOf } from './canonical.ts';
import { at, elements, members } from './json-text.ts';
import type { RunContext } from './run-call.ts';

/** Beyond this many pages a list counts as endless. */
const maxPages = 100;
const listTimeoutMs = 15_000;

/**
 * Looks, right before a call is sent, whether its tool is still defined as it was when the call was held: an
 * approval never outlives the definition that it saw. Asks upstream itself, all pages, on the session that will
 * carry the call.
 * @returns null, or in plain words what is wrong
 * @throws UpstreamError when upstream cannot be asked
 */
export async function definitionObjection(
  context: RunContext,
  session: UpstreamSession,
  headers: Readonly<Record<string, string>>,
): Promise<string | null> {
  const { bound } = context.call.facts;
  if (bound.method !== 'tools/call' || bound.definitionHash === null) return null;
  const hash = await listedHash(context, session, headers);
  if (hash === bound.definitionHash) return null;
  return hash === null
    ? `${bound.connection} no longer lists the tool`
    : `${bound.connection} has changed the tool's definition since the call was held; list the tools again`;
}

async function listedHash(
  context: RunContext,
  session: UpstreamSession,
  headers: Readonly<Record<string, string>>,
): Promise<string | null> {
  const { callId, tool } = context.call.facts.bound;
  let cursor: string | null = null;
  for (let page = 0; page < maxPages; page++) {
    const idJson = JSON.stringify(`${callId}-tools-${page}`);
    const json = listRequest(context, idJson, cursor);
    await context.record('message', 'client-to-upstream', context.masker.message(json).text, json);
    const response = await ask(session, json, idJson, headers);
    if (response === null) return null;
    const hash = hashIn(response, tool);
    if (hash !== null) return hash;
    const next = at(response, ['result', 'nextCursor']);
    if (!next) return null;
    cursor = response.slice(next.start, next.end);
    if (cursor === 'null') return null;
  }
  return null;
}

/** The same request as the client's own would be: of 2026-07-28, with what the held call said of its client. */
function listRequest(context: RunContext, idJson: string, cursor: string | null): string {
  const { facts, json } = context.call;
  const params: string[] = cursor === null ? [] : [`"cursor":${cursor}`];
  const meta = isModern(facts.protocolVersion) ? at(json, ['params', '_meta']) : null;
  if (meta) {
    const kept = members(json, meta.start).filter(({ key }) => Object.values<string>(metaKeys).includes(key));
    const written = kept.map(({ key, start, end }) => `${JSON.stringify(key)}:${json.slice(start, end)}`);
    params.push(`"_meta":{${written.join(',')}}`);
  }
  return `{"jsonrpc":"2.0","id":${idJson},"method":"tools/list","params":{${params.join(',')}}}`;
}

async function ask(
  session: UpstreamSession,
  json: string,
  idJson: string,
  headers: Readonly<Record<string, string>>,
): Promise<string | null> {
  const { 'mcp-protocol-version': version } = headers;
  const listHeaders = {
    ...(version !== undefined && { 'mcp-protocol-version': version }),
    ...(headers['mcp-method'] !== undefined && { 'mcp-method': 'tools/list' }),
  };
  const options = { idJson, signal: AbortSignal.timeout(listTimeoutMs), headers: listHeaders };
  for await (const message of session.send(json, options))
    if (message.kind === 'response') return message.json;
  return null;
}

function hashIn(response: string, tool: string): string | null {
  const tools = at(response, ['result', 'tools']);
  if (!tools || response[tools.start] !== '[') return null;
  for (const { start, end } of elements(response, tools.start)) {
    const definition = response.slice(start, end);
    const name = at(definition, ['name']);
    if (name && JSON.parse(definition.slice(name.start, name.end)) === tool)
      return definitionHashOf(definition);
  }
  return null;
}
