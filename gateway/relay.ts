import type { Masked } from '../masking/masked.ts';
import type { Masker } from '../masking/engine.ts';
import type { Recorder, SessionFacts } from '../recording/event.ts';
import type { ClientStream } from './client-stream.ts';
import type { UpstreamMessage } from './upstreams/upstream.ts';

/** What a message on its way to the client belongs to. */
export interface RelayContext {
  readonly recorder: Recorder;
  /** The masker of the verdict's profile. */
  readonly masker: Masker;
  readonly session: SessionFacts;
  readonly callId: string | null;
  readonly method: string | null;
  readonly tool: string | null;
}

/**
 * The last steps of the line, mask → record → respond, for an exchange: every message from upstream is masked,
 * durably recorded, and only then written; the response ends the reply. When the client is gone, what upstream
 * still sends is recorded all the same.
 * @returns the masked response and whether the client's socket took all of it
 * @throws UpstreamError from `messages`, RecordingError when a message could not be recorded (it was not written)
 */
export async function relay(
  context: RelayContext,
  messages: AsyncIterable<UpstreamMessage>,
  client: ClientStream,
): Promise<{ response: Masked<string>; delivered: boolean } | null> {
  let end: { response: Masked<string>; delivered: boolean } | null = null;
  for await (const message of messages) {
    const masked = await maskAndRecord(context, message.json, message.method);
    if (message.kind === 'response')
      end = { response: masked, delivered: await client.respond(masked, message.status) };
    else await client.message(masked);
  }
  return end;
}

/**
 * Masks and durably records one message to the client, whoever made it; what is returned may be written.
 * @param method the message's own method; null for responses, which are recorded under their request's
 * @throws MaskingError, RecordingError when it could not be masked or recorded
 */
export async function maskAndRecord(
  context: RelayContext,
  json: string,
  method: string | null,
): Promise<Masked<string>> {
  const { text } = await context.masker.later.message(json);
  await context.recorder.append(context.session, {
    kind: 'message',
    direction: 'upstream-to-client',
    callId: context.callId,
    method: method ?? context.method,
    tool: context.tool,
    verdict: null,
    rule: null,
    policyVersion: null,
    bytes: text,
    unmasked: json,
  });
  return text;
}
