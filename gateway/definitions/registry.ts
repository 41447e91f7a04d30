import type { Logger } from 'pino';
import { watchChannel } from '../../db/channel-watch.ts';
import type { Pool } from '../../db/pool.ts';
import { type DefinitionScope, type Observed, toolDefinitionChannel } from '../../db/tool-definitions.ts';
import type { Masker } from '../../masking/engine.ts';
import { definitionModeOf, type DefinitionMode } from '../../policy/definitions.ts';
import type { Policy } from '../../policy/policy.ts';
import { GatewayError } from '../errors.ts';
import { definitionHashOf } from '../hold/canonical.ts';
import { blockOf, type Block, stateOf } from './judge.ts';
import { type InForce, loadInForce, maxTools, storeSeen, toolKeyOf } from './stored.ts';
import type { ListedTool } from './tool-list.ts';

/** A tool as a connection last listed it on this replica. */
export interface ToolDefinition {
  readonly json: string;
  /** The server's own hints; untrusted. */
  readonly annotations: Readonly<Record<string, unknown>>;
  /** What its server says of calling it as a task (2025-11-25, `execution.taskSupport`); null when it says nothing. */
  readonly taskSupport: string | null;
  /** `sha256:<hex>` of the whole definition in canonical form. Computed when it is asked for. */
  readonly hash: string;
}

/** What became of a definition, for the recording. */
export type Noted = Pick<Observed, 'seen' | 'row' | 'pinned'>;

/** Who listed tools, and how what is found is recorded before anybody sees the list. */
export interface Learning {
  readonly masker: Masker;
  readonly note: (noted: Noted) => Promise<void>;
}

/** What the connections' tools are, and which of them nobody may use. */
export interface ToolDefinitions {
  /** The definition that this replica saw last; undefined when it saw none. */
  find(scope: DefinitionScope, tool: string): ToolDefinition | undefined;
  /**
   * Takes in tools that upstream listed.
   * @returns those that are kept from callers, by name
   * @throws GatewayError `database_unavailable`
   */
  learn(
    scope: DefinitionScope,
    tools: readonly ListedTool[],
    by: Learning,
  ): Promise<ReadonlyMap<string, Block>>;
  /**
   * Whether a tool may be used now, by what all replicas have seen.
   * @returns `unlisted` when no list had it yet
   * @throws GatewayError `database_unavailable`
   */
  standing(scope: DefinitionScope, tool: string): Promise<Block | 'usable' | 'unlisted'>;
  /** Tells when a scope's tools came or went; a null scope stands for all (policy changed). */
  onChange(listener: (scope: DefinitionScope | null) => void): () => void;
  close(): Promise<void>;
}

export interface ToolDefinitionsDeps {
  readonly pool: Pool;
  /** For the one connection that listens. */
  readonly databaseUrl: string;
  readonly policy: () => Policy;
  readonly votePublicKeys: Readonly<Record<string, string>>;
  readonly log: Logger;
}

const policyLookMs = 1000;
const tellAfterMs = 250;

/** What this process knows of a scope; `rows` is null until it was loaded, and when it may have changed. */
interface Known {
  readonly listed: Map<string, ToolDefinition>;
  rows: Promise<ReadonlyMap<string, InForce>> | null;
  /** The tools kept back when clients were told last; null before any were looked at. */
  keptBack: string | null;
  telling: NodeJS.Timeout | null;
}

/** Starts the registry of this replica; what it stores and what people decide is shared by all. */
export async function startToolDefinitions(deps: ToolDefinitionsDeps): Promise<ToolDefinitions> {
  const scopes = new Map<string, Known>();
  const listeners = new Set<(scope: DefinitionScope | null) => void>();
  let listening = false;

  const known = (scope: DefinitionScope): Known => {
    const key = keyOf(scope);
    let found = scopes.get(key);
    if (!found) scopes.set(key, (found = { listed: new Map(), rows: null, keptBack: null, telling: null }));
    return found;
  };
  const forget = (): void => {
    for (const one of scopes.values()) one.rows = null;
  };
  const tell = (scope: DefinitionScope | null): void => {
    for (const listener of listeners) listener(scope);
  };
  /** Tells of a scope when the tools that are kept back are no longer the same. */
  async function compare(scope: DefinitionScope, one: Known): Promise<void> {
    const before = one.keptBack;
    one.keptBack = keptBack(deps, scope, await inForce(scope));
    if (before !== null && before !== one.keptBack) tell(scope);
  }
  const watch = await watchChannel(deps.databaseUrl, toolDefinitionChannel, {
    notified(payload) {
      const at = payload.indexOf(' ');
      const scope = { connection: payload.slice(0, at), context: payload.slice(at + 1) };
      const one = scopes.get(keyOf(scope));
      if (!one) return;
      one.rows = null;
      // Several changes at once are one; and lists that keep changing are not told of without end.
      one.telling ??= setTimeout(() => {
        one.telling = null;
        compare(scope, one).catch((error: unknown) =>
          deps.log.warn({ err: error }, 'clients could not be told of changed tools'),
        );
      }, tellAfterMs).unref();
    },
    listening() {
      listening = true;
      forget();
      tell(null);
    },
    lost(error) {
      listening = false;
      deps.log.warn(
        { err: error },
        'changes of tool definitions are not heard of; each use asks the database',
      );
    },
  });
  let version = deps.policy().version;
  const timer = setInterval(() => {
    const now = deps.policy().version;
    if (now !== version) tell(null);
    version = now;
  }, policyLookMs).unref();

  /** What is in force; from the database whenever this process may have missed a change. */
  async function inForce(scope: DefinitionScope): Promise<ReadonlyMap<string, InForce>> {
    const one = known(scope);
    if (one.rows && listening) return one.rows;
    const rows = loadInForce(deps, scope);
    one.rows = rows;
    try {
      one.keptBack ??= keptBack(deps, scope, await rows);
      return await rows;
    } catch (cause) {
      if (one.rows === rows) one.rows = null;
      throw unavailable(cause);
    }
  }

  return {
    find: (scope, tool) => scopes.get(keyOf(scope))?.listed.get(tool),
    async learn(scope, tools, by) {
      const { listed } = known(scope);
      for (const tool of tools) remember(listed, tool);
      const mode = modeFor(deps, scope);
      if (mode === 'open') return new Map();
      const before = await inForce(scope);
      if (tools.every((tool) => isSettled(mode, before, listed, tool))) return blocksOf(mode, before, tools);
      const observed = await storeSeen(
        deps,
        scope,
        mode,
        tools,
        by.masker,
        deps.policy().definitions.approvers,
      ).catch((cause: unknown) => {
        throw unavailable(cause);
      });
      known(scope).rows = null;
      for (const one of observed) if (one.changed) await by.note(one);
      return blocksOf(mode, await inForce(scope), tools);
    },
    async standing(scope, tool) {
      const mode = modeFor(deps, scope);
      if (mode === 'open') return 'usable';
      const rows = (await inForce(scope)).get(toolKeyOf(tool));
      if (!rows?.current) return 'unlisted';
      return blockOf(mode, rows.current, rows.pinned) ?? 'usable';
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async close() {
      clearInterval(timer);
      for (const one of scopes.values()) clearTimeout(one.telling ?? undefined);
      await watch.close();
    },
  };
}

function modeFor({ policy }: ToolDefinitionsDeps, { connection }: DefinitionScope): DefinitionMode {
  return definitionModeOf(policy().definitions, connection);
}

function remember(
  listed: Map<string, ToolDefinition>,
  { name, json, annotations, taskSupport }: ListedTool,
): void {
  if (listed.get(name)?.json === json) return;
  if (listed.size >= maxTools && !listed.has(name)) return;
  let hash: string | null = null;
  listed.set(name, {
    json,
    annotations,
    taskSupport,
    get hash() {
      hash ??= definitionHashOf(json);
      return hash;
    },
  });
}

/** Which tools are kept back, as one text to compare. */
function keptBack(
  deps: ToolDefinitionsDeps,
  scope: DefinitionScope,
  rows: ReadonlyMap<string, InForce>,
): string {
  const mode = modeFor(deps, scope);
  if (mode === 'open') return '';
  const keys = [...rows].flatMap(([key, { current, pinned }]) =>
    current && blockOf(mode, current, pinned) ? [key] : [],
  );
  return keys.sort().join();
}

type Guarded = Exclude<DefinitionMode, 'open'>;

/** Whether a tool is listed as it was before, so that there is nothing to store. */
function isSettled(
  mode: Guarded,
  rows: ReadonlyMap<string, InForce>,
  listed: ReadonlyMap<string, ToolDefinition>,
  tool: ListedTool,
): boolean {
  const found = rows.get(toolKeyOf(tool.name));
  const seen = listed.get(tool.name);
  // Of a name that one list has twice, the last one is remembered, and the first one is no longer the same.
  if (!found?.current || seen?.json !== tool.json || found.current.hash !== seen.hash) return false;
  const all = found.pinned ? [found.current, found.pinned] : [found.current];
  return stateOf(mode, all, { hash: seen.hash, name: tool.name }) === found.current.state;
}

function blocksOf(
  mode: Guarded,
  rows: ReadonlyMap<string, InForce>,
  tools: readonly ListedTool[],
): ReadonlyMap<string, Block> {
  const blocks = new Map<string, Block>();
  for (const { name } of tools) {
    const found = rows.get(toolKeyOf(name));
    // Stored it is, unless the list was too long; then nobody may use it.
    const block = found?.current ? blockOf(mode, found.current, found.pinned) : tooMany;
    if (block) blocks.set(name, block);
  }
  return blocks;
}

const tooMany: Block = { definitionId: '', hash: '', why: 'new' };

function keyOf({ connection, context }: DefinitionScope): string {
  return `${connection} ${context}`;
}

function unavailable(cause: unknown): GatewayError {
  return cause instanceof GatewayError
    ? cause
    : new GatewayError(
        'database_unavailable',
        'the tool’s definition could not be checked: the database cannot be reached; try again later',
        { cause },
      );
}
