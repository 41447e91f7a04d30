import { definitionHashOf } from './hold/canonical.ts';
import { membersAt, readStrictJson } from './mcp/strict-json.ts';

/** A tool as a connection last listed it. */
export interface ToolDefinition {
  /** The server's own hints; untrusted. */
  readonly annotations: Readonly<Record<string, unknown>>;
  /** `sha256:<hex>` of the whole definition in canonical form. Computed when it is asked for. */
  readonly hash: string;
  /** What its server says of calling it as a task (2025-11-25, `execution.taskSupport`); null when it says nothing. */
  readonly taskSupport: string | null;
}

/** What the connections' tools are, learned from the lists that pass. */
export interface ToolDefinitions {
  /** Takes in a `tools/list` response as upstream sent it. */
  learn(connection: string, responseJson: string): void;
  find(connection: string, tool: string): ToolDefinition | undefined;
}

/** Beyond this a connection's further tools are not remembered; their hints are then unknown to policy. */
const maxTools = 10_000;

export function createToolDefinitions(): ToolDefinitions {
  const byConnection = new Map<string, Map<string, ToolDefinition & { readonly json: string }>>();
  return {
    learn(connection, responseJson) {
      let known = byConnection.get(connection);
      if (!known) byConnection.set(connection, (known = new Map()));
      for (const json of toolsOf(responseJson)) {
        const tool = JSON.parse(json) as Listed;
        if (typeof tool.name !== 'string' || known.get(tool.name)?.json === json) continue;
        if (known.size >= maxTools && !known.has(tool.name)) continue;
        known.set(tool.name, definition(json, tool));
      }
    },
    find: (connection, tool) => byConnection.get(connection)?.get(tool),
  };
}

/** What is looked at in a definition; nothing of it is trusted. */
interface Listed {
  readonly name?: unknown;
  readonly annotations?: unknown;
  readonly execution?: { readonly taskSupport?: unknown } | null;
}

function definition(
  json: string,
  { annotations, execution }: Listed,
): ToolDefinition & { readonly json: string } {
  let hash: string | null = null;
  return {
    json,
    taskSupport: typeof execution?.taskSupport === 'string' ? execution.taskSupport : null,
    annotations:
      typeof annotations === 'object' && annotations !== null ? (annotations as Record<string, unknown>) : {},
    get hash() {
      hash ??= definitionHashOf(json);
      return hash;
    },
  };
}

/** The raw definitions in a `tools/list` response; none when it is an error or has another shape. */
function toolsOf(responseJson: string): string[] {
  const result = membersAt(responseJson, responseJson.indexOf('{')).get('result');
  if (!result || responseJson[result.start] !== '{') return [];
  const tools = membersAt(responseJson, result.start).get('tools');
  if (!tools || responseJson[tools.start] !== '[') return [];
  const list = responseJson.slice(tools.start, tools.end);
  const { elements } = readStrictJson(list, { depth: Number.POSITIVE_INFINITY, loneSurrogates: 'allow' });
  return (elements ?? [])
    .filter(({ start }) => list[start] === '{')
    .map(({ start, end }) => list.slice(start, end));
}
