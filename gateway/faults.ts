import { MaskingError } from '../masking/engine.ts';
import { RecordingError } from '../recording/event.ts';
import { GatewayError } from './errors.ts';

/** Any error as one that the client may be told. What is unexpected says nothing of itself; it is for the log. */
export function asFault(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  if (error instanceof RecordingError) return recordingFault(error);
  if (error instanceof MaskingError)
    return new GatewayError(
      'masking_unavailable',
      'the message could not be masked, so it was not passed on; try again later, or ask for less at once',
      { cause: error },
    );
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
