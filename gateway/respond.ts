import { RecordingError } from '../recording/event.ts';
import type { ClientStream } from './client-stream.ts';
import { errorResponse, statusOf } from './errors.ts';
import type { GatewayError, GatewayErrorCode } from './errors.ts';
import { asFault } from './faults.ts';
import { maskAndRecord, type RelayContext } from './relay.ts';
import type { Masker } from '../masking/engine.ts';

/** Answers a request with the gateway's own words, masked and recorded like everything else. */
export async function respond(context: RelayContext, json: string, stream: ClientStream): Promise<void> {
  await stream.respond(await maskAndRecord(context, json, null));
}

/**
 * Answers a request that failed. Clients read a JSON-RPC error only from a reply that succeeded as HTTP, so the
 * status is 200 but for a lost session, where 404 is what makes them initialize again, and for what 2026-07-28 gives a
 * status of its own.
 */
export async function respondFault(
  context: RelayContext,
  idJson: string,
  error: GatewayError,
  correlationId: string,
  stream: ClientStream,
): Promise<void> {
  const json = errorResponse(idJson, error, correlationId);
  const status = ownStatus.has(error.code) ? statusOf(error.code) : 200;
  const masked = await maskAndRecord(context, json, null).catch((failed: Error) => {
    // It is recording that failed: the client is told so all the same, in words that hold nothing to record.
    if (!(failed instanceof RecordingError)) throw failed;
    return unrecorded(context.masker, idJson, asFault(failed), correlationId);
  });
  await stream.respond(masked, status);
}

const ownStatus: ReadonlySet<GatewayErrorCode> = new Set([
  'unknown_connection',
  'session_unknown',
  'upstream_session_lost',
  'method_not_found',
  'missing_capability',
]);

/** An error of the gateway's own making, where there is no session to record it in. */
export function unrecorded(masker: Masker, idJson: string, error: GatewayError, correlationId: string) {
  return masker.message(errorResponse(idJson, error, correlationId)).text;
}
