import { askTools } from '../definitions/ask-upstream.ts';
import { learningIn, scopeOf } from '../definitions/discover.ts';
import type { UpstreamSession } from '../upstreams/upstream.ts';
import { definitionHashOf } from './canonical.ts';
import { at } from './json-text.ts';
import type { RunContext, RunDeps } from './run-call.ts';

/**
 * Looks, right before a call is sent, whether its tool is still defined as it was when the call was held, and
 * accepted: an approval never outlives the definition that it saw. Asks upstream itself, all pages, on the session
 * that will carry the call; a definition that nobody has accepted is kept from everybody from then on.
 * @returns null, or in plain words what is wrong
 * @throws UpstreamError when upstream cannot be asked
 */
export async function definitionObjection(
  deps: RunDeps,
  context: RunContext,
  session: UpstreamSession,
  headers: Readonly<Record<string, string>>,
): Promise<string | null> {
  const { facts, json } = context.call;
  const { bound, caller, protocolVersion } = facts;
  if (bound.method !== 'tools/call' || bound.definitionHash === null) return null;
  const meta = at(json, ['params', '_meta']);
  const tools = await askTools({
    session,
    idPrefix: bound.callId,
    protocolVersion,
    metaJson: meta && json.slice(meta.start, meta.end),
    headers,
    record: async (text, direction) =>
      context.record('message', direction, (await context.masker.later.message(text)).text, text),
  });
  // Of a name that is listed twice, every definition must be the one that was seen.
  const found = (tools ?? []).filter(({ name }) => name === bound.tool);
  if (found.length === 0) return `${bound.connection} no longer lists the tool`;
  const upstream = deps.upstreams.get(bound.connection);
  const scope = scopeOf(upstream ?? { connection: bound.connection }, caller);
  const learning = learningIn(deps, context.session, context.masker, bound.policyVersion);
  const blocked = await deps.definitions.learn(scope, tools ?? [], learning);
  if (found.some((tool) => definitionHashOf(tool.json) !== bound.definitionHash))
    return `${bound.connection} has changed the tool's definition since the call was held; list the tools again`;
  const block = blocked.get(bound.tool);
  return block ? `the tool's definition is not accepted (${block.definitionId})` : null;
}
