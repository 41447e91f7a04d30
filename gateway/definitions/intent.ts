import { parseJson } from '../mcp/parse-json.ts';
import { membersAt } from '../mcp/strict-json.ts';
import { paramSpan, readRpcMessage, type RpcRequest } from '../mcp/rpc-message.ts';

/** The argument in which an agent says what a call is for. */
const intentName = 'holdpoint_intent';
const ours = /^holdpoint_intent(?:_\d+)?$/;

/** Longest intent that is taken, in UTF-16 units: a sentence, not an essay for the approver. */
export const maxIntentLength = 1000;

const description =
  'One sentence, in your own words: what this call is for and why it is needed now. People who may have to approve the call read it. It is not passed on to the tool.';

/** The name of the argument for a tool: the first that the tool has no argument of its own by. */
export function intentArgument(definitionJson: string | null): string {
  const own = definitionJson === null ? {} : ownProperties(definitionJson);
  for (let count = 1; ; count++) {
    const name = count === 1 ? intentName : `${intentName}_${count}`;
    if (!Object.hasOwn(own, name)) return name;
  }
}

/** Whether a call has an argument that may be a stated intent. */
export function mayStateIntent(request: RpcRequest): boolean {
  const args = request.method === 'tools/call' ? request.params?.['arguments'] : null;
  return typeof args === 'object' && args !== null && Object.keys(args).some((name) => ours.test(name));
}

/** A call without the intent that it stated, and the intent as it was written; null where it is no text. */
export interface Stated {
  readonly request: RpcRequest;
  readonly intent: string | null;
}

/**
 * Takes a stated intent out of a call; everything else stays byte for byte. Arguments of that name that the tool has
 * itself stay.
 * @param definitionJson the tool's definition as upstream lists it; null when it is not known
 * @returns null when the call states none
 */
export function takeIntent(request: RpcRequest, definitionJson: string | null): Stated | null {
  const args = paramSpan(request, 'arguments');
  if (!args || request.json[args.start] !== '{') return null;
  const { json } = request;
  const name = intentArgument(definitionJson);
  const members = [...membersAt(json, args.start)];
  const index = members.findIndex(([key]) => key === name);
  const value = members[index]?.[1];
  if (!value) return null;
  const before = members[index - 1]?.[1];
  const after = json.indexOf(',', value.end);
  // The first member goes with the comma behind it, every other one with the comma before it.
  const start = before ? before.end : args.start + 1;
  const isOnly = members.length === 1;
  const end = before || isOnly ? value.end : after + 1;
  const rest = json.slice(0, start) + json.slice(end);
  const read = readRpcMessage(rest, { depth: Number.POSITIVE_INFINITY, loneSurrogates: 'allow' });
  if (read.kind !== 'request') throw new Error('a request without its intent is a request');
  const stated: unknown = JSON.parse(json.slice(value.start, value.end));
  return { request: read, intent: typeof stated === 'string' && stated.trim() !== '' ? stated : null };
}

/** The definition of a tool with the argument added, described and required; everything else stays as it is. */
export function withIntentArgument(definitionJson: string): string {
  const name = intentArgument(definitionJson);
  const described = JSON.stringify({ type: 'string', minLength: 1, maxLength: maxIntentLength, description });
  const schema = membersAt(definitionJson, 0).get('inputSchema');
  if (!schema || definitionJson[schema.start] !== '{') return definitionJson;
  const text = definitionJson.slice(schema.start, schema.end);
  const withProperty = addMember(text, 'properties', '{', `${JSON.stringify(name)}:${described}`);
  const withRequired = addMember(withProperty, 'required', '[', JSON.stringify(name));
  return definitionJson.slice(0, schema.start) + withRequired + definitionJson.slice(schema.end);
}

/** Puts something first into a member that is an object or an array; makes the member where there is none. */
function addMember(object: string, member: string, open: '{' | '[', added: string): string {
  const close = open === '{' ? '}' : ']';
  const span = membersAt(object, 0).get(member);
  if (span && object[span.start] === open) {
    const isEmpty = object.slice(span.start + 1, span.end - 1).trim() === '';
    return `${object.slice(0, span.start + 1)}${added}${isEmpty ? '' : ','}${object.slice(span.start + 1)}`;
  }
  // A member of another kind is no schema that anybody could follow: it is replaced.
  if (span) return `${object.slice(0, span.start)}${open}${added}${close}${object.slice(span.end)}`;
  const isEmpty = object.slice(1, -1).trim() === '';
  return `{${JSON.stringify(member)}:${open}${added}${close}${isEmpty ? '' : ','}${object.slice(1)}`;
}

function ownProperties(definitionJson: string): object {
  const { inputSchema } = parseJson(definitionJson) as { inputSchema?: { properties?: unknown } | null };
  const properties = inputSchema?.properties;
  return typeof properties === 'object' && properties !== null ? properties : {};
}
