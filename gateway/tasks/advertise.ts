import { foreseenTerms, mayBeHeld } from '../../policy/foresee.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Exchange } from '../exchange.ts';
import { at, elements, rawAt, splice, withMember } from '../hold/json-text.ts';
import { taskEraOf, tasksExtension } from './wire.ts';

const ownCapability = '{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}}';

/** Whether policy may hold calls of a tool (of any tool, for null) that this caller makes on this connection. */
export function mayHold(policy: Policy, { session, caller }: Exchange, tool: string | null): boolean {
  const { connection } = session.facts;
  return mayBeHeld(foreseenTerms(policy, { connection, tool, annotations: null }, caller));
}

/**
 * Says in an answer of upstream's that calls can be followed as tasks here, where policy may hold some: the
 * capability (2025-11-25: `initialize`; 2026-07-28: `server/discover`), and each tool that may be held (2025-11-25).
 * All other text stays as it is.
 *
 * A tool that says it forbids tasks speaks of its own server, which never sees one: Holdpoint is what makes the task.
 * (The official SDK writes `forbidden` on every tool that says nothing.) `required` stays.
 */
export function advertiseTasks(policy: Policy, exchange: Exchange, method: string, response: string): string {
  switch (method) {
    case 'initialize':
      return inHandshake(policy, exchange, response);
    case 'server/discover':
      if (!at(response, ['result', 'capabilities']) || !mayHold(policy, exchange, null)) return response;
      return withMember(
        at(response, ['result', 'capabilities', 'extensions'])
          ? response
          : withMember(response, ['result', 'capabilities'], 'extensions', '{}'),
        ['result', 'capabilities', 'extensions'],
        tasksExtension,
        '{}',
      );
    case 'tools/list':
      return taskEraOf(exchange.protocolVersion) === 'augmented'
        ? onTools(policy, exchange, response)
        : response;
    default:
      return response;
  }
}

function inHandshake(policy: Policy, exchange: Exchange, response: string): string {
  const version = rawAt(response, ['result', 'protocolVersion']);
  const capabilities = ['result', 'capabilities'];
  if (version === null || taskEraOf(JSON.parse(version) as string) !== 'augmented') return response;
  // Upstream's own tasks are followed through Holdpoint's, so that the capability is always Holdpoint's.
  const wanted = at(response, [...capabilities, 'tasks']) !== null || mayHold(policy, exchange, null);
  return wanted ? withMember(response, capabilities, 'tasks', ownCapability) : response;
}

function onTools(policy: Policy, exchange: Exchange, response: string): string {
  const tools = at(response, ['result', 'tools']);
  if (!tools || response[tools.start] !== '[') return response;
  const changes = elements(response, tools.start).map(({ start, end }) => {
    const tool = response.slice(start, end);
    return { start, end, with: isHoldable(policy, exchange, tool) ? asOptional(tool) : tool };
  });
  return splice(response, changes);
}

function isHoldable(policy: Policy, exchange: Exchange, tool: string): boolean {
  if (!tool.startsWith('{')) return false;
  const name: unknown = JSON.parse(rawAt(tool, ['name']) ?? 'null');
  return typeof name === 'string' && mayHold(policy, exchange, name);
}

function asOptional(tool: string): string {
  const execution = rawAt(tool, ['execution']);
  if (!execution?.startsWith('{')) return withMember(tool, [], 'execution', '{"taskSupport":"optional"}');
  if (rawAt(tool, ['execution', 'taskSupport']) === '"required"') return tool;
  return withMember(tool, ['execution'], 'taskSupport', '"optional"');
}
