import type { OpenedToken } from '../masking/tokens.ts';
import type { Recorder } from '../recording/event.ts';
import type { MaskedExchange } from './exchange.ts';
import type { SessionMaskers } from './mask.ts';
import type { RelayContext } from './relay.ts';
import type { LiveSession } from './sessions/session.ts';

/**
 * Records the client's message, and what policy says of it where that is not a plain pass. When it resolves, the
 * record is durable and the message may go on.
 * @throws RecordingError
 */
export async function record(deps: { readonly recorder: Recorder }, exchange: MaskedExchange): Promise<void> {
  const { message, verdict, session } = exchange;
  await deps.recorder.append(session.facts, {
    kind: 'message',
    direction: 'client-to-upstream',
    callId: message.kind === 'request' ? exchange.correlationId : null,
    method: message.kind === 'response' ? null : message.method,
    tool: exchange.shownTarget === '' ? null : exchange.shownTarget,
    verdict: message.kind === 'request' ? verdict.kind : null,
    rule: message.kind === 'request' ? verdict.rule : null,
    policyVersion: verdict.policyVersion,
    ...(message.kind === 'request' && { risk: verdict.risk }),
    bytes: exchange.maskedJson,
    unmasked: exchange.stated?.json ?? message.json,
  });
  if (exchange.restored) await recordRestored(deps, exchange, exchange.restored);
}

/** Records that tokens were opened for the upstream server, and of which types; never the values. */
async function recordRestored(
  deps: { readonly recorder: Recorder },
  { session, masker, shownTarget, verdict, correlationId }: MaskedExchange,
  opened: readonly OpenedToken[],
): Promise<void> {
  const to = session.facts.connection;
  const restored = opened.map(({ type, from }) => ({ type, from, to }));
  await deps.recorder.append(session.facts, {
    kind: 'verdict',
    direction: 'none',
    callId: correlationId,
    method: 'tools/call',
    tool: shownTarget,
    verdict: verdict.kind,
    rule: verdict.rule,
    policyVersion: verdict.policyVersion,
    bytes: masker.json(JSON.stringify({ restored })).text,
  });
}

/**
 * Records that a client connects (begins a session, or opens a stream of it) or that such a stream ends.
 * @throws RecordingError
 */
export async function recordConnection(
  deps: { readonly recorder: Recorder; readonly sessionMaskers: SessionMaskers },
  session: LiveSession,
  kind: 'connect' | 'disconnect',
  what: Readonly<Record<string, string | null>>,
): Promise<void> {
  const { client, subject } = session.facts;
  const about = { ...what, client, subject };
  await deps.recorder.append(session.facts, {
    kind,
    direction: 'none',
    callId: null,
    method: null,
    tool: null,
    verdict: null,
    rule: null,
    policyVersion: null,
    bytes: deps.sessionMaskers.of(session, 'default').json(JSON.stringify(about)).text,
  });
}

/** What the steps after the verdict need to mask and record what goes back. */
export function relayContext(deps: { readonly recorder: Recorder }, exchange: MaskedExchange): RelayContext {
  const { message, session, masker, shownTarget } = exchange;
  return {
    recorder: deps.recorder,
    masker,
    session: session.facts,
    callId: message.kind === 'request' ? exchange.correlationId : null,
    method: message.kind === 'response' ? null : message.method,
    tool: shownTarget === '' ? null : shownTarget,
  };
}
