import type { IncomingMessage } from 'node:http';
import { GatewayError, RefusedRequest } from './errors.ts';
import { RpcError, readRpc, type RpcMessage } from './mcp/rpc-message.ts';
import { StrictJsonError } from './mcp/strict-json.ts';

/** The messages of one POST. */
export interface Read {
  readonly messages: readonly RpcMessage[];
  /** Whether they came as a JSON array, which 2025-03-26 allows. */
  readonly batch: boolean;
}

/**
 * Takes in a POST's body, unread: nothing of it is looked at for who has not said who they are.
 * @throws GatewayError `body_too_large`, `unsupported_media_type`
 */
export async function receive(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new GatewayError('unsupported_media_type', 'the Content-Type of a POST must be application/json');
  return await body(request, maxBytes);
}

/**
 * Reads a POST's body strictly. What the line goes on with is exactly this text; nothing is re-serialised.
 * @throws GatewayError `parse_error`; RefusedRequest `invalid_request`
 */
export function read(received: Buffer, limits: { readonly depth: number }): Read {
  const text = decode(received);
  try {
    return readRpc(text, { depth: limits.depth, loneSurrogates: 'refuse' });
  } catch (error) {
    if (error instanceof StrictJsonError)
      throw new GatewayError('parse_error', error.message, { cause: error });
    if (error instanceof RpcError)
      throw new RefusedRequest(
        error.idJson,
        new GatewayError('invalid_request', error.message, { cause: error }),
      );
    throw error;
  }
}

function body(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const tooLarge = (): GatewayError =>
      new GatewayError('body_too_large', `the body of a POST has at most ${maxBytes} bytes here`);
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) return reject(tooLarge());
    const chunks: Buffer[] = [];
    let length = 0;
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > maxBytes) {
        request.pause();
        reject(tooLarge());
      } else chunks.push(chunk);
    };
    const onEnd = (): void => {
      // The request stays for as long as its answer takes, and would keep its body with it.
      request.off('data', onData).off('end', onEnd).off('error', onError);
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    };
    const onError = (): void => reject(new GatewayError('invalid_request', 'the body broke off'));
    request.on('data', onData).on('end', onEnd).on('error', onError);
  });
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new GatewayError('parse_error', 'the body is not valid UTF-8', { cause });
  }
}
