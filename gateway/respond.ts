import { RecordingError } from '../recording/event.ts';
import type { ClientStream } from './client-stream.ts';
import { errorResponse, GatewayError, statusOf } from './errors.ts';
import { maskAndRecord, type RelayContext } from './relay.ts';
import type { Masker } from '../masking/engine.ts';

/** Answers a request with the gateway's own words, masked and recorded like everything else. */
export async function respond(context: RelayContext, json: string, stream: ClientStream): Promise<void> {
  await stream.respond(await maskAndRecord(context, json, null));
}

/**
 * Answers a request that failed. Clients read a JSON-RPC error only from a reply that succeeded as HTTP, so the
 * status is 200 but for a lost session, where 404 is what makes them initialize again.
 */
export async function respondFault(
  context: RelayContext,
  idJson: string,
  error: GatewayError,
  correlationId: string,
  stream: ClientStream,
): Promise<void> {
  const json = errorResponse(idJson, error, correlationId);
  const status = statusOf(error.code) === 404 ? 404 : 200;
  const masked = await maskAndRecord(context, json, null).catch((failed: Error) => {
    // It is recording that failed: the client is told so all the same, in words that hold nothing to record.
    if (!(failed instanceof RecordingError)) throw failed;
    return unrecorded(context.masker, idJson, asFault(failed), correlationId);
  });
  await stream.respond(masked, status);
}

/** An error of the gateway's own making, where there is no session to record it in. */
export function unrecorded(masker: Masker, idJson: string, error: GatewayError, correlationId: string) {
  return masker.message(errorResponse(idJson, error, correlationId)).text;
}

/** Any error as one that the client may be told. What is unexpected says nothing of itself; it is for the log. */
export function asFault(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  if (error instanceof RecordingError) return recordingFault(error);
  return new GatewayError('internal', 'the gateway failed; whoever runs it finds the reason in its log', {
    cause: error,
  });
}

function recordingFault(error: RecordingError): GatewayError {
  const { code } = error;
  if (code === 'session_ended' || code === 'session_purged')
    return new GatewayError('session_unknown', 'this session has ended; initialize again', { cause: error });
  if (code === 'event_too_large')
    return new GatewayError(
      'body_too_large',
      'the message is too large to be recorded, so it was not passed on',
      { cause: error },
    );
  return new GatewayError(
    'recording_unavailable',
    'the message could not be recorded, so it was not passed on; try again later',
    { cause: error },
  );
}
