import type { MaskingEngine } from '../masking/engine.ts';
import type { Recorder } from '../recording/event.ts';
import type { Entered } from './enter.ts';
import type { MaskedExchange } from './exchange.ts';
import type { RelayContext } from './relay.ts';

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
    tool: exchange.target === '' ? null : exchange.target,
    verdict: message.kind === 'request' ? verdict.kind : null,
    rule: message.kind === 'request' ? verdict.rule : null,
    policyVersion: verdict.policyVersion,
    bytes: exchange.maskedJson,
    unmasked: message.json,
  });
}

/** Records that a session begins. @throws RecordingError */
export async function recordConnect(
  deps: { readonly recorder: Recorder; readonly maskers: () => MaskingEngine },
  { session, era }: Entered,
): Promise<void> {
  const { client, subject } = session.facts;
  const about = { client, subject, transport: 'streamable-http', protocolVersion: era.version };
  await deps.recorder.append(session.facts, {
    kind: 'connect',
    direction: 'none',
    callId: null,
    method: null,
    tool: null,
    verdict: null,
    rule: null,
    policyVersion: null,
    bytes: deps.maskers().masker('default').json(JSON.stringify(about)).text,
  });
}

/** What the steps after the verdict need to mask and record what goes back. */
export function relayContext(deps: { readonly recorder: Recorder }, exchange: MaskedExchange): RelayContext {
  const { message, session, masker, target } = exchange;
  return {
    recorder: deps.recorder,
    masker,
    session: session.facts,
    callId: message.kind === 'request' ? exchange.correlationId : null,
    method: message.kind === 'response' ? null : message.method,
    tool: target === '' ? null : target,
  };
}
