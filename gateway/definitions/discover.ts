import type { Logger } from 'pino';
import type { DefinitionScope } from '../../db/tool-definitions.ts';
import type { Masker } from '../../masking/engine.ts';
import type { Recorder, SessionFacts } from '../../recording/event.ts';
import { UpstreamError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import type { SessionMasker } from '../mask.ts';
import { rawParam, type RpcRequest } from '../mcp/rpc-message.ts';
import type { Upstream, UpstreamSession } from '../upstreams/upstream.ts';
import { askTools } from './ask-upstream.ts';
import type { Learning, Noted, ToolDefinitions } from './registry.ts';

export interface DiscoverDeps {
  readonly definitions: ToolDefinitions;
  readonly recorder: Recorder;
  readonly sessionMasker: SessionMasker;
  readonly log: Logger;
}

/** Whose tools a caller gets on a connection. */
export function scopeOf(
  upstream: Pick<Upstream, 'connection' | 'credentialContext'>,
  caller: Exchange['caller'],
): DefinitionScope {
  return { connection: upstream.connection, context: upstream.credentialContext?.(caller) ?? '' };
}

/** Records what is found in a session of whoever listed it, before the list goes on. */
export function learningIn(
  { recorder }: { readonly recorder: Recorder },
  session: SessionFacts,
  masker: Masker,
  policyVersion: string | null,
): Learning {
  const note = async ({ seen, row, pinned }: Noted): Promise<void> => {
    const { definitionId, hash, version, state } = row;
    const what = { definitionId, state, version, hash, replaces: pinned?.hash ?? null };
    const head = JSON.stringify({ tool: seen.tool, ...what });
    await recorder.append(session, {
      kind: 'verdict',
      direction: 'none',
      callId: null,
      method: 'tools/list',
      tool: seen.tool,
      verdict: state === 'pinned' ? 'pass' : 'deny',
      rule: 'definitions',
      policyVersion,
      bytes: (await masker.later.json(`${head.slice(0, -1)},"definition":${seen.definition}}`)).text,
    });
  };
  return { masker, note };
}

/** A session that did not have a tool is not asked for it again at once. */
const patienceMs = 10_000;
const lastAsked = new WeakMap<UpstreamSession, number>();

/**
 * Asks upstream itself what its tools are, all pages, on the session of the exchange, for a tool that this replica
 * knows nothing of. Learns what it can: where upstream fails, the tool stays unknown.
 * @throws GatewayError `database_unavailable`; RecordingError
 */
export async function discover(deps: DiscoverDeps, exchange: Exchange, request: RpcRequest): Promise<void> {
  const { session, correlationId, caller, upstream } = exchange;
  if (Date.now() - (lastAsked.get(session.upstream) ?? 0) < patienceMs) return;
  lastAsked.set(session.upstream, Date.now());
  const masker = deps.sessionMasker(session, 'default');
  try {
    const tools = await askTools({
      session: session.upstream,
      idPrefix: `gw-${correlationId}`,
      protocolVersion: exchange.protocolVersion,
      metaJson: rawParam(request, '_meta'),
      headers: exchange.headers,
      record: async (json, direction) => {
        await deps.recorder.append(session.facts, {
          kind: 'message',
          direction,
          callId: correlationId,
          method: 'tools/list',
          tool: null,
          verdict: null,
          rule: null,
          policyVersion: null,
          bytes: (await masker.later.message(json)).text,
          unmasked: json,
        });
      },
    });
    if (!tools) return;
    await deps.definitions.learn(
      scopeOf(upstream, caller),
      tools,
      learningIn(deps, session.facts, masker, null),
    );
    lastAsked.delete(session.upstream);
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    const { connection } = session.facts;
    deps.log.warn({ correlationId, connection, err: error }, 'upstream could not be asked for its tools');
  }
}
