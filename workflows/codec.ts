import { createHash } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { seal, unseal } from '../recording/seal.ts';

const encoding = 'binary/encrypted';
const context = 'temporal payload';
const { Payload: PayloadMessage } = proto.temporal.api.common.v1;

/**
 * Encrypts every payload that Temporal stores (AES-256-GCM; the payload whole, with its metadata). The id of the key
 * stands beside it, so that keys can be rotated while workflows run.
 * @param keys 32 bytes each; the first encrypts, all decrypt
 */
export function createCodec(keys: readonly Uint8Array[]): PayloadCodec {
  const [first] = keys;
  if (!first) throw new Error('the payload codec needs at least one key');
  const byId = new Map(keys.map((key) => [idOf(key), key]));
  const firstId = idOf(first);
  return {
    encode: async (payloads) =>
      payloads.map((payload) => ({
        metadata: { encoding: Buffer.from(encoding), 'encryption-key-id': Buffer.from(firstId) },
        data: seal(first, PayloadMessage.encode(payload).finish(), context),
      })),
    decode: async (payloads) => payloads.map((payload) => decodeOne(payload, byId)),
  };
}

function decodeOne(payload: Payload, byId: ReadonlyMap<string, Uint8Array>): Payload {
  const metadata = payload.metadata ?? {};
  if (text(metadata['encoding']) !== encoding) return payload;
  const id = text(metadata['encryption-key-id']);
  const key = byId.get(id);
  if (!key)
    throw new Error(`a Temporal payload is encrypted with key ${id}, which keys.encryption does not have`);
  const { metadata: inner, data } = PayloadMessage.decode(
    unseal(key, payload.data ?? new Uint8Array(), context),
  );
  return { metadata: inner, data };
}

function text(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString();
}

function idOf(key: Uint8Array): string {
  return createHash('sha256').update('holdpoint codec key id').update(key).digest('hex').slice(0, 16);
}
