import type { Caller } from '../../policy/caller.ts';
import { foreseenTerms, neverUsable } from '../../policy/foresee.ts';
import type { Policy } from '../../policy/policy.ts';
import { membersAt } from '../mcp/strict-json.ts';
import { withIntentArgument } from './intent.ts';
import type { Block } from './judge.ts';
import { type ListedTool, withTools } from './tool-list.ts';

/**
 * A `tools/list` response as one caller is to see it: without tools that are kept back and tools that policy never
 * lets them use, and with the argument for the intent on those where policy may ask for one. What is left stays
 * byte for byte.
 */
export function tailorList(
  responseJson: string,
  tools: readonly ListedTool[],
  seenBy: {
    readonly policy: Policy;
    readonly caller: Caller;
    readonly connection: string;
    readonly blocked: ReadonlyMap<string, Block>;
  },
): string {
  const { policy, caller, connection, blocked } = seenBy;
  const tailored = withTools(responseJson, tools, ({ name, annotations, json }) => {
    if (blocked.has(name)) return null;
    const terms = foreseenTerms(policy, { connection, tool: name, annotations }, caller);
    if (neverUsable(terms)) return null;
    return terms.some(({ askIntent }) => askIntent) ? withIntentArgument(json) : json;
  });
  return blocked.size > 0 ? soonStale(tailored) : tailored;
}

/** A list with something kept back may be whole a moment later: no cache is to keep it (2026-07-28). */
function soonStale(responseJson: string): string {
  const result = membersAt(responseJson, responseJson.indexOf('{')).get('result');
  const ttl = result && membersAt(responseJson, result.start).get('ttlMs');
  return ttl ? `${responseJson.slice(0, ttl.start)}0${responseJson.slice(ttl.end)}` : responseJson;
}
