import { parseJson } from '../mcp/parse-json.ts';
import { membersAt, readStrictJson, type Span } from '../mcp/strict-json.ts';

/** A tool in a `tools/list` response. */
export interface ListedTool {
  readonly name: string;
  /** Its whole definition, exactly as upstream wrote it. */
  readonly json: string;
  /** The server's own hints; untrusted. */
  readonly annotations: Readonly<Record<string, unknown>>;
  /** What its server says of calling it as a task (2025-11-25, `execution.taskSupport`); null when it says nothing. */
  readonly taskSupport: string | null;
  /** Where it stands in the response. */
  readonly span: Span;
}

/** The tools of a `tools/list` response; none when it is an error or has another shape. */
export function toolsIn(responseJson: string): readonly ListedTool[] {
  const tools = toolsSpan(responseJson);
  if (!tools) return [];
  const list = responseJson.slice(tools.start, tools.end);
  const { elements } = readStrictJson(list, { depth: Number.POSITIVE_INFINITY, loneSurrogates: 'allow' });
  return (elements ?? []).flatMap(({ start, end }) => {
    const json = list.slice(start, end);
    if (!json.startsWith('{')) return [];
    const { name, annotations, execution } = parseJson(json) as Record<string, unknown>;
    if (typeof name !== 'string') return [];
    const { taskSupport } = recordOf(execution);
    return [
      {
        name,
        json,
        annotations: recordOf(annotations),
        taskSupport: typeof taskSupport === 'string' ? taskSupport : null,
        span: { start: tools.start + start, end: tools.start + end },
      },
    ];
  });
}

/**
 * The response with some tools left out or rewritten; everything else stays byte for byte.
 * @param change what a tool becomes; null leaves it out
 */
export function withTools(
  responseJson: string,
  tools: readonly ListedTool[],
  change: (tool: ListedTool) => string | null,
): string {
  const list = toolsSpan(responseJson);
  if (!list) return responseJson;
  const changed = tools.map(change);
  if (changed.every((json, index) => json === tools[index]?.json)) return responseJson;
  const kept = changed.filter((json) => json !== null);
  // Elements that are no tools have no business in the list of a caller whose tools are chosen.
  return `${responseJson.slice(0, list.start)}[${kept.join(',')}]${responseJson.slice(list.end)}`;
}

/** Raw JSON text of the cursor for the next page; null when this is the last. */
export function nextCursor(responseJson: string): string | null {
  const result = resultSpan(responseJson);
  const next = result && membersAt(responseJson, result.start).get('nextCursor');
  const text = next ? responseJson.slice(next.start, next.end) : 'null';
  return text.startsWith('"') ? text : null;
}

function toolsSpan(responseJson: string): Span | null {
  const result = resultSpan(responseJson);
  const tools = result && membersAt(responseJson, result.start).get('tools');
  return tools && responseJson[tools.start] === '[' ? tools : null;
}

function resultSpan(responseJson: string): Span | null {
  const result = membersAt(responseJson, responseJson.indexOf('{')).get('result');
  return result && responseJson[result.start] === '{' ? result : null;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
