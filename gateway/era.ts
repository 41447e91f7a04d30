import type { IncomingHttpHeaders } from 'node:http';
import { GatewayError } from './errors.ts';
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
  if (stated !== null && isModern(stated)) {
    if (!isSupported(stated)) throw unsupported(stated);
    if (named !== stated)
      throw new GatewayError(
        'header_mismatch',
        'the Mcp-Protocol-Version header must equal the version in `_meta`',
      );
    return { version: stated, modern: true };
  }
  if (named !== null && !isSupported(named)) throw unsupported(named);
  if (named !== null && isModern(named))
    throw new GatewayError(
      'header_mismatch',
      `a request of ${named} must name that version in \`params._meta["${metaKeys.protocolVersion}"]\``,
    );
  return { version: named ?? assumedVersion, modern: false };
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
    data: { supported: supportedVersions, requested: shown },
  });
}
