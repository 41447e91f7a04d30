/** Every way in which the gateway itself answers with an error. One closed set; each has its place on the wire. */
export type GatewayErrorCode =
  // The request cannot be read or is not allowed here.
  | 'parse_error'
  | 'invalid_request'
  | 'invalid_params'
  | 'body_too_large'
  | 'unsupported_media_type'
  | 'not_acceptable'
  | 'method_not_allowed'
  | 'origin_refused'
  | 'host_refused'
  | 'unknown_connection'
  | 'unsupported_version'
  | 'missing_capability' // the client does not declare what this needs
  | 'page_to_visit' // no failure: a person at the client is asked to visit a page (2025-11-25)
  | 'task_unknown' // no such task of this caller's, or its time is over
  | 'task_ended'
  | 'too_many_tasks'
  | 'header_mismatch'
  | 'method_not_found'
  | 'session_missing'
  | 'session_unknown'
  | 'too_many_sessions'
  | 'too_many_streams'
  // Who is calling is not known.
  | 'unauthorized'
  | 'insufficient_scope' // known, but the credential is not for this
  | 'identity_unavailable'
  // Who is calling, or with what, has been cut off.
  | 'revoked'
  | 'revocation_unconfirmed'
  // Something that must work does not: nothing passes.
  | 'recording_unavailable'
  | 'masking_unavailable'
  | 'database_unavailable'
  | 'approvals_unavailable'
  | 'outcome_unknown' // the gateway that carried a request is gone, and its answer with it
  | 'hold_failed' // a held request that has no tool result ended without being carried out
  | 'denied' // policy denies the request
  | 'frozen' // the kill switch is on
  | 'policy_failed'
  | 'stopping'
  | 'internal'
  | UpstreamErrorCode;

/** Every way in which an upstream server can fail a message. */
export type UpstreamErrorCode =
  | 'upstream_unreachable' // no connection; nothing was sent
  | 'upstream_refused' // an HTTP status that is no answer to the message
  | 'upstream_unauthorized' // 401 or 403: Holdpoint's own credentials are not accepted
  | 'upstream_session_lost' // upstream no longer knows the session
  | 'upstream_timeout' // silent for too long
  | 'upstream_closed' // the stream ended before the response came
  | 'upstream_invalid' // what it sent is not one valid JSON-RPC message
  | 'upstream_too_large' // one message beyond the limit
  | 'upstream_redirected' // it answered with a redirect, which is never followed
  | 'upstream_no_events' // it offers no stream of its own
  | 'upstream_not_started' // the program could not be started, or crashes again and again
  | 'credentials_unavailable' // what upstream asks for cannot be had: nothing was sent
  | 'sign_in_needed' // whoever calls has not signed in at upstream themselves: nothing was sent
  | 'upstream_busy' // as many processes run as are allowed
  | 'upstream_aborted'; // the gateway stopped waiting

/** Where an error code stands on the wire: HTTP status, JSON-RPC code, whether trying again may help. */
interface Wire {
  readonly status: number;
  readonly rpc: number;
  readonly retryable: boolean;
}

// Own JSON-RPC codes lie outside -32768…-32000, which JSON-RPC and MCP keep for themselves.
const wire: Readonly<Record<GatewayErrorCode, Wire>> = {
  parse_error: { status: 400, rpc: -32700, retryable: false },
  invalid_params: { status: 400, rpc: -32602, retryable: false },
  invalid_request: { status: 400, rpc: -32600, retryable: false },
  body_too_large: { status: 413, rpc: -31001, retryable: false },
  unsupported_media_type: { status: 415, rpc: -31002, retryable: false },
  not_acceptable: { status: 406, rpc: -31003, retryable: false },
  method_not_allowed: { status: 405, rpc: -31004, retryable: false },
  origin_refused: { status: 403, rpc: -31005, retryable: false },
  host_refused: { status: 403, rpc: -31006, retryable: false },
  unknown_connection: { status: 404, rpc: -31007, retryable: false },
  unsupported_version: { status: 400, rpc: -32022, retryable: false },
  missing_capability: { status: 400, rpc: -32021, retryable: false },
  page_to_visit: { status: 200, rpc: -32042, retryable: true },
  task_unknown: { status: 200, rpc: -32602, retryable: false },
  task_ended: { status: 200, rpc: -32602, retryable: false },
  too_many_tasks: { status: 503, rpc: -31026, retryable: true },
  header_mismatch: { status: 400, rpc: -32020, retryable: false },
  method_not_found: { status: 404, rpc: -32601, retryable: false },
  session_missing: { status: 400, rpc: -31008, retryable: false },
  session_unknown: { status: 404, rpc: -31009, retryable: false },
  too_many_sessions: { status: 503, rpc: -31010, retryable: true },
  too_many_streams: { status: 503, rpc: -31011, retryable: true },
  unauthorized: { status: 401, rpc: -31012, retryable: false },
  identity_unavailable: { status: 503, rpc: -31013, retryable: true },
  insufficient_scope: { status: 403, rpc: -31014, retryable: false },
  revoked: { status: 403, rpc: -31015, retryable: false },
  revocation_unconfirmed: { status: 503, rpc: -31016, retryable: true },
  recording_unavailable: { status: 503, rpc: -31020, retryable: true },
  masking_unavailable: { status: 503, rpc: -31026, retryable: true },
  database_unavailable: { status: 503, rpc: -31021, retryable: true },
  policy_failed: { status: 500, rpc: -31022, retryable: false },
  approvals_unavailable: { status: 503, rpc: -31024, retryable: true },
  outcome_unknown: { status: 502, rpc: -31027, retryable: false },
  hold_failed: { status: 500, rpc: -31025, retryable: false },
  frozen: { status: 503, rpc: -31051, retryable: false },
  denied: { status: 200, rpc: -31050, retryable: false },
  stopping: { status: 503, rpc: -31023, retryable: true },
  internal: { status: 500, rpc: -32603, retryable: false },
  upstream_unreachable: { status: 502, rpc: -31030, retryable: true },
  upstream_refused: { status: 502, rpc: -31031, retryable: false },
  upstream_unauthorized: { status: 502, rpc: -31032, retryable: false },
  upstream_session_lost: { status: 404, rpc: -31033, retryable: false },
  upstream_timeout: { status: 504, rpc: -31034, retryable: false },
  upstream_closed: { status: 502, rpc: -31035, retryable: false },
  upstream_invalid: { status: 502, rpc: -31036, retryable: false },
  upstream_too_large: { status: 502, rpc: -31037, retryable: false },
  upstream_redirected: { status: 502, rpc: -31038, retryable: false },
  upstream_no_events: { status: 405, rpc: -31039, retryable: false },
  upstream_not_started: { status: 502, rpc: -31040, retryable: true },
  upstream_busy: { status: 503, rpc: -31041, retryable: true },
  credentials_unavailable: { status: 503, rpc: -31043, retryable: true },
  sign_in_needed: { status: 200, rpc: -31044, retryable: true },
  upstream_aborted: { status: 499, rpc: -31042, retryable: false },
};

/**
 * An error that the client is told. The message says what happened, where, and what to do; it never carries secrets
 * or text from agents or upstreams that was not masked.
 */
export class GatewayError extends Error {
  readonly code: GatewayErrorCode;
  /** Extra response headers, such as `WWW-Authenticate`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Further members of the JSON-RPC error's `data`. */
  readonly data: Readonly<Record<string, unknown>>;
  constructor(
    code: GatewayErrorCode,
    message: string,
    options: ErrorOptions & { headers?: Record<string, string>; data?: Record<string, unknown> } = {},
  ) {
    super(message, options);
    this.name = 'GatewayError';
    this.code = code;
    this.headers = options.headers ?? {};
    this.data = options.data ?? {};
  }
}

/** A refusal of a request whose id could be read, so that the error can name it. */
export class RefusedRequest extends Error {
  /** Raw JSON text of the id. */
  readonly idJson: string;
  readonly refusal: GatewayError;
  constructor(idJson: string, refusal: GatewayError) {
    super(refusal.message, { cause: refusal });
    this.name = 'RefusedRequest';
    this.idJson = idJson;
    this.refusal = refusal;
  }
}

/** What an upstream did wrong. `sent` tells whether it may have seen the message, and so have acted on it. */
export class UpstreamError extends GatewayError {
  declare readonly code: UpstreamErrorCode;
  readonly sent: boolean;
  /** The HTTP status with which upstream refused; null where it was something else. */
  readonly status: number | null;
  constructor(
    code: UpstreamErrorCode,
    message: string,
    options: ErrorOptions & { sent: boolean; status?: number },
  ) {
    super(code, message, options);
    this.name = 'UpstreamError';
    this.sent = options.sent;
    this.status = options.status ?? null;
  }
}

/** HTTP status for an error that is the whole reply. */
export function statusOf(code: GatewayErrorCode): number {
  return wire[code].status;
}

/**
 * The JSON-RPC error that answers a request.
 * @param idJson raw JSON text of the request's id; `null` when it could not be read
 */
export function errorResponse(idJson: string, error: GatewayError, correlationId: string): string {
  const { rpc, retryable } = wire[error.code];
  const data = { ...error.data, code: error.code, retryable, correlationId };
  return `{"jsonrpc":"2.0","id":${idJson},"error":${JSON.stringify({ code: rpc, message: error.message, data })}}`;
}
