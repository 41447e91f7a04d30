import { membersAt } from './strict-json.ts';

/** Methods whose results say how long, and by whom, they may be kept (2026-07-28). */
const cacheable: ReadonlySet<string> = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]);

/**
 * Makes a shareable result private: policy and masking may give the next caller another one, so that no cache
 * between here and the client may hand this one on. Everything else stays byte for byte.
 */
export function privateResult(method: string, responseJson: string): string {
  if (!cacheable.has(method)) return responseJson;
  const result = membersAt(responseJson, responseJson.indexOf('{')).get('result');
  if (!result || responseJson[result.start] !== '{') return responseJson;
  const scope = membersAt(responseJson, result.start).get('cacheScope');
  if (!scope) return responseJson;
  return `${responseJson.slice(0, scope.start)}"private"${responseJson.slice(scope.end)}`;
}
