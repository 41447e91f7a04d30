import type { IncomingHttpHeaders } from 'node:http';
import { GatewayError } from './errors.ts';
import { decodeHeaderValue, nameOf } from './mcp/mirror-headers.ts';
import type { RpcMessage } from './mcp/rpc-message.ts';
import { assumedVersion, isModern, isSupported, metaKeys, supportedVersions } from './mcp/versions.ts';

/** Which version of the protocol a message speaks, and so whether it has a session. */
export interface Era {
  readonly version: string;
  readonly modern: boolean;
}

/**
 * Tells the protocol era of a POST: a version in `_meta` is 2026-07-28 or later, everything else is of the versions
 * with sessions.
 * @throws GatewayError `unsupported_version`, `header_mismatch`
 */
export function eraOf(message: RpcMessage, headers: IncomingHttpHeaders): Era {
  const header = headers['mcp-protocol-version'];
  const named = typeof header === 'string' ? header : null;
  const stated = message.kind === 'response' ? null : metaVersion(message.params);
  if (stated !== null) {
    if (named !== stated)
      throw new GatewayError(
        'header_mismatch',
        'the Mcp-Protocol-Version header must equal the version in `_meta`',
      );
    if (!isSupported(stated) || !isModern(stated)) throw unsupported(stated);
    refuseMismatch(message, headers);
    return { version: stated, modern: true };
  }
  if (named !== null && !isSupported(named)) throw unsupported(named);
  if (named !== null && isModern(named))
    throw new GatewayError(
      'invalid_params',
      `a request of ${named} must name that version in \`params._meta["${metaKeys.protocolVersion}"]\``,
    );
  return { version: named ?? assumedVersion, modern: false };
}

/** 2026-07-28 knows no streams of the server's own and no sessions to end. @throws GatewayError `method_not_allowed` */
export function refuseModern(headers: IncomingHttpHeaders): void {
  const version = headers['mcp-protocol-version'];
  if (typeof version === 'string' && isSupported(version) && isModern(version))
    throw new GatewayError('method_not_allowed', `${version} knows only POST here`, {
      headers: { allow: 'POST' },
    });
}

/** Decisions are made on the body alone; headers that say otherwise are somebody's trick or mistake. */
function refuseMismatch(message: RpcMessage, headers: IncomingHttpHeaders): void {
  if (message.kind === 'response')
    throw new GatewayError('invalid_request', 'clients of this protocol version post no responses');
  // Only requests must have the mirrors; a notification's, where it has them, must be true.
  const optional = message.kind === 'notification';
  const method = headers['mcp-method'];
  if (method !== message.method && !(optional && method === undefined))
    throw new GatewayError('header_mismatch', 'the Mcp-Method header must equal `method`');
  const expected = nameOf(message);
  const name = headers['mcp-name'];
  if (expected === null || (optional && name === undefined)) return;
  if (typeof name !== 'string' || decodeHeaderValue(name) !== expected)
    throw new GatewayError('header_mismatch', 'the Mcp-Name header must equal the name in `params`');
}

function metaVersion(params: Readonly<Record<string, unknown>> | null): string | null {
  const meta = params?.['_meta'];
  if (typeof meta !== 'object' || meta === null) return null;
  const version = (meta as Record<string, unknown>)[metaKeys.protocolVersion];
  return typeof version === 'string' ? version : null;
}

function unsupported(version: string): GatewayError {
  const shown = /^[\w.-]{1,32}$/.test(version) ? version : 'that version';
  return new GatewayError('unsupported_version', `protocol version ${shown} is not supported here`, {
    data: { supported: supportedVersions.filter(isModern), requested: shown },
  });
}
